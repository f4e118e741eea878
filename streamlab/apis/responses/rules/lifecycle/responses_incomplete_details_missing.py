"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.expectations import INCOMPLETE, OBSERVED_RESPONSES
from streamlab.apis.responses.facts import ResponseFact
from streamlab.apis.responses.rules.base import ResponsesRule
from streamlab.rules.base import Findings, quote
from streamlab.rules.finding import Severity
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import as_object


class ResponsesIncompleteDetailsMissing(ResponsesRule):
    """``response.incomplete`` does not say why.

    ## What OpenAI does
    Gives the reason: ``max_output_tokens`` in 48 of 48.

    ## Why it matters
    The AI SDK then says ``stop``, so that the cut is not seen; pydantic-ai has no reason, Codex says ``unknown``.
    With the reason or without, ``get_final_response()`` of openai-python 3.57.0's stream helper raises that no
    ``response.completed`` came: that is no sign of a cut.

    ## Repair
    None: the reason is not on the wire.
    """

    name = "responses-incomplete-details-missing"
    severity = Severity.WARNING
    source = OBSERVED_RESPONSES
    on = ResponseFact.TERMINAL

    def event(self, at: int, event: StreamEvent) -> Findings:
        details = (self.response.final or {}).get("incomplete_details")
        if self.response.terminal == INCOMPLETE and not as_object(details).get("reason"):
            path = "response.incomplete_details"
            yield self.found(
                f"incomplete_details is {quote(details)}", at, path=path, expected={"reason": "…"}, actual=details
            )
