"""See the class."""

from __future__ import annotations

from streamlab.apis.anthropic.blocks import Block
from streamlab.apis.anthropic.expectations import OBSERVED_MESSAGES
from streamlab.apis.anthropic.facts import MessageFact
from streamlab.apis.anthropic.repairs import MessageRepair
from streamlab.apis.anthropic.rules.base import LateFormRule
from streamlab.rules.finding import Repairability, Severity
from streamlab.wire.events import StreamEvent


class MessagesBlockRestarted(LateFormRule):
    """``content_block_start`` comes again for the block that is open.

    ## What Anthropic does
    Opens every block once.

    ## Why it matters
    The official SDKs hold three calls, two of them with ``{}``; LangChain and pydantic-ai call the tool
    ``ReadReadRead``; the AI SDK and Claude Code keep the last piece of the input alone.

    ## Repair
    The repeated starts are dropped. One that holds more than the first stays.
    """

    name = "messages-block-restarted"
    severity = Severity.ERROR
    source = OBSERVED_MESSAGES
    repairability = Repairability.SAFE
    repair = MessageRepair
    on = MessageFact.RESTARTED
    variants = ("a call is, before its input", "a call is, in its input")

    def event(self, at: int, event: StreamEvent) -> None:
        block = self.messages.block
        index = block.index if block is not None else None
        more = block is not None and block.adds(self.block_of(event))
        said = f"block {index} is opened again while it is open"
        left = Repairability.NONE if more else None
        found = self.found(said, at, path="index", actual=index, repairability=left)
        self.later(found, event, (block, block is not None and bool(block.text)))

    def form_of(self, about: tuple[Block | None, bool]) -> str | None:
        """Clients were asked about a call that is the last block."""
        block, begun = about
        last = block is not None and block.is_client_tool and block is self.messages.blocks[-1]
        return self.variants[begun] if last else None
