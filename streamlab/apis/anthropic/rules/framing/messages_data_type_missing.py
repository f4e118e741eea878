"""See the class."""

from __future__ import annotations

from streamlab.apis.anthropic.expectations import ERROR, MESSAGES_STREAMING
from streamlab.apis.anthropic.facts import MessageFact
from streamlab.apis.anthropic.repairs import MessageNames
from streamlab.apis.anthropic.rules.base import LateFormRule
from streamlab.rules.finding import Repairability, Severity
from streamlab.wire.events import Chunk, StreamEvent
from streamlab.wire.reading import chunk_of


class MessagesDataTypeMissing(LateFormRule):
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
    on = MessageFact.NAME | MessageFact.FOREIGN | MessageFact.START | MessageFact.STOP
    variants = ("no event of a text has one, but a line that names it", "no event of a call has one, but a line")

    _some = False  # an event has its type, or no line that names it

    def event(self, at: int, event: StreamEvent) -> None:
        reader, chunk = self.messages, chunk_of(event)
        known = bool(reader.kind) and reader.kind != ERROR and bool(self.ctx.facts & MessageFact.NAME)
        lost = not reader.kind and any(key in chunk for key in ("content_block", "delta", "message"))
        typed = type(chunk.get("type")) is str and bool(chunk["type"])
        self._some = self._some or typed or lost
        if type(event) is not Chunk or "choices" in chunk or not (known or lost) or typed:
            return
        said = f"{reader.kind} has no type in its JSON" if known else "an object has neither type nor event line"
        how = None if known else Repairability.NONE
        actual = chunk.get("type")
        found = self.found(said, at, expected=reader.kind or None, actual=actual, repairability=how)
        self.later(found, event, "type" not in chunk)

    def form_of(self, about: bool) -> str | None:
        """Clients were asked where no event has one, and each is named by its line."""
        return self.variants[bool(self.messages.client_tools)] if about and not self._some else None
