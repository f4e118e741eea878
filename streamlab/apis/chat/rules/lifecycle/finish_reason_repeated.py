"""See the class."""

from __future__ import annotations

from streamlab.apis.chat.asked_tools import names_tool
from streamlab.apis.chat.repairs import Closing
from streamlab.exchange import Ending
from streamlab.record import changed
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Finding, Repairability, Severity
from streamlab.rules.sources import CHAT_CHUNK_FINISH
from streamlab.rules.state import RuleState
from streamlab.wire import reading
from streamlab.wire.events import Chunk, StreamEvent
from streamlab.wire.finish_reasons import is_blank
from streamlab.wire.reading import Fact


class FinishReasonRepeated(Rule):
    """One choice finishes more than once.

    ## What OpenAI does
    Sends exactly one chunk with a ``finish_reason`` per choice: 2,672 of 2,672 recorded streams.

    ## Why it matters
    LangChain (Python and JavaScript) joins the reasons to ``stopstop`` or ``tool_callsstop``, which no agent
    understands; where ``stop`` follows ``tool_calls``, {clients: another finish_reason when stop comes after
    tool_calls} measured clients end up with ``stop`` and may drop the call. Where the request names the tool, ``stop``
    is right, and AutoGen keeps the first reason. Where it becomes ``length``, openai-python's ``.stream()`` raises.

    Judged only where nothing but the reason is repeated: text between two reasons is finish-reason-every-chunk or
    content-after-finish, tool calls between them tool-call-finish-per-call. Legacy completions are not judged:
    OpenAI's own repeat ``length`` in an empty last chunk.

    ## Repair
    One finish chunk at the end: the first reason that is not ``stop`` wins, else ``stop``. Where the request names the
    tool, as OpenAI does, ``stop`` behind ``tool_calls`` counts.
    """

    name = "finish-reason-repeated"
    severity = Severity.ERROR
    source = CHAT_CHUNK_FINISH
    repairability = Repairability.SAFE
    repair = Closing
    on = Fact.FINISH | Fact.AFTER_FINISH
    variants = (
        "it is the same again",
        "stop comes after tool_calls",
        "stop comes after tool_calls, and the request names the tool",
    )

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._reasons: dict[int, str] = {}  # choice -> its first reason
        self._repeats: dict[int, list[Finding]] = {}
        self._goes_on: set[int] = set()

    def event(self, at: int, event: StreamEvent) -> None:
        if not isinstance(event, Chunk):
            return
        for position, choice in enumerate(reading.choices(event.json)):
            index, reason = reading.choice_index(choice), reading.finish_reason(choice)
            if index in self._reasons:
                if reading.adds_text(choice) or reading.delta(choice).get("tool_calls"):
                    self._goes_on.add(index)
                elif isinstance(reason, str) and not is_blank(reason):
                    self._repeats.setdefault(index, []).append(self._repeat(at, event, position, index, reason))
            elif isinstance(reason, str) and not is_blank(reason):
                self._reasons[index] = reason

    def _repeat(self, at: int, event: Chunk, position: int, index: int, reason: str) -> Finding:
        first = self._reasons[index]
        found = self.found(
            "",
            at,
            path=f"choices[{position}].finish_reason",
            expected=None,
            actual=reason,
            variant=self._variant(first, reason),
        )
        return self.placed(found, event)

    def _variant(self, first: str, then: str) -> str | None:
        if then == first:
            return "it is the same again"
        if (first, then) != ("tool_calls", "stop"):
            return None
        # OpenAI says stop behind a call that the request names: who ends with it is right, who keeps the first is not.
        return self.variants[2 if names_tool(self.ctx.body) else 1]

    def end(self, ending: Ending) -> Findings:
        for index, repeats in self._repeats.items():
            if index not in self._goes_on:
                said = f"choice {index} finishes more than once: {_order(self._reasons[index], repeats)}"
                yield from (changed(one, message=said) for one in repeats)


def _order(first: str, repeats: list[Finding]) -> str:
    """Which reasons came in which order, each once where it comes several times in a row."""
    then = [one.actual for one in repeats]
    turns = [one for one, before in zip(then, [first, *then], strict=False) if one != before]
    shown = "".join(f", later {quote(one)}" for one in turns[1:3])
    if then[0] == first:
        return f"again {quote(first)}" + "".join(f", later {quote(one)}" for one in turns[:3])
    return f"{quote(turns[0])} after {quote(first)}{shown}"
