"""See the class."""

from __future__ import annotations

from streamlab.apis.anthropic.expectations import MESSAGES_THINKING
from streamlab.apis.anthropic.facts import MessageFact
from streamlab.apis.anthropic.repairs import MessageRepair
from streamlab.apis.anthropic.rules.base import MessagesRule
from streamlab.rules.base import Findings
from streamlab.rules.finding import Repairability, Severity
from streamlab.wire.events import StreamEvent


class MessagesRedactedThinkingWithoutData(MessagesRule):
    """A ``redacted_thinking`` block has no ``data``.

    ## What Anthropic does
    Sends ``data`` in 6 of 6 blocks.

    ## Why it matters
    The AI SDK, pydantic-ai and LiteLLM raise. The others and Claude Code read it.

    ## Repair
    The block is dropped: nothing is in it.
    """

    name = "messages-redacted-thinking-without-data"
    severity = Severity.ERROR
    source = MESSAGES_THINKING
    repairability = Repairability.SAFE
    repair = MessageRepair
    on = MessageFact.BLOCK_START

    def event(self, at: int, event: StreamEvent) -> Findings | None:
        start = self.block_of(event) if self.opened() is not None else {}
        data = start.get("data")
        if start.get("type") != "redacted_thinking" or (type(data) is str and data):
            return None
        return (
            self.found("a redacted_thinking block has no data", at, path="content_block", expected="data", actual=data),
        )
