"""See the class."""

from __future__ import annotations

from streamlab.apis.anthropic.expectations import MESSAGES_STREAMING
from streamlab.apis.anthropic.facts import MessageFact
from streamlab.apis.anthropic.repairs import MessageRepair
from streamlab.apis.anthropic.rules.base import KIND, MessagesRule
from streamlab.rules.base import Findings
from streamlab.rules.finding import Repairability, Severity
from streamlab.wire.events import StreamEvent


class MessagesBlockIndexGap(MessagesRule):
    """The indexes of the blocks do not begin at 0, or skip one.

    ## What Anthropic does
    Numbers the blocks 0, 1, 2 without a gap, in 4,061 of 4,061 streams.

    ## Why it matters
    anthropic-python raises IndexError, and anthropic-ts loses the text or gives the tool ``{}`` without a word.
    Others and Claude Code go on.

    ## Repair
    The blocks are numbered anew, in the order of their opening.
    """

    name = "messages-block-index-gap"
    severity = Severity.ERROR
    source = MESSAGES_STREAMING
    repairability = Repairability.SAFE
    repair = MessageRepair
    on = MessageFact.INDEX
    variants = tuple(f"{kind} is numbered too high" for kind in KIND.values())

    def event(self, at: int, event: StreamEvent) -> Findings | None:
        reader = self.messages
        if not reader.index.gap or reader.block is None:
            return None
        index, higher = reader.block.index, reader.block.index > (reader.index.expected or 0)
        kind = KIND.get(reader.block.kind) if higher else None
        return (
            self.found(
                f"index is {index} where {reader.index.expected} comes next",
                at,
                path="index",
                expected=reader.index.expected,
                actual=index,
                variant=f"{kind} is numbered too high" if kind else None,
            ),
        )
