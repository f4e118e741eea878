"""See the class."""

from __future__ import annotations

from streamlab.apis.anthropic.expectations import MESSAGES_ERRORS
from streamlab.apis.anthropic.facts import MessageFact
from streamlab.apis.anthropic.rules.base import MessagesRule
from streamlab.rules.base import Findings, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.wire.events import ErrorPayload, StreamEvent
from streamlab.wire.reading import as_object


class MessagesErrorInStream(MessagesRule):
    """An error ended the stream, in Anthropic's own shape.

    ## What Anthropic does
    Sends ``event: error`` with ``{"type": "error", "error": {"type", "message"}}`` last, three times in 4,061
    streams, twice as the whole stream. Blocks stay open then.

    ## Why it matters
    Twelve of twelve libraries raise; Claude Code asks again without streaming, or three times more when nothing
    came before. In anthropic-python 2.14.0 it is a bare ``APIStatusError`` whose status is the headers' 200, not the
    ``OverloadedError`` with 529 that the same error is before the stream: what asks again by status or class does not.

    ## Repair
    None: it is what a server should do.
    """

    name = "messages-error-in-stream"
    severity = Severity.INFO
    source = MESSAGES_ERRORS
    repairability = Repairability.NONE
    on = MessageFact.ERROR
    variants = ("nothing came before", "it is in the middle of the message")

    def event(self, at: int, event: StreamEvent) -> Findings | None:
        told = as_object(event.json.get("error")) if type(event) is ErrorPayload else {}
        if type(event) is not ErrorPayload or not self.well_formed(event) or self.ctx.facts & MessageFact.AFTER_ERROR:
            return None
        reader, said = self.messages, f"{told['type']}: {quote(told['message'])}"
        form = None if reader.stopped else self.variants[reader.message is not None]
        return (self.found(said, at, path="error.message", actual=told["type"], variant=form),)
