"""See the class."""

from __future__ import annotations

from streamlab.apis.anthropic.blocks import Block
from streamlab.apis.anthropic.expectations import MESSAGES_STREAMING
from streamlab.apis.anthropic.facts import MessageFact
from streamlab.apis.anthropic.repairs import MessageRepair
from streamlab.apis.anthropic.rules.base import KIND, MessagesRule
from streamlab.exchange import Ending
from streamlab.rules.base import Findings, quote
from streamlab.rules.deferred import Place
from streamlab.rules.finding import Finding, Repairability, Severity
from streamlab.rules.state import RuleState
from streamlab.wire.events import StreamEvent

_ON, _AGAIN = "the first delta goes on in", "the first delta says again the beginning of"


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
    on = MessageFact.BLOCK_START | MessageFact.BLOCK_STOP
    variants = tuple(f"{how} {kind}" for kind in tuple(KIND.values())[:2] for how in (_ON, _AGAIN))

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._opened: dict[int, tuple[Block, Place]] = {}

    def event(self, at: int, event: StreamEvent) -> Findings | None:
        block = self.messages.block
        if self.ctx.facts & MessageFact.BLOCK_START:
            if self.opened() is not None and block is not None and block.given:
                self._opened[block.number] = block, self.keep(at, event, f"content_block.{block.kind}")
            return None
        found = self._opened.pop(block.number, None) if block is not None else None
        return None if found is None else (self._told(*found),)

    def end(self, ending: Ending) -> Findings:
        for block, place in self._opened.values():
            yield self._told(block, place)

    def _told(self, block: Block, place: Place) -> Finding:
        again = str(block.text).startswith(block.given)
        return self.found_at(
            place,
            f"block {block.index} opens with {quote(block.given)}"
            + (", and the first delta says it again" if again else ""),
            expected="",
            actual=block.given,
            variant=f"{_AGAIN if again else _ON} {KIND[block.kind]}" if block.kind in ("text", "thinking") else None,
        )
