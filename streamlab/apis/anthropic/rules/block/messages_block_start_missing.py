"""See the class."""

from __future__ import annotations

from streamlab.apis.anthropic.blocks import Block
from streamlab.apis.anthropic.expectations import BLOCK_DELTA, DELTA_BLOCKS, MESSAGES_STREAMING
from streamlab.apis.anthropic.facts import MessageFact
from streamlab.apis.anthropic.repairs import MessageRepair
from streamlab.apis.anthropic.rules.base import KIND, OWN_BLOCK, LateFormRule
from streamlab.rules.finding import Repairability, Severity
from streamlab.wire.events import StreamEvent


class MessagesBlockStartMissing(LateFormRule):
    """A delta or a stop is about a block that was never opened.

    ## What Anthropic does
    Opens every block with ``content_block_start``: 0 exceptions in 4,061 streams.

    ## Why it matters
    anthropic-python raises IndexError, anthropic-ts TypeError, and the AI SDK raises. Where it is a tool's,
    anthropic-ts, the AI SDK, LangChain and others lose the call without a word and keep ``tool_use``, and Claude
    Code asks four times before it says that part of the response never arrived.

    ## Repair
    Text and thinking get the block that the delta's type names. A tool's id and name are not on the wire: its
    deltas stay as they are.
    """

    name = "messages-block-start-missing"
    severity = Severity.ERROR
    source = MESSAGES_STREAMING
    repairability = Repairability.SAFE
    repair = MessageRepair
    on = MessageFact.STRAY
    variants = tuple(KIND.values())

    def event(self, at: int, event: StreamEvent) -> None:
        reader = self.messages
        index = reader.block.index if reader.block is not None else None
        unknown = reader.kind == BLOCK_DELTA and reader.delta not in DELTA_BLOCKS
        found = self.found(
            f"a {reader.delta or reader.kind} is about block {index}, which was never opened",
            at,
            path="index",
            expected="content_block_start",
            actual=index,
            repairability=Repairability.NONE if unknown else None,
        )
        self.later(found, event, (reader.block, reader.delta))

    def form_of(self, about: tuple[Block | None, str]) -> str | None:
        """Clients were asked about one block of which everything came but its start."""
        block, delta = about
        whole = len(self._kept) == 1 and block is not None and block.deltas and not block.open
        return KIND.get(OWN_BLOCK.get(delta, "")) if whole else None
