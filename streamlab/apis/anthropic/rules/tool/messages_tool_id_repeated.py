"""See the class."""

from __future__ import annotations

from streamlab.apis.anthropic.expectations import OBSERVED_MESSAGES
from streamlab.apis.anthropic.facts import MessageFact
from streamlab.apis.anthropic.repairs import MessageRepair
from streamlab.apis.anthropic.rules.base import MessagesRule
from streamlab.rules.base import Findings
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.state import RuleState
from streamlab.wire.events import StreamEvent


class MessagesToolIdRepeated(MessagesRule):
    """Two calls have the same id.

    ## What Anthropic does
    Gives every call its own: 98 of 98 answers with parallel calls.

    ## Why it matters
    llama-index loses the first call. Claude Code runs both, but the next request is refused (``tool_use ids must be
    unique``).

    ## Repair
    The second call gets an id of its own.
    """

    name = "messages-tool-id-repeated"
    severity = Severity.ERROR
    source = OBSERVED_MESSAGES
    repairability = Repairability.SAFE
    repair = MessageRepair
    on = MessageFact.BLOCK_START

    def event(self, at: int, event: StreamEvent) -> Findings | None:
        block = self.opened()
        if block is None or not block.is_tool or not block.id:
            return None
        seen = self._ids
        if block.id in seen:
            message = f"the call of {block.name or 'a tool'} has the id of an earlier call"
            return (self.found(message, at, path="content_block.id", actual=block.id),)
        seen.add(block.id)
        return None

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._ids: set[str] = set()
