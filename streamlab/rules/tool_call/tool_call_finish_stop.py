"""See the class."""

from __future__ import annotations

from streamlab.exchange import Ending
from streamlab.expectations.sources import OBSERVED
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Mend, Severity
from streamlab.wire.events import Chunk, StreamEvent
from streamlab.wire.reading import Fact


class ToolCallFinishStop(Rule):
    """The choice has tool calls and finishes with ``stop``.

    ## What OpenAI does
    Sends ``tool_calls`` (551 of 559); only with a named ``tool_choice`` it sends ``stop`` (109 of 111).

    ## Why it matters
    Agents that look at the reason end their turn and drop the call; 27 of 33 measured clients report the reason as
    it came. Not judged with a named ``tool_choice``, nor where the request is unknown.

    ## Repair
    Rewritten to ``tool_calls``.
    """

    name = "tool-call-finish-stop"
    severity = Severity.WARNING
    source = OBSERVED
    repair = Mend.SAFE
    on = Fact.TOOL_CALLS
    needs_request = True

    def event(self, at: int, event: StreamEvent) -> None:
        if isinstance(event, Chunk):
            self.ctx.calls.read(at, event.json)

    def end(self, ending: Ending) -> Findings:
        ctx = self.ctx
        if not ctx.body or isinstance(ctx.body.get("tool_choice"), dict):
            return
        for choice, reason in sorted(ctx.finish_values.items()):
            calls = ctx.calls.of_choice(choice)
            if calls and reason.lower() == "stop" and ctx.accumulator.choice(choice).finish_reason == reason:
                yield self.found(
                    f"choice {choice} finishes with {quote(reason)} after {len(calls)} tool call(s)",
                    ctx.finish_at[choice],
                    path=f"choices[{choice}].finish_reason",
                    expected="tool_calls",
                    actual=reason,
                )
