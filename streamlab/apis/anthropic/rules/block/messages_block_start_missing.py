"""See the class."""

from __future__ import annotations

from streamlab.apis.anthropic.expectations import BLOCK_DELTA, DELTA_BLOCKS, MESSAGES_STREAMING
from streamlab.apis.anthropic.facts import MessageFact
from streamlab.apis.anthropic.repairs import MessageRepair
from streamlab.apis.anthropic.rules.base import MessagesRule
from streamlab.rules.base import Findings
from streamlab.rules.finding import Repairability, Severity
from streamlab.wire.events import StreamEvent


class MessagesBlockStartMissing(MessagesRule):
    """A delta or a stop is about a block that was never opened.

    ## What Anthropic does
    Opens every block with ``content_block_start``: 0 exceptions in 4,061 streams.

    ## Why it matters
    anthropic-python raises IndexError, anthropic-ts TypeError, and the AI SDK raises. Where it is a tool's,
    anthropic-ts, the AI SDK, LangChain and others lose the call without a word and keep ``tool_use``, and Claude
    Code asks four times before it says that part of the response never arrived.

    ## Repair
    Text and thinking get the block that the delta's type names. A tool's id and name are not on the wire: its
    deltas stay as they are.
    """

    name = "messages-block-start-missing"
    severity = Severity.ERROR
    source = MESSAGES_STREAMING
    repairability = Repairability.SAFE
    repair = MessageRepair
    on = MessageFact.STRAY
    variants = ("text or thinking", "a tool's")

    def event(self, at: int, event: StreamEvent) -> Findings:
        reader = self.messages
        index = reader.block.index if reader.block is not None else None
        tool = reader.delta == "input_json_delta"
        unknown = reader.kind == BLOCK_DELTA and reader.delta not in DELTA_BLOCKS
        return (
            self.found(
                f"a {reader.delta or reader.kind} is about block {index}, which was never opened",
                at,
                path="index",
                expected="content_block_start",
                actual=index,
                repairability=Repairability.NONE if unknown else None,
                variant="a tool's" if tool else "text or thinking",
            ),
        )
