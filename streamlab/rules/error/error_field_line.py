"""See the class."""

from __future__ import annotations

from streamlab.rules.api import Scope
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.repairs import Framing
from streamlab.rules.sources import SSE
from streamlab.wire import error_objects
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact


class ErrorFieldLine(Rule):
    """An error is sent in a line of its own, ``error: {...}``, which every reader of event streams ignores.

    ## What OpenAI does
    Sends errors as ``data: {"error": {...}}``.

    ## Why it matters
    ``error`` is no field of an event stream. {clients: silent-loss} measured clients take the text so far for the whole
    answer; the others raise because the answer has no end, not because of the error. llama-server did this until
    September 2025.

    ## Repair
    Rewritten as a ``data`` event.
    """

    name = "error-field-line"
    severity = Severity.ERROR
    source = SSE
    repairability = Repairability.SAFE
    repair = Framing
    apis = Scope.CHUNKS
    on = Fact.FRAMING
    alike = True

    def event(self, at: int, event: StreamEvent) -> Findings | None:
        said = error_objects.error_field(event.sse.raw) if event.sse is not None else None
        if said is None or event.sse is None:
            return None
        text, (start, end) = said
        shown = text.decode("utf-8", "replace")
        found = self.found(
            f"an error in a field that readers ignore: {quote(shown)}",
            at,
            span=(event.sse.start + start, event.sse.start + end),
            expected='data: {"error": {...}}',
            actual=f"error: {shown}",
        )
        return (found,)
