"""See the class."""

from __future__ import annotations

import re

from streamlab.apis.anthropic.expectations import OBSERVED_MESSAGES
from streamlab.apis.anthropic.facts import MessageFact
from streamlab.apis.anthropic.rules.base import MessagesRule
from streamlab.exchange import Ending
from streamlab.rules.base import Findings, quote
from streamlab.rules.deferred import Place
from streamlab.rules.finding import Repairability, Severity
from streamlab.wire.events import StreamEvent

#: The markup in which models write calls: Claude's own, Hermes' and Llama's.
_MARKUP = re.compile(
    r"<(?:antml:)?invoke name=\"([^\"<>]{1,200})\">"
    r"|<(?:antml:)?function_calls>\s*<"
    r"|<tool_call>\s*(?:\{\s*\"name\":\s*\"([^\"]{1,200})\"|[<{])"
    r"|<function=([^<>]{1,200})>"
)


class MessagesToolCallAsText(MessagesRule):
    """A call is written into the text, and no tool is called.

    Not judged when the request offers no tools, or not this one, and inside code marked as such: answers may be
    about such markup.

    ## What Anthropic does
    Sends calls as blocks.

    ## Why it matters
    Thirteen of thirteen clients show it as the answer, and the agent stops.

    ## Repair
    None: what the markup means is a guess.
    """

    name = "messages-tool-call-as-text"
    severity = Severity.ERROR
    source = OBSERVED_MESSAGES
    repairability = Repairability.NONE
    on = MessageFact.BLOCK_STOP

    _place: Place | None = None

    def event(self, at: int, event: StreamEvent) -> None:
        if self.messages.block is not None and self.messages.block.kind == "text":
            self._place = self.keep(at, event)

    def end(self, ending: Ending) -> Findings:
        reader = self.messages
        if reader.client_tools or not self.complete:
            return
        text = reader.text
        match = _MARKUP.search(text)
        if match is None or text.count("```", 0, match.start()) % 2 or text[: match.start()].endswith("`"):
            return
        name, tools = next((group for group in match.groups() if group), None), self.ctx.tools
        if tools is not None and (not tools or (name is not None and name not in tools)):
            return
        yield self.found_at(
            self._place,
            f"the text holds a call{f' of {name}' if name else ''}: {quote(text[match.start() :])}",
            expected="a tool_use block",
            actual=text[match.start() :],
        )
