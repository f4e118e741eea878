"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.expectations import FAILED, OBSERVED_RESPONSES, text_of
from streamlab.apis.responses.facts import ResponseFact
from streamlab.apis.responses.rules.base import ResponsesRule
from streamlab.rules.base import Findings, quote
from streamlab.rules.finding import Severity
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import as_object


class ResponsesFailedWithoutError(ResponsesRule):
    """``response.failed`` does not say what failed.

    ## What OpenAI does
    Sends ``error`` with ``code`` and ``message`` in 5 of 5.

    ## Why it matters
    The user learns nothing: Codex says that an event was received, openai-node and the AI SDK say nothing at all,
    pydantic-ai blames the model.

    ## Repair
    None: the reason is not on the wire.
    """

    name = "responses-failed-without-error"
    severity = Severity.WARNING
    source = OBSERVED_RESPONSES
    on = ResponseFact.TERMINAL

    def event(self, at: int, event: StreamEvent) -> Findings:
        if self.response.terminal != FAILED:
            return
        error = (self.response.final or {}).get("error")
        if not text_of(as_object(error).get("message")):
            yield self.found(
                f"error of response.failed is {quote(error)}",
                at,
                path="response.error",
                expected={"code": "…", "message": "…"},
                actual=error,
            )
