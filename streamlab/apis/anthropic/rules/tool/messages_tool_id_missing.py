"""See the class."""

from __future__ import annotations

from streamlab.apis.anthropic.expectations import OBSERVED_MESSAGES
from streamlab.apis.anthropic.facts import MessageFact
from streamlab.apis.anthropic.repairs import MessageRepair
from streamlab.apis.anthropic.rules.base import LateFormRule, lack
from streamlab.rules.base import quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.wire.events import StreamEvent
from streamlab.wire.payload import JsonObject


class MessagesToolIdMissing(LateFormRule):
    """A call has no id, or an empty one.

    ## What Anthropic does
    Sends ``toolu_`` and 24 more characters in 1,319 of 1,319 calls.

    ## Why it matters
    Claude Code does not run the call; LangChain JS and LiteLLM lose it; without the member the AI SDK raises. The
    official SDKs read it.

    ## Repair
    The call gets an id: nothing refers to it yet.
    """

    name = "messages-tool-id-missing"
    severity = Severity.ERROR
    source = OBSERVED_MESSAGES
    repairability = Repairability.SAFE
    repair = MessageRepair
    on = MessageFact.BLOCK_START
    variants = ("it is missing", "it is empty", "it is null")

    def event(self, at: int, event: StreamEvent) -> None:
        block, start = self.opened(), self.block_of(event)
        if block is None or not block.is_tool or block.id:
            return
        missing = "id" not in start
        said = "no id" if missing else f"the id {quote(start['id'])}"
        told = f"the call of {block.name or 'a tool'} has {said}"
        path = "content_block" if missing else "content_block.id"
        self.later(self.found(told, at, path=path, expected="toolu_...", actual=start.get("id")), event, start)

    def form_of(self, about: JsonObject) -> str | None:
        """Clients were asked about a message with one call."""
        return f"it is {lack(about, 'id')}" if len(self.messages.client_tools) == 1 else None
