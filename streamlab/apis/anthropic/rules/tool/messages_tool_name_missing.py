"""See the class."""

from __future__ import annotations

from streamlab.apis.anthropic.expectations import OBSERVED_MESSAGES
from streamlab.apis.anthropic.facts import MessageFact
from streamlab.apis.anthropic.rules.base import LateFormRule, lack
from streamlab.rules.base import quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.wire.events import StreamEvent
from streamlab.wire.payload import JsonObject


class MessagesToolNameMissing(LateFormRule):
    """A call does not name its tool.

    ## What Anthropic does
    Names it, always.

    ## Why it matters
    Nobody can run it. Without the member the AI SDK, LiteLLM and llama-index raise; Claude Code answers the model
    with an error.

    ## Repair
    None: the name is not on the wire.
    """

    name = "messages-tool-name-missing"
    severity = Severity.ERROR
    source = OBSERVED_MESSAGES
    answer_fact = "call-without-name"
    repairability = Repairability.NONE
    on = MessageFact.BLOCK_START
    variants = ("it is missing", "it is empty", "it is null")

    def event(self, at: int, event: StreamEvent) -> None:
        block, start = self.opened(), self.block_of(event)
        if block is None or not block.is_tool or block.name:
            return
        missing = "name" not in start
        said = "no name" if missing else f"the name {quote(start['name'])}"
        path = "content_block" if missing else "content_block.name"
        self.later(self.found(f"a call has {said}", at, path=path, actual=start.get("name")), event, start)

    def form_of(self, about: JsonObject) -> str | None:
        """Clients were asked about a message with one call."""
        return f"it is {lack(about, 'name')}" if len(self.messages.client_tools) == 1 else None
