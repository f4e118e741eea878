"""See the class."""

from __future__ import annotations

from streamlab.apis.anthropic.expectations import MESSAGES_ERRORS
from streamlab.apis.anthropic.facts import MessageFact
from streamlab.apis.anthropic.repairs import MessageRepair
from streamlab.apis.anthropic.rules.base import MessagesRule
from streamlab.rules.base import Findings
from streamlab.rules.finding import Repairability, Severity
from streamlab.wire.events import StreamEvent


class MessagesAnswerAfterError(MessagesRule):
    """The answer goes on after an error.

    ## What Anthropic does
    Sends nothing after an error, 3 of 3.

    ## Why it matters
    All clients stop at the error; what follows is never seen.

    ## Repair
    What follows is dropped.
    """

    name = "messages-answer-after-error"
    severity = Severity.WARNING
    source = MESSAGES_ERRORS
    repairability = Repairability.SAFE
    repair = MessageRepair
    on = MessageFact.AFTER_ERROR

    def event(self, at: int, event: StreamEvent) -> Findings | None:
        if self.ctx.facts & MessageFact.AFTER_STOP:
            return None  # it was over before: another rule's affair
        kind = self.messages.kind or "data that is no event"
        return (
            self.found(f"{kind} comes after an error", at, path="type" if self.messages.kind else None, actual=kind),
        )
