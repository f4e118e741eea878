"""See the class."""

from __future__ import annotations

from streamlab.apis.chat.repairs import ToolCalls
from streamlab.exchange import Ending
from streamlab.record import changed
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Finding, Repairability, Severity
from streamlab.rules.sources import OBSERVED
from streamlab.rules.state import RuleState
from streamlab.wire import reading
from streamlab.wire.events import Chunk, StreamEvent
from streamlab.wire.finish_reasons import is_blank
from streamlab.wire.reading import Fact


class ToolCallFinishStop(Rule):
    """The choice has tool calls and finishes with ``stop``.

    ## What OpenAI does
    Sends ``tool_calls`` (551 of 559); only with a named ``tool_choice`` it sends ``stop`` (109 of 111).

    ## Why it matters
    Agents that look at the reason end their turn and drop the call; {clients: another finish_reason} measured clients
    report the reason as it came. Not judged with a named ``tool_choice``, nor where the request is unknown.

    ## Repair
    Rewritten to ``tool_calls``.
    """

    name = "tool-call-finish-stop"
    severity = Severity.WARNING
    source = OBSERVED
    answer_fact = "stop-with-call"
    repairability = Repairability.SAFE
    repair = ToolCalls
    on = Fact.FINISH
    needs_request = True

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._finish: dict[int, Finding] = {}  # choice -> a finding at its first finish_reason

    def event(self, at: int, event: StreamEvent) -> None:
        if not isinstance(event, Chunk):
            return
        for position, choice in enumerate(reading.choices(event.json)):
            index, reason = reading.choice_index(choice), reading.finish_reason(choice)
            if type(reason) is str and not is_blank(reason) and index not in self._finish:
                finding = self.found("", at, path=f"choices[{position}].finish_reason")
                self._finish[index] = self.placed(finding, event)

    def end(self, ending: Ending) -> Findings:
        ctx = self.ctx
        if not ctx.body or isinstance(ctx.body.get("tool_choice"), dict):
            return
        for choice in self._finish:
            reason = ctx.seen.finish_values[choice]
            calls = ctx.calls.of_choice(choice)
            if calls and reason.lower() == "stop":
                message = f"choice {choice} finishes with {quote(reason)} after {len(calls)} tool call(s)"
                yield changed(self._finish[choice], message=message, expected="tool_calls", actual=reason)
