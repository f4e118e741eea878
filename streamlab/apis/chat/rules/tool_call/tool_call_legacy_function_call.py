"""See the class."""

from __future__ import annotations

from streamlab.apis.chat.repairs import ToolCalls
from streamlab.rules.base import Findings, Rule
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import CHAT_CHUNK_DELTA
from streamlab.wire import reading
from streamlab.wire.events import Chunk, StreamEvent
from streamlab.wire.reading import Fact


class ToolCallLegacyFunctionCall(Rule):
    """A call comes in the old ``function_call`` form although ``tools`` were sent.

    ## What OpenAI does
    Answers ``tools`` with ``tool_calls``; ``function_call`` only answers a request with ``functions``.

    ## Why it matters
    The call is lost to {clients: any} measured clients: {count: raises} raise, the others see no call.
    ``function_call`` as the reason for proper tool calls leaves many with a reason they do not know (a warning).

    A call that answers neither tools nor functions is reported too: GLM-4's server took ordinary text for one.

    ## Repair
    Rewritten to a tool call with index 0 and an id made up for it; the reason to ``tool_calls``.
    """

    name = "tool-call-legacy-function-call"
    severity = Severity.ERROR
    source = CHAT_CHUNK_DELTA
    repairability = Repairability.SAFE
    repair = ToolCalls
    on = Fact.FUNCTION_CALL | Fact.FINISH
    needs_request = True

    def event(self, at: int, event: StreamEvent) -> Findings:
        ctx = self.ctx
        if not isinstance(event, Chunk) or not ctx.body or ctx.body.get("functions"):
            return
        for position, choice in enumerate(reading.choices(event.json)):
            call = reading.as_object(reading.delta(choice).get("function_call"))
            if call.get("name") or call.get("arguments"):
                yield self.found(
                    "function_call answers a request " + ("with tools" if ctx.tools else "without tools"),
                    at,
                    path=f"choices[{position}].delta.function_call",
                    expected="tool_calls" if ctx.tools else "text",
                    actual=call,
                    repairability=Repairability.SAFE if ctx.tools else Repairability.NONE,
                )
            state = ctx.accumulator.choices.get(reading.choice_index(choice))
            called = reading.delta(choice).get("tool_calls") or (state is not None and state.calls)
            if reading.finish_reason(choice) == "function_call" and called:
                yield self.found(
                    "finish_reason is 'function_call' after tool_calls",
                    at,
                    path=f"choices[{position}].finish_reason",
                    expected="tool_calls",
                    actual="function_call",
                    severity=Severity.WARNING,
                )
