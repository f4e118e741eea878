"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.repairs import ResponsesEvents
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import RESPONSES
from streamlab.wire import error_objects, reading
from streamlab.wire.events import Chunk, ErrorPayload, StreamEvent
from streamlab.wire.reading import Fact


class ResponsesErrorEventShape(Rule):
    """An error inside a Responses stream does not have the shape of this API's errors.

    ## What OpenAI does
    Sends an event of type ``error`` with ``message``, ``code`` and ``param``, either flat or inside an ``error``
    object beside the type, or a ``response.failed`` whose response holds the error. The bare ``{"error": {...}}`` of
    chat completions never comes here.

    ## Why it matters
    OpenAI's clients raise on any top-level ``error``, but clients that dispatch on ``type`` drop an event without one:
    Codex reports a lost connection, without the reason, and tries again.

    ## Repair
    Re-wrapped as an event of type ``error``.
    """

    name = "responses-error-event-shape"
    severity = Severity.ERROR
    source = RESPONSES
    repairability = Repairability.SAFE
    repair = ResponsesEvents
    on = Fact.ERROR | Fact.SHAPE

    def event(self, at: int, event: StreamEvent) -> Findings | None:
        if type(event) is ErrorPayload:
            return self._nested(at, event)
        if type(event) is not Chunk:
            return None
        kind = reading.event_type(event.json)
        if kind == "error":
            if event.json.get("message") == "":
                message = "the error event has an empty message: nobody learns what went wrong"
                return (self.found(message, at, path="message", actual="", repairability=Repairability.NONE),)
            if type(event.json.get("message")) is str:
                return None
            message = "the error event has no message"
            return (
                self.found(
                    message,
                    at,
                    expected="message, code, param",
                    severity=Severity.WARNING,
                    repairability=Repairability.NONE,
                ),
            )
        if kind.startswith("response.") or error_objects.flat_error(event.json) is None:
            return None
        message = f"an error comes with type {quote(kind)}, not 'error'" if kind else "an error comes without a type"
        return (self.found(message, at, path="type", expected="error", actual=kind),)

    def _nested(self, at: int, event: ErrorPayload) -> Findings | None:
        kind = reading.event_type(event.json)
        if kind == "error" or kind.startswith("response."):
            return None
        message = "the error comes as {'error': …}, as in chat completions, without type 'error'"
        return (self.found(message, at, path="error", expected={"type": "error"}, actual=event.json.get("error")),)
