"""See the class."""

from __future__ import annotations

from collections.abc import Iterator

from streamlab.apis.anthropic.expectations import MESSAGE_IDS, OBSERVED_MESSAGES, TOOL_IDS
from streamlab.apis.anthropic.facts import MessageFact
from streamlab.apis.anthropic.rules.base import MessagesRule
from streamlab.rules.base import Findings, quote
from streamlab.rules.finding import Finding, Repairability, Severity
from streamlab.wire.events import StreamEvent
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import as_object, chunk_of


class MessagesEnvelopeForeign(MessagesRule):
    """An id is not one of Anthropic's, or the message has no id or model.

    It betrays a gateway or another vendor, and harms nobody.

    ## What Anthropic does
    Begins ids with ``msg_`` and ``toolu_``; Vertex and Bedrock put ``vrtx_`` and ``bdrk_`` behind that.

    ## Why it matters
    Thirteen of thirteen clients read it all the same.

    ## Repair
    None is needed.
    """

    name = "messages-envelope-foreign"
    severity = Severity.INFO
    source = OBSERVED_MESSAGES
    repairability = Repairability.NONE
    on = MessageFact.START | MessageFact.BLOCK_START

    def event(self, at: int, event: StreamEvent) -> Findings | None:
        reader, chunk = self.messages, chunk_of(event)
        if self.ctx.facts & MessageFact.BLOCK_START:
            block = self.opened()
            if block is None or not block.is_tool or not block.id or block.id.startswith(TOOL_IDS):
                return None
            return (
                self.found(
                    f"the id of a call is {quote(block.id)}",
                    at,
                    path="content_block.id",
                    expected="toolu_...",
                    actual=block.id,
                ),
            )
        if self.again:
            return None
        return self._message(at, as_object(chunk.get("message")) or as_object(reader.message))

    def _message(self, at: int, message: JsonObject) -> Iterator[Finding]:
        held = message.get("id")
        if type(held) is not str or not held.startswith(MESSAGE_IDS):
            said = "the message has no id" if held in (None, "") else f"the id of the message is {quote(held)}"
            yield self.found(
                said, at, path="message.id" if "id" in message else "message", expected="msg_...", actual=held
            )
        model = message.get("model")
        if type(model) is not str or not model:
            yield self.found(
                "the message names no model",
                at,
                path="message.model" if "model" in message else "message",
                actual=model,
            )
