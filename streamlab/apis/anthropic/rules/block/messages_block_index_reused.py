"""See the class."""

from __future__ import annotations

from streamlab.apis.anthropic.expectations import MESSAGES_STREAMING
from streamlab.apis.anthropic.facts import MessageFact
from streamlab.apis.anthropic.repairs import MessageRepair
from streamlab.apis.anthropic.rules.base import KIND, MessagesRule
from streamlab.rules.base import Findings
from streamlab.rules.finding import Repairability, Severity
from streamlab.wire.events import StreamEvent


class MessagesBlockIndexReused(MessagesRule):
    """Two blocks have the same index.

    The start of an open block again, with its id, is another matter.

    ## What Anthropic does
    Numbers the blocks 0, 1, 2 in the order in which they are opened, without exception in 4,061 streams.

    ## Why it matters
    anthropic-python gives the second call ``{}``, anthropic-ts raises or does the same, pydantic-ai raises, both
    LangChains merge the calls or lose one. Claude Code, the AI SDK and LiteLLM keep them apart.

    ## Repair
    The blocks are numbered anew, in the order of their opening.
    """

    name = "messages-block-index-reused"
    severity = Severity.ERROR
    source = MESSAGES_STREAMING
    repairability = Repairability.SAFE
    repair = MessageRepair
    on = MessageFact.INDEX
    variants = (
        "a call has that of a call",
        "a call has that of a text",
        "a call has that of thinking",
        "a text has that of thinking",
        "a text has that of a call",
        "a text has that of a text",
    )

    def event(self, at: int, event: StreamEvent) -> Findings | None:
        reader = self.messages
        if not reader.index.reused or reader.block is None:
            return None
        block = reader.block
        before = next((one for one in reversed(reader.blocks[: block.number]) if one.index == block.index), None)
        form = f"{KIND.get(block.kind)} has that of {KIND.get(before.kind if before is not None else '')}"
        return (
            self.found(
                f"a second block has index {block.index}",
                at,
                path="index",
                expected=reader.index.expected,
                actual=block.index,
                variant=self.form_asked(form),
            ),
        )
