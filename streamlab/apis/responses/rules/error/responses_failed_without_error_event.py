"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.expectations import FAILED, OBSERVED_RESPONSES
from streamlab.apis.responses.facts import ResponseFact
from streamlab.apis.responses.rules.base import ResponsesRule
from streamlab.rules.base import Findings
from streamlab.rules.finding import Severity
from streamlab.wire.events import StreamEvent


class ResponsesFailedWithoutErrorEvent(ResponsesRule):
    """``response.failed`` comes without an ``error`` event before it.

    ## What OpenAI does
    Sends both, the error first, in 5 of 5.

    ## Why it matters
    Codex goes by ``response.failed``. OpenAI's stream helpers do not show its message, LangChain JS says nothing.

    ## Repair
    None: the failure is told in the form that carries it.
    """

    name = "responses-failed-without-error-event"
    severity = Severity.INFO
    source = OBSERVED_RESPONSES
    on = ResponseFact.TERMINAL

    def event(self, at: int, event: StreamEvent) -> Findings:
        if self.response.terminal == FAILED and not self.response.failed:
            yield self.found("no error event came before response.failed", at, expected="an error event")
