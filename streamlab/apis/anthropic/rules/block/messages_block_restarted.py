"""See the class."""

from __future__ import annotations

from streamlab.apis.anthropic.expectations import OBSERVED_MESSAGES
from streamlab.apis.anthropic.facts import MessageFact
from streamlab.apis.anthropic.repairs import MessageRepair
from streamlab.apis.anthropic.rules.base import MessagesRule
from streamlab.rules.base import Findings
from streamlab.rules.finding import Repairability, Severity
from streamlab.wire.events import StreamEvent


class MessagesBlockRestarted(MessagesRule):
    """``content_block_start`` comes again for the block that is open.

    ## What Anthropic does
    Opens every block once.

    ## Why it matters
    The official SDKs hold three calls, two of them with ``{}``; LangChain and pydantic-ai call the tool
    ``ReadReadRead``; the AI SDK and Claude Code keep the last piece of the input alone.

    ## Repair
    The repeated starts are dropped. One that holds more than the first stays.
    """

    name = "messages-block-restarted"
    severity = Severity.ERROR
    source = OBSERVED_MESSAGES
    repairability = Repairability.SAFE
    repair = MessageRepair
    on = MessageFact.RESTARTED

    def event(self, at: int, event: StreamEvent) -> Findings:
        block = self.messages.block
        index = block.index if block is not None else None
        more = block is not None and block.adds(self.block_of(event))
        said = f"block {index} is opened again while it is open"
        left = Repairability.NONE if more else None
        return (self.found(said, at, path="index", actual=index, repairability=left),)
