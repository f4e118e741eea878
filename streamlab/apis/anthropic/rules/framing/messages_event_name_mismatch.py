"""See the class."""

from __future__ import annotations

from streamlab.apis.anthropic.expectations import ERROR, MESSAGES_STREAMING
from streamlab.apis.anthropic.facts import MessageFact
from streamlab.apis.anthropic.repairs import MessageFrames
from streamlab.apis.anthropic.rules.base import MessagesRule
from streamlab.rules.base import Findings, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import chunk_of


class MessagesEventNameMismatch(MessagesRule):
    """The ``event:`` line says another name than the event's ``type``.

    ## What Anthropic does
    Says the same in both, in every event of 4,061 streams.

    ## Why it matters
    The official SDKs of a year ago (0.75.0 and 0.71.0) go by the line and see nothing; the newest go by the JSON,
    as all others do.

    ## Repair
    The line is written from the type.
    """

    name = "messages-event-name-mismatch"
    severity = Severity.ERROR
    source = MESSAGES_STREAMING
    repairability = Repairability.SAFE
    repair = MessageFrames
    on = MessageFact.NAME

    def event(self, at: int, event: StreamEvent) -> Findings | None:
        reader, sse = self.messages, event.sse
        if sse is None or sse.event is None or reader.kind == ERROR or type(chunk_of(event).get("type")) is not str:
            return None
        name = sse.event.decode("utf-8", "replace")
        return (
            self.found(
                f"{reader.kind} goes by the name {quote(name)}", at, expected=f"event: {reader.kind}", actual=name
            ),
        )
