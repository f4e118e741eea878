"""See the class."""

from __future__ import annotations

from streamlab.apis.anthropic.expectations import BLOCK_DELTA, BLOCK_START, MESSAGES_STREAMING
from streamlab.apis.anthropic.facts import MessageFact
from streamlab.apis.anthropic.repairs import MessageRepair
from streamlab.apis.anthropic.rules.base import MessagesRule
from streamlab.rules.base import Findings
from streamlab.rules.finding import Repairability, Severity
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import as_object, chunk_of


class MessagesEventAfterStop(MessagesRule):
    """Something comes after ``message_stop``.

    A ping, a comment, ``[DONE]`` and a second ``message_stop`` are other matters.

    ## What Anthropic does
    Sends nothing after it, in 4,057 of 4,057 streams.

    ## Why it matters
    Clients disagree about the answer: the AI SDK raises, anthropic-python, both LangChains and pydantic-ai append
    the text, anthropic-ts 1.14, Claude Code, LiteLLM and llama-index ignore it.

    ## Repair
    None without a guess. ``--unsafe`` drops what comes after.
    """

    name = "messages-event-after-stop"
    severity = Severity.ERROR
    source = MESSAGES_STREAMING
    repairability = Repairability.UNSAFE
    repair = MessageRepair
    on = MessageFact.AFTER_STOP
    variants = ("a text_delta comes", "another block comes")

    _opened = False

    def event(self, at: int, event: StreamEvent) -> Findings:
        kind = self.messages.kind or "data that is no event"
        path = "type" if self.messages.kind else None
        self._opened = self._opened or kind == BLOCK_START
        of_text = kind == BLOCK_DELTA and as_object(chunk_of(event).get("delta")).get("type") == "text_delta"
        form = self.variants[self._opened] if of_text or kind == BLOCK_START else None
        return (self.found(f"{kind} comes after message_stop", at, path=path, actual=kind, variant=form),)
