"""See the class."""

from __future__ import annotations

from streamlab.apis.anthropic.expectations import ERROR, MESSAGES_STREAMING
from streamlab.apis.anthropic.facts import MessageFact
from streamlab.apis.anthropic.repairs import MessageNames
from streamlab.apis.anthropic.rules.base import MessagesRule
from streamlab.rules.base import Findings
from streamlab.rules.finding import Repairability, Severity
from streamlab.wire.events import Chunk, StreamEvent
from streamlab.wire.reading import chunk_of


class MessagesDataTypeMissing(MessagesRule):
    """The JSON of an event has no ``type``.

    ## What Anthropic does
    Says the type in the line and in the JSON.

    ## Why it matters
    anthropic-python 2.14 raises, where 0.75 read the line; anthropic-ts, the AI SDK, LangChain, pydantic-ai and
    LiteLLM fail, and Claude Code asks again without streaming.

    ## Repair
    The type is taken from the line.
    """

    name = "messages-data-type-missing"
    severity = Severity.ERROR
    source = MESSAGES_STREAMING
    repairability = Repairability.SAFE
    repair = MessageNames
    on = MessageFact.NAME | MessageFact.FOREIGN

    def event(self, at: int, event: StreamEvent) -> Findings | None:
        reader, chunk = self.messages, chunk_of(event)
        known = bool(reader.kind) and reader.kind != ERROR and self.ctx.facts & MessageFact.NAME
        lost = not reader.kind and any(key in chunk for key in ("content_block", "delta", "message"))
        if (
            type(event) is not Chunk
            or "choices" in chunk
            or not (known or lost)
            or (type(chunk.get("type")) is str and chunk["type"])
        ):
            return None
        said = f"{reader.kind} has no type in its JSON" if known else "an object has neither type nor event line"
        return (
            self.found(
                said,
                at,
                expected=reader.kind or None,
                actual=chunk.get("type"),
                repairability=None if known else Repairability.NONE,
            ),
        )
