"""See the class."""

from __future__ import annotations

from streamlab.apis.anthropic.expectations import OBSERVED_MESSAGES
from streamlab.apis.anthropic.facts import MessageFact
from streamlab.apis.anthropic.repairs import MessageRepair
from streamlab.apis.anthropic.rules.base import MessagesRule
from streamlab.rules.base import Findings
from streamlab.rules.finding import Repairability, Severity
from streamlab.wire.events import StreamEvent
from streamlab.wire.thoughts import ends_thought, opens_thought

_OWN, _OWN_END = "<thinking>", "</thinking>"  # as Claude 3 thinks


class MessagesThinkTagsInText(MessagesRule):
    """The text begins with reasoning between tags, and there is no thinking block.

    ``<think>``, or what other models write in its place, or the closing tag alone where the opening one stood in the
    prompt. Models may quote the tag, so only the beginning counts. ``<thinking>`` is written by Claude 3 itself.

    ## What Anthropic does
    Gives thinking a block of its own.

    ## Why it matters
    Thirteen of thirteen clients show the tags and the thinking as the answer.

    ## Repair
    None without a guess. ``--unsafe`` makes a thinking block of ``<think>…</think>``, without a
    signature, where it begins the first block.
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
        if any(one.kind == "thinking" for one in reader.blocks):
            return None
        tag, ended = opens_thought(text), ends_thought(text)
        if tag == _OWN or (ended is not None and ended == _OWN_END) or tag is ended is None:
            return None
        self.retire()
        said = f"begins with {tag}" if tag else f"begins with reasoning that ends in {ended}"
        first = reader.blocks[0] is block  # tags behind a block that is over are left alone
        mended = Repairability.UNSAFE if tag == "<think>" and first else Repairability.NONE
        expected = "a thinking block"
        return (self.found(f"the text {said}", at, expected=expected, actual=text, repairability=mended),)
