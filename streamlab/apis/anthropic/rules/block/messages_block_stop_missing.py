"""See the class."""

from __future__ import annotations

from streamlab.apis.anthropic.blocks import Block
from streamlab.apis.anthropic.expectations import MESSAGES_STREAMING
from streamlab.apis.anthropic.facts import MessageFact
from streamlab.apis.anthropic.repairs import MessageRepair
from streamlab.apis.anthropic.rules.base import KIND, MessagesRule
from streamlab.exchange import Ending
from streamlab.rules.base import Findings
from streamlab.rules.deferred import Place
from streamlab.rules.finding import Repairability, Severity
from streamlab.wire.events import StreamEvent

_LAST, _BEFORE = "that is the last block", "before another block"


class MessagesBlockStopMissing(MessagesRule):
    """A block is never closed, although the message comes to its end.

    After an ``error`` open blocks are as they should be.

    ## What Anthropic does
    Closes every block before ``message_delta``, without exception in 4,057 streams.

    ## Why it matters
    Claude Code shows an empty answer and asks again; for a tool it asks three times and says that the call could
    not be parsed. The AI SDK loses the call, llama-index the whole answer. Both official SDKs read it.

    ## Repair
    ``content_block_stop`` is added before the next block, or before ``message_delta``.
    """

    name = "messages-block-stop-missing"
    severity = Severity.ERROR
    source = MESSAGES_STREAMING
    repairability = Repairability.SAFE
    repair = MessageRepair
    on = MessageFact.MESSAGE_DELTA | MessageFact.STOP | MessageFact.FOREIGN
    variants = tuple(f"{kind} {where}" for kind in KIND.values() for where in (_LAST, _BEFORE))

    _place: Place | None = None
    _foreign = False  # an object without a type: it may be what is missing, and other clients mind that

    def event(self, at: int, event: StreamEvent) -> None:
        if self.ctx.facts & MessageFact.FOREIGN:
            self._foreign = True
        elif self._place is None:
            self._place = self.keep(at, event)

    def end(self, ending: Ending) -> Findings:
        reader = self.messages
        if reader.failed or not self.complete:
            return
        for block in [one for one in reader.open_blocks if one.number >= reader.index.earlier][:100]:
            yield self.found_at(
                self._place,
                f"block {block.index} ({block.kind or 'of no type'}) is never closed",
                expected="content_block_stop",
                actual=block.index,
                variant=self._form(block),
            )

    def _form(self, block: Block) -> str | None:
        """Which form it is; None for one that no client was asked about."""
        where = _LAST if block is self.messages.blocks[-1] else _BEFORE
        return None if self._foreign or block.kind not in KIND else f"{KIND[block.kind]} {where}"
