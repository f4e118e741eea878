"""See the class."""

from __future__ import annotations

from streamlab.apis.anthropic.expectations import MESSAGES_STREAMING
from streamlab.apis.anthropic.facts import MessageFact
from streamlab.apis.anthropic.repairs import MessageRepair
from streamlab.apis.anthropic.rules.base import MessagesRule
from streamlab.rules.base import Findings, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import chunk_of


class MessagesBlockIndexType(MessagesRule):
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
    variants = ("it is missing", "it is a string")

    def event(self, at: int, event: StreamEvent) -> Findings | None:
        reader = self.messages
        if not reader.index.wrong_type:
            return None
        index = chunk_of(event).get("index")
        missing = "index" not in chunk_of(event)
        return (
            self.found(
                "index is missing" if missing else f"index is {quote(index)}",
                at,
                path=None if missing else "index",
                expected=reader.block.index if reader.block is not None else None,
                actual=index,
                variant="it is a string" if type(index) is str else "it is missing",
            ),
        )
