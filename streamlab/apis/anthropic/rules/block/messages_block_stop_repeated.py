"""See the class."""

from __future__ import annotations

from streamlab.apis.anthropic.expectations import MESSAGES_STREAMING
from streamlab.apis.anthropic.facts import MessageFact
from streamlab.apis.anthropic.repairs import MessageRepair
from streamlab.apis.anthropic.rules.base import MessagesRule
from streamlab.rules.base import Findings
from streamlab.rules.finding import Repairability, Severity
from streamlab.wire.events import StreamEvent


class MessagesBlockStopRepeated(MessagesRule):
    """``content_block_stop`` comes a second time for the same block.

    ## What Anthropic does
    Closes every block once: 0 exceptions in 4,061 streams.

    ## Why it matters
    Claude Code 2.1.332 asks four times, prints the text four times and says that the response stream was malformed;
    an older one ran the tool twice. All twelve libraries read it, so that nobody else sees it.

    ## Repair
    The second one is dropped.
    """

    name = "messages-block-stop-repeated"
    severity = Severity.ERROR
    source = MESSAGES_STREAMING
    repairability = Repairability.SAFE
    repair = MessageRepair
    on = MessageFact.BLOCK_STOP

    def event(self, at: int, event: StreamEvent) -> Findings | None:
        if not self.ctx.facts & MessageFact.AGAIN:
            return None
        index = self.messages.block.index if self.messages.block is not None else None
        return (self.found(f"block {index} is closed a second time", at, path="index", actual=index),)
