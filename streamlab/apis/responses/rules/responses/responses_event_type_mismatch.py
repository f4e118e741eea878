"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.repairs import ResponsesEvents
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import RESPONSES_STREAMING
from streamlab.wire import reading
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact


class ResponsesEventTypeMismatch(Rule):
    """The ``event:`` line of a Responses event is missing or names another type than the JSON.

    ## What OpenAI does
    Writes an ``event:`` line before every ``data:`` line, equal to the ``type`` inside: all events of 1,614 recorded
    streams. OpenRouter's Responses streams have none.

    ## Why it matters
    The official clients read ``type`` and go on without the line; all 11 that were measured do. Listeners that
    subscribe by name, as a browser's ``EventSource`` has to, never hear of the event.

    ## Repair
    Written anew from ``type``.
    """

    name = "responses-event-type-mismatch"
    severity = Severity.WARNING
    source = RESPONSES_STREAMING
    repairability = Repairability.SAFE
    repair = ResponsesEvents
    on = Fact.TYPED | Fact.ERROR

    def event(self, at: int, event: StreamEvent) -> Findings | None:
        sse = event.sse
        kind = reading.event_type(event.json)  # type: ignore[union-attr]
        if sse is None or not kind:
            return None
        name = sse.event
        if not name:
            return (self.found(f"no event: line names {quote(kind)}", at, expected=f"event: {kind}"),)
        if name == kind.encode("utf-8", "surrogatepass"):
            return None
        shown = name.decode("utf-8", "replace")
        message = f"event: says {quote(shown)}, the type inside is {quote(kind)}"
        return (self.found(message, at, path="type", expected=kind, actual=shown),)
