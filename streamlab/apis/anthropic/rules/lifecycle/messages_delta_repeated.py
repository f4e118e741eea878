"""See the class."""

from __future__ import annotations

from streamlab.apis.anthropic.expectations import MESSAGES_STREAMING
from streamlab.apis.anthropic.facts import MessageFact
from streamlab.apis.anthropic.repairs import MessageRepair
from streamlab.apis.anthropic.rules.base import MessagesRule
from streamlab.rules.base import Findings
from streamlab.rules.finding import Repairability, Severity
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import as_object, chunk_of


class MessagesDeltaRepeated(MessagesRule):
    """``message_delta`` comes more than once.

    The documentation allows it, with numbers that add up; a warning therefore, and an error where content comes
    between two of them.

    ## What Anthropic does
    Sends exactly one in 4,057 of 4,057 streams, after the last block is closed.

    ## Why it matters
    LiteLLM cuts the answer off at the first one. langchain-anthropic adds the numbers up, and a later
    ``stop_reason: null`` wipes the reason in both official SDKs and in the AI SDK.

    ## Repair
    They become one, before ``message_stop``: the last numbers and the last reason that is not null.
    """

    name = "messages-delta-repeated"
    severity = Severity.WARNING
    source = MESSAGES_STREAMING
    repairability = Repairability.SAFE
    repair = MessageRepair
    on = MessageFact.MESSAGE_DELTA | MessageFact.LATE
    variants = ("content comes between", "its stop_reason is null", "nothing comes between")

    _between = False

    def event(self, at: int, event: StreamEvent) -> Findings | None:
        facts = self.ctx.facts
        if not facts & MessageFact.MESSAGE_DELTA:
            self._between = self._between or bool(self.messages.endings)
            return None
        if not facts & MessageFact.AGAIN:
            return None
        reason = as_object(chunk_of(event).get("delta")).get("stop_reason")
        wiped = reason is None and self.messages.stop_reason is not None
        variant = self.variants[0 if self._between else 1 if wiped else 2]
        message = "message_delta comes again" + (" after content" if self._between else "")
        severity = Severity.ERROR if self._between else None
        return (self.found(message, at, path="type", expected="one message_delta", severity=severity, variant=variant),)
