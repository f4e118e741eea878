"""See the class."""

from __future__ import annotations

from streamlab.apis.anthropic.expectations import MESSAGES_THINKING
from streamlab.apis.anthropic.facts import MessageFact
from streamlab.apis.anthropic.repairs import MessageRepair
from streamlab.apis.anthropic.rules.base import MessagesRule
from streamlab.lazy_pattern import lazy_pattern
from streamlab.rules.base import Findings
from streamlab.rules.finding import Repairability, Severity
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import as_object

#: Ids of those who check signatures: Anthropic, Vertex, Bedrock.
_CHECKING = lazy_pattern(r"msg_(?:01[1-9A-HJ-NP-Za-km-z]{22}$|vrtx_|bdrk_)")


class MessagesThinkingSignature(MessagesRule):
    """A thinking block has no signature, or thinking goes on after it.

    Thinking whose words are omitted is a signature alone, and whole. Only told where the message's id is not
    Anthropic's, Vertex's or Bedrock's: others check no signatures.

    ## What Anthropic does
    Sends exactly one ``signature_delta``, as the last delta of its block: 425 of 425 blocks.

    ## Why it matters
    Nothing happens in this turn. The next one is refused by Anthropic (``Invalid signature in thinking block``, six
    reports). Upstreams that ignore signatures do not mind.

    ## Repair
    A signature cannot be made up. One that comes early is moved to the end of its block.
    """

    name = "messages-thinking-signature"
    severity = Severity.WARNING
    source = MESSAGES_THINKING
    repairability = Repairability.NONE
    of_some = Repairability.SAFE
    repair = MessageRepair
    on = MessageFact.BLOCK_STOP

    def event(self, at: int, event: StreamEvent) -> Findings | None:
        block = self.messages.block
        if block is None or block.kind != "thinking" or not block.opened or self.ctx.facts & MessageFact.AGAIN:
            return None
        if block.signed_early:
            return (
                self.found(
                    f"thinking goes on after the signature of block {block.index}",
                    at,
                    repairability=Repairability.SAFE,
                ),
            )
        if block.signature or (block.deltas and not block.text and not block.given):
            return None  # what it holds is no thinking: another rule's affair
        message = f"block {block.index} is thinking without a signature"
        held = as_object(self.messages.message).get("id")
        checked = type(held) is str and _CHECKING.match(held) is not None
        severity = None if checked else Severity.INFO
        return (
            self.found(
                message,
                at,
                expected="signature_delta",
                actual=block.signature,
                severity=severity,
            ),
        )
