"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.cut import cut
from streamlab.apis.responses.expectations import COMPLETED, OBSERVED_RESPONSES
from streamlab.apis.responses.facts import ResponseFact
from streamlab.apis.responses.repairs import ResponseRepair
from streamlab.apis.responses.rules.base import ResponsesRule
from streamlab.rules.base import Findings, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.wire.events import StreamEvent


class ResponsesTerminalStatus(ResponsesRule):
    """The status of the finished response is not what the event says that ends it.

    ## What OpenAI does
    Sends ``completed`` in ``response.completed`` and so on, in 2,102 of 2,102 streams.

    ## Why it matters
    OpenAI's clients, LangChain and LiteLLM hand on the status, so the answer passes as one that still goes on;
    pydantic-ai has no reason to finish.

    ## Repair
    The event says how it ended.
    """

    name = "responses-terminal-status"
    severity = Severity.WARNING
    source = OBSERVED_RESPONSES
    repairability = Repairability.SAFE
    repair = ResponseRepair
    on = ResponseFact.TERMINAL

    def event(self, at: int, event: StreamEvent) -> Findings:
        meant, final = self.response.terminal.removeprefix("response."), self.response.final or {}
        status = final.get("status")
        if "status" in final and status != meant and not (self.response.terminal == COMPLETED and cut(final)):
            message = f"status is {quote(status)} in {self.response.terminal}"
            yield self.found(message, at, path="response.status", expected=meant, actual=status)
