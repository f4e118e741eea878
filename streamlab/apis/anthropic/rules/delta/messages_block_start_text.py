"""See the class."""

from __future__ import annotations

from streamlab.apis.anthropic.expectations import MESSAGES_STREAMING
from streamlab.apis.anthropic.facts import MessageFact
from streamlab.apis.anthropic.repairs.message import MessageRepair
from streamlab.apis.anthropic.rules.base import MessagesRule
from streamlab.rules.base import Findings, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.wire.events import StreamEvent


class MessagesBlockStartText(MessagesRule):
    """``content_block_start`` holds text already.

    ## What Anthropic does
    Opens text and thinking empty: 3,421 of 3,421 and 425 of 425 blocks.

    ## Why it matters
    No form is right for all: Claude Code, the AI SDK and llama-index drop it, so that the first words are lost; the
    official SDKs, LangChain, pydantic-ai and LiteLLM keep it, and double it where the first delta says it again.

    ## Repair
    The start is emptied, and what it held is sent as the first delta, unless that says the same.
    """

    name = "messages-block-start-text"
    severity = Severity.ERROR
    source = MESSAGES_STREAMING
    repairability = Repairability.SAFE
    repair = MessageRepair
    on = MessageFact.BLOCK_START

    def event(self, at: int, event: StreamEvent) -> Findings | None:
        block = self.opened()
        if block is None or not block.given:
            return None
        path = f"content_block.{block.kind}"
        return (
            self.found(
                f"block {block.index} opens with {quote(block.given)}", at, path=path, expected="", actual=block.given
            ),
        )
