"""See the class."""

from __future__ import annotations

from streamlab.apis.anthropic.expectations import MESSAGES_STREAMING
from streamlab.apis.anthropic.facts import MessageFact
from streamlab.apis.anthropic.repairs import MessageRepair
from streamlab.apis.anthropic.rules.base import MessagesRule
from streamlab.exchange import Ending
from streamlab.rules.base import Findings
from streamlab.rules.deferred import Place
from streamlab.rules.finding import Repairability, Severity
from streamlab.wire.events import StreamEvent


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
    on = MessageFact.MESSAGE_DELTA | MessageFact.STOP
    variants = ("text or thinking", "a tool's")

    _place: Place | None = None

    def event(self, at: int, event: StreamEvent) -> None:
        if self._place is None:
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
                variant="a tool's" if block.is_tool else "text or thinking",
            )
