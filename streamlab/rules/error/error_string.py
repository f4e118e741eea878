"""See the class."""

from __future__ import annotations

from streamlab.rules.api import Scope
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.repairs import ErrorShape
from streamlab.rules.sources import ERROR_OBJECT
from streamlab.wire.events import ErrorPayload, StreamEvent
from streamlab.wire.reading import Fact


class ErrorString(Rule):
    """An error inside the stream is a string (or another plain value) instead of an object.

    ## What OpenAI does
    ``"error"`` is always an object with a ``message``.

    ## Why it matters
    Every measured client raises, but openai-python loses the text: "An error occurred during streaming" is all the
    user sees. The AI SDK reports a failed type validation in its place.

    ## Repair
    The text becomes ``error.message``; ``type`` is taken from ``error_type`` where there is one, else
    ``server_error``.
    """

    name = "error-string"
    severity = Severity.WARNING
    source = ERROR_OBJECT
    repairability = Repairability.SAFE
    repair = ErrorShape
    apis = Scope.CHUNKS
    on = Fact.ERROR

    def event(self, at: int, event: StreamEvent) -> Findings:
        if not isinstance(event, ErrorPayload):
            return
        error = event.json["error"]
        if type(error) is not dict:
            kind = "a string" if type(error) is str else "no object"
            yield self.found(
                f"error is {kind}: {quote(error, 120)}",
                at,
                path="error",
                expected={"message": error, "type": "server_error", "param": None, "code": None},
                actual=error,
            )
