"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.expectations import ERROR, OBSERVED_RESPONSES, text_of
from streamlab.apis.responses.facts import ResponseFact
from streamlab.apis.responses.repairs import ResponseRepair
from streamlab.apis.responses.rules.base import ResponsesRule
from streamlab.rules.base import Findings, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import as_object


class ResponsesErrorEventShape(ResponsesRule):
    """An error inside a Responses stream does not have the shape of this API's errors.

    ## What OpenAI does
    Sends an event of type ``error`` with an ``error`` object beside the type, 5 of 5; the specification puts
    ``message``, ``code`` and ``param`` into the event itself. The bare ``{"error": {...}}`` of chat completions never
    comes here.

    ## Why it matters
    OpenAI's clients raise on any top-level ``error``, but clients that dispatch on ``type`` drop an event without one:
    Codex reports a lost connection, without the reason, and asks six times; the AI SDK fails its validation.

    ## Repair
    Told as an event of type ``error``, and by ``response.failed``.
    """

    name = "responses-error-event-shape"
    severity = Severity.ERROR
    source = OBSERVED_RESPONSES
    repairability = Repairability.SAFE
    repair = ResponseRepair
    on = ResponseFact.ERROR

    def event(self, at: int, event: StreamEvent) -> Findings:
        value = self.value(event)
        kind, error = text_of(value.get("type")), value.get("error")
        if kind != ERROR:
            typed = f"with type {quote(kind)}, not 'error'" if kind else "without type 'error'"
            shape = "as {'error': …}, as in chat completions," if error else "as an object"
            yield self.found(f"an error comes {shape} {typed}", at, expected={"type": "error"}, actual=value)
            return
        holder, path = (as_object(error), "error.message") if error else (value, "message")
        if type(error) is str:
            return  # it says what went wrong
        message = holder.get("message")
        if type(message) is str and message:
            return
        empty = message == ""
        said = "the error event has an empty message: nobody learns what went wrong" if empty else None
        yield self.found(
            said or "the error event has no message",
            at,
            path=path if "message" in holder else None,
            expected="message, code, param",
            actual=message,
            severity=None if empty else Severity.WARNING,
            repairability=Repairability.NONE,
        )
