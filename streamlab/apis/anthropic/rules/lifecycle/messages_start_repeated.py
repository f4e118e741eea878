"""See the class."""

from __future__ import annotations

from streamlab.apis.anthropic.expectations import OBSERVED_MESSAGES
from streamlab.apis.anthropic.facts import MessageFact
from streamlab.apis.anthropic.repairs import MessageRepair
from streamlab.apis.anthropic.repairs.envelope import says_more
from streamlab.apis.anthropic.rules.base import MessagesRule
from streamlab.rules.base import Findings
from streamlab.rules.finding import Repairability, Severity
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import as_object, chunk_of


class MessagesStartRepeated(MessagesRule):
    """``message_start`` comes a second time.

    ## What Anthropic does
    Sends exactly one, in 4,059 of 4,059 streams.

    ## Why it matters
    anthropic-ts raises ``Unexpected event order``, the AI SDK raises when it comes inside an open block, and
    LangChain JS counts the input twice. Gateways that retry inside one body send the answer from its beginning, so
    the text may stand there twice.

    ## Repair
    A second start with the id of the first, or before any block has a delta, is dropped. Another id after content
    means that the answer may start over: that is only told.
    """

    name = "messages-start-repeated"
    severity = Severity.ERROR
    source = OBSERVED_MESSAGES
    repairability = Repairability.SAFE
    repair = MessageRepair
    on = MessageFact.START
    variants = ("a block is open", "no block is open")

    def event(self, at: int, event: StreamEvent) -> Findings | None:
        if not self.ctx.facts & MessageFact.AGAIN:
            return None
        reader = self.messages
        again = as_object(chunk_of(event).get("message")).get("id")
        first = as_object(reader.message).get("id")
        begun = any(block.deltas for block in reader.blocks)
        other = (begun and again != first) or says_more(chunk_of(event))
        message = "message_start comes a second time" + (", with another id" if again != first else "")
        return (
            self.found(
                message,
                at,
                path="message.id" if again != first else "type",
                expected="one message_start",
                actual=again if again != first else "message_start",
                repairability=Repairability.NONE if other else None,
                variant="a block is open" if reader.open_blocks else "no block is open",
            ),
        )
