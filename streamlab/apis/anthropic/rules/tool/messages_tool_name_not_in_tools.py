"""See the class."""

from __future__ import annotations

from streamlab.apis.anthropic.expectations import OBSERVED_MESSAGES
from streamlab.apis.anthropic.facts import MessageFact
from streamlab.apis.anthropic.inputs import meant_tool
from streamlab.apis.anthropic.repairs import MessageRepair
from streamlab.apis.anthropic.rules.base import MessagesRule
from streamlab.rules.base import Findings, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.wire.events import StreamEvent


class MessagesToolNameNotInTools(MessagesRule):
    """A tool is called that the request does not offer.

    Tools that the server runs are not judged.

    ## What Anthropic does
    Calls what the request offers: 891 of 891 calls whose request is known.

    ## Why it matters
    Twelve of twelve libraries pass it on; Claude Code tells the model that there is no such tool.

    ## Repair
    None without a guess. ``--unsafe`` takes the one offered tool whose name differs in case alone.
    """

    name = "messages-tool-name-not-in-tools"
    severity = Severity.WARNING
    source = OBSERVED_MESSAGES
    answer_fact = "unknown-tool"
    of_some = Repairability.NONE
    repairability = Repairability.UNSAFE
    repair = MessageRepair
    needs_request = True
    on = MessageFact.BLOCK_START

    def event(self, at: int, event: StreamEvent) -> Findings | None:
        block, tools = self.opened(), self.ctx.tools
        if block is None or not block.is_client_tool or not block.name or tools is None or block.name in tools:
            return None
        return (
            self.found(
                f"{quote(block.name)} is called, which the request does not offer",
                at,
                path="content_block.name",
                expected=", ".join(sorted(tools)[:8]) or "no tool",
                actual=block.name,
                repairability=self.of_some if meant_tool(block.name, tools) is None else None,
            ),
        )
