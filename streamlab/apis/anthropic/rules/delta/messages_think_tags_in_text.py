"""See the class."""

from __future__ import annotations

from streamlab.apis.anthropic.expectations import OBSERVED_MESSAGES
from streamlab.apis.anthropic.facts import MessageFact
from streamlab.apis.anthropic.repairs.message import MessageRepair
from streamlab.apis.anthropic.rules.base import MessagesRule
from streamlab.rules.base import Findings
from streamlab.rules.finding import Repairability, Severity
from streamlab.wire.events import StreamEvent


class MessagesThinkTagsInText(MessagesRule):
    """The text begins with ``<think>``, and there is no thinking block.

    Models may quote the tag, so only the beginning counts. ``<thinking>`` is written by Claude 3 itself.

    ## What Anthropic does
    Gives thinking a block of its own.

    ## Why it matters
    Thirteen of thirteen clients show the tags and the thinking as the answer.

    ## Repair
    None without a guess. ``--unsafe`` makes a thinking block of it, without a signature.
    """

    name = "messages-think-tags-in-text"
    severity = Severity.WARNING
    source = OBSERVED_MESSAGES
    answer_fact = "thinking-in-text"
    repairability = Repairability.UNSAFE
    repair = MessageRepair
    on = MessageFact.BLOCK_STOP

    def event(self, at: int, event: StreamEvent) -> Findings | None:
        reader = self.messages
        block = reader.block
        if block is None or block.kind != "text" or self.ctx.facts & MessageFact.AGAIN:
            return None
        text = (block.given + str(block.text)).lstrip()
        if not text.startswith("<think>") or any(one.kind == "thinking" for one in reader.blocks):
            return None
        self.retire()
        return (self.found("the text begins with <think>", at, expected="a thinking block", actual=text),)
