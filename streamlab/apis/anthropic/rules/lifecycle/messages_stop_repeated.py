"""See the class."""

from __future__ import annotations

from streamlab.apis.anthropic.expectations import OBSERVED_MESSAGES
from streamlab.apis.anthropic.facts import MessageFact
from streamlab.apis.anthropic.repairs import MessageRepair
from streamlab.apis.anthropic.rules.base import MessagesRule
from streamlab.rules.base import Findings
from streamlab.rules.finding import Repairability, Severity
from streamlab.wire.events import StreamEvent


class MessagesStopRepeated(MessagesRule):
    """``message_stop`` comes a second time.

    ## What Anthropic does
    Sends it once, in 4,057 of 4,057 streams.

    ## Why it matters
    Thirteen of thirteen clients read the answer all the same; Claude Code books the usage twice.

    ## Repair
    The second one is dropped.
    """

    name = "messages-stop-repeated"
    severity = Severity.INFO
    source = OBSERVED_MESSAGES
    repairability = Repairability.SAFE
    repair = MessageRepair
    on = MessageFact.STOP

    def event(self, at: int, event: StreamEvent) -> Findings | None:
        if not self.ctx.facts & MessageFact.AGAIN:
            return None
        return (self.found("message_stop comes a second time", at, path="type", actual="message_stop"),)
