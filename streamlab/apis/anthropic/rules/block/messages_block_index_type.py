"""See the class."""

from __future__ import annotations

from collections import Counter

from streamlab.apis.anthropic.blocks import Block
from streamlab.apis.anthropic.expectations import BLOCK_DELTA, BLOCK_START, BLOCK_STOP, MESSAGES_STREAMING
from streamlab.apis.anthropic.facts import MessageFact
from streamlab.apis.anthropic.repairs import MessageRepair
from streamlab.apis.anthropic.rules.base import KIND, LateFormRule
from streamlab.rules.base import quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.state import RuleState
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import chunk_of

#: How the index is, in the words of the forms.
_HOW: dict[type, str] = {type(None): "it is missing in", str: "it is a string in"}


class MessagesBlockIndexType(LateFormRule):
    """The index of a block is missing, or is no integer.

    Servers that leave out what is zero leave out exactly the index of the first block.

    ## What Anthropic does
    Sends an integer in every event of a block.

    ## Why it matters
    Without it anthropic-python and the AI SDK raise, anthropic-ts loses text and input, langchain-anthropic makes a
    call too many, LangChain JS reads the wrong input. At a string the AI SDK raises. Claude Code reads both.

    ## Repair
    A missing one is that of the block opened last, or the next number at a start; a string becomes an integer.
    """

    name = "messages-block-index-type"
    severity = Severity.ERROR
    source = MESSAGES_STREAMING
    repairability = Repairability.SAFE
    repair = MessageRepair
    on = MessageFact.INDEX
    variants = tuple(
        f"{how} every event of {kind}" for how in _HOW.values() for kind in (*KIND.values(), "several calls")
    )

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._alike: Counter[tuple[int | None, type, str]] = Counter()  # once the stream is over

    def event(self, at: int, event: StreamEvent) -> None:
        reader = self.messages
        if not reader.index.wrong_type:
            return
        index = chunk_of(event).get("index")
        missing = "index" not in chunk_of(event)
        found = self.found(
            "index is missing" if missing else f"index is {quote(index)}",
            at,
            path=None if missing else "index",
            expected=reader.block.index if reader.block is not None else None,
            actual=index,
        )
        self.later(found, event, (reader.block, reader.kind, type(index)))

    def form_of(self, about: tuple[Block | None, str, type]) -> str | None:
        """Clients were asked where the start, each delta and the end of a block are alike."""
        block, _, how = about
        if not self._alike:
            self._alike = Counter((one[0] and one[0].number, one[2], one[1]) for _, one in self._kept)
        if block is None or how not in _HOW:
            return None
        came = [self._alike[block.number, how, kind] for kind in (BLOCK_START, BLOCK_DELTA, BLOCK_STOP)]
        if came != [1, block.deltas, 1]:
            return None
        several = block.kind == "tool_use" and len(self.messages.client_tools) > 1
        return f"{_HOW[how]} every event of {'several calls' if several else KIND.get(block.kind)}"
