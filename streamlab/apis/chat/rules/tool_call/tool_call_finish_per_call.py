"""See the class."""

from __future__ import annotations

from streamlab.apis.chat.repairs import Closing
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import CHAT_CHUNK_FINISH
from streamlab.wire import reading
from streamlab.wire.arguments import read_arguments
from streamlab.wire.events import Chunk, StreamEvent
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import Fact


class ToolCallFinishPerCall(Rule):
    """``finish_reason`` comes before the last tool call.

    ## What OpenAI does
    Finishes a choice once, after all its calls.

    ## Why it matters
    A client that stops at the first reason loses the calls that follow; LangChain (Python and JavaScript) joins the
    reasons to ``tool_callstool_calls``, and four helpers raise where a call comes in pieces behind one. Strands loses
    a call.

    ## Repair
    One finish chunk, at the end.
    """

    name = "tool-call-finish-per-call"
    severity = Severity.ERROR
    source = CHAT_CHUNK_FINISH
    repairability = Repairability.SAFE
    repair = Closing
    on = Fact.AFTER_FINISH
    variants = ("it ends each call", "every chunk has one", "every chunk has one and a whole call")

    def event(self, at: int, event: StreamEvent) -> Findings:
        ctx = self.ctx
        if not isinstance(event, Chunk) or not ctx.facts & Fact.TOOL_CALLS:
            return
        if ctx.facts & (Fact.AFTER_DONE | Fact.AFTER_ERROR):  # where nobody reads on
            return
        for position, choice in enumerate(reading.choices(event.json)):
            reason = ctx.seen.finish_values.get(reading.choice_index(choice))
            calls = reading.tool_calls(reading.delta(choice))
            if reason is not None and calls:
                another = all(reading.as_object(one.get("function")).get("name") for one in calls)
                yield self.found(
                    f"{'another tool call comes' if another else 'a tool call goes on'} after "
                    f"finish_reason {quote(reason)}",
                    at,
                    path=f"choices[{position}].delta.tool_calls",
                    expected="finish_reason after the last tool call",
                    variant=_variant(choice, calls),
                )


def _variant(choice: JsonObject, calls: list[JsonObject]) -> str:
    """Which form of the deviation it is."""
    if not reading.finish_reason(choice):
        return "it ends each call"
    texts = [reading.as_object(one.get("function")).get("arguments") for one in calls]
    whole = all(type(read_arguments(str(text)).value) is dict for text in texts)
    return f"every chunk has one{' and a whole call' * whole}"
