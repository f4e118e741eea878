"""See the class."""

from __future__ import annotations

from streamlab.apis.anthropic.expectations import ERROR, MESSAGES_STREAMING
from streamlab.apis.anthropic.facts import MessageFact
from streamlab.apis.anthropic.repairs import MessageFrames
from streamlab.apis.anthropic.rules.base import MessagesRule
from streamlab.rules.base import Findings
from streamlab.rules.finding import Repairability, Severity
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import chunk_of


class MessagesEventLineMissing(MessagesRule):
    """Events have no ``event:`` line.

    ## What Anthropic does
    Names every event by its type, in 4,061 of 4,061 streams.

    ## Why it matters
    anthropic-python sees no event at all and its ``.stream()`` raises, anthropic-ts raises, LangChain, pydantic-ai
    and llama-index hold nothing or raise, and Claude Code asks again without streaming. Only the AI SDK and LiteLLM
    read it.

    ## Repair
    The line is added.
    """

    name = "messages-event-line-missing"
    severity = Severity.ERROR
    source = MESSAGES_STREAMING
    repairability = Repairability.SAFE
    repair = MessageFrames
    on = MessageFact.NAME

    def event(self, at: int, event: StreamEvent) -> Findings | None:
        reader, sse = self.messages, event.sse
        if sse is None or sse.event is not None or reader.kind == ERROR or "type" not in chunk_of(event):
            return None
        return (self.found(f"{reader.kind} has no event line", at, expected=f"event: {reader.kind}"),)
