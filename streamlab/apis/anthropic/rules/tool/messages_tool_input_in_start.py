"""See the class."""

from __future__ import annotations

from streamlab.apis.anthropic.blocks import Block
from streamlab.apis.anthropic.expectations import MESSAGES_STREAMING
from streamlab.apis.anthropic.facts import MessageFact
from streamlab.apis.anthropic.repairs import MessageRepair
from streamlab.apis.anthropic.rules.base import MessagesRule
from streamlab.exchange import Ending
from streamlab.record import changed
from streamlab.rules.base import Findings
from streamlab.rules.finding import Finding, Repairability, Severity
from streamlab.rules.state import RuleState
from streamlab.wire.events import StreamEvent

#: Calls that are kept; more are not told.
_MOST = 1_000


class MessagesToolInputInStart(MessagesRule):
    """The input of a tool stands in ``content_block_start``.

    Calls made by code that the model wrote come like that.

    ## What Anthropic does
    Opens with ``input: {}`` and sends the input as deltas: 1,402 of 1,402 ``tool_use`` blocks.

    ## Why it matters
    Claude Code, LangChain JS, LiteLLM and the AI SDK 2 run the tool with ``{}``; the official SDKs, the AI SDK 3
    and 4, pydantic-ai and llama-index keep it. Sent in both places the AI SDK doubles it and pydantic-ai raises.

    ## Repair
    The start gets ``{}`` and the input becomes a delta; where deltas follow anyway, the start is only emptied.
    """

    name = "messages-tool-input-in-start"
    severity = Severity.ERROR
    source = MESSAGES_STREAMING
    repairability = Repairability.SAFE
    repair = MessageRepair
    on = MessageFact.BLOCK_START
    variants = ("no delta follows", "deltas follow")

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._opened: list[tuple[Block, Finding]] = []

    def event(self, at: int, event: StreamEvent) -> None:
        block, given = self.opened(), self.block_of(event).get("input")
        if block is None or not block.is_client_tool or not block.direct or type(given) is not dict or not given:
            return
        message = f"the call of {block.name or 'a tool'} has its input in content_block_start"
        found = self.found(message, at, path="content_block.input", expected={}, actual=given)
        if len(self._opened) < _MOST:
            self._opened.append((block, self.placed(found, event)))

    def end(self, ending: Ending) -> Findings:
        for block, finding in self._opened:
            yield changed(finding, variants=(self.variants[bool(block.deltas)],))
