"""See the class."""

from __future__ import annotations

from streamlab.apis.anthropic.expectations import MESSAGES_STREAMING
from streamlab.apis.anthropic.facts import MessageFact
from streamlab.apis.anthropic.repairs import MessageRepair
from streamlab.apis.anthropic.rules.base import MessagesRule
from streamlab.rules.base import Findings, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import chunk_of


class MessagesOpenaiChunks(MessagesRule):
    """Chunks of OpenAI's chat completions come where Messages events should.

    ## What Anthropic does
    Sends events of its own.

    ## Why it matters
    The official SDKs, the AI SDK, LangChain, pydantic-ai and LiteLLM raise; LangChain JS and llama-index hold
    nothing; Claude Code asks again without streaming.

    ## Repair
    None without a guess: the server, or the gateway's route, speaks the other protocol. ``--unsafe`` translates the
    chunks, where nothing of a message came.
    """

    name = "messages-openai-chunks"
    severity = Severity.ERROR
    source = MESSAGES_STREAMING
    repairability = Repairability.UNSAFE
    repair = MessageRepair
    on = MessageFact.FOREIGN

    def event(self, at: int, event: StreamEvent) -> Findings | None:
        chunk = chunk_of(event)
        if type(chunk.get("choices")) is not list:
            return None
        return (
            self.found(
                f"a chunk of chat completions (object {quote(chunk.get('object'))})",
                at,
                path="choices",
                expected="message_start",
                repairability=Repairability.NONE if self.messages.begun else None,
            ),
        )
