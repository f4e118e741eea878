"""See the class."""

from __future__ import annotations

from streamlab.apis.chat.finish_places import FinishRule
from streamlab.apis.chat.repairs import ToolCalls
from streamlab.exchange import Ending
from streamlab.rules.base import Findings, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import OBSERVED


class ToolCallFinishStop(FinishRule):
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
    needs_request = True

    def end(self, ending: Ending) -> Findings:
        ctx = self.ctx
        if not ctx.body or isinstance(ctx.body.get("tool_choice"), dict):
            return
        for choice, place in self.finishes.items():
            reason = ctx.seen.finish_values[choice]
            calls = ctx.calls.of_choice(choice)
            if calls and reason.lower() == "stop":
                message = f"choice {choice} finishes with {quote(reason)} after {len(calls)} tool call(s)"
                yield self.found_at(place, message, expected="tool_calls", actual=reason)
