"""See the class."""

from __future__ import annotations

from streamlab.apis.anthropic.expectations import OBSERVED_MESSAGES
from streamlab.apis.anthropic.facts import MessageFact
from streamlab.apis.anthropic.markup import calls_in, found_in, other_markup
from streamlab.apis.anthropic.repairs import MessageRepair
from streamlab.apis.anthropic.rules.base import MessagesRule
from streamlab.exchange import Ending
from streamlab.rules.base import Findings, quote
from streamlab.rules.deferred import Place
from streamlab.rules.finding import Repairability, Severity
from streamlab.wire.events import Chunk, StreamEvent
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import as_list, as_object

#: Characters of misplaced text that are looked through.
_MOST = 1 << 20


class MessagesToolCallAsText(MessagesRule):
    """A call is written into the text, and no tool is called.

    Not judged when the request offers no tools, or not this one, and inside code marked as such: answers may be
    about such markup.

    ## What Anthropic does
    Sends calls as blocks.

    ## Why it matters
    Thirteen of thirteen clients show it as the answer, and the agent stops.

    ## Repair
    None without a guess. ``--unsafe`` makes calls of it, where all that follows is whole calls of offered tools.
    """

    name = "messages-tool-call-as-text"
    severity = Severity.ERROR
    source = OBSERVED_MESSAGES
    answer_fact = "call-in-text"
    repairability = Repairability.UNSAFE
    repair = MessageRepair
    on = MessageFact.BLOCK_STOP | MessageFact.MISFIT

    _place: Place | None = None
    _misplaced = ""  # text that came in a block of another type

    def event(self, at: int, event: StreamEvent) -> None:
        reader = self.messages
        if self.ctx.facts & MessageFact.MISFIT and reader.delta == "text_delta" and isinstance(event, Chunk):
            text = as_object(event.json.get("delta")).get("text")
            if type(text) is str and len(self._misplaced) < _MOST:
                self._misplaced += text
                self._place = self.keep(at, event)
        elif reader.block is not None and reader.block.kind == "text":
            self._place = self.keep(at, event)

    def end(self, ending: Ending) -> Findings:
        reader = self.messages
        if reader.client_tools or not self.complete:
            return
        text, tools = reader.text or _prefilled(reader.message), self.ctx.tools
        match = found_in(text)
        if match is None and self._misplaced and other_markup(text, tools) is None:
            text, match = self._misplaced, found_in(self._misplaced)
        if match is None:
            at, name = other_markup(text, tools), None
        else:
            at, name = match.start(), next((group for group in match.groups() if group), None)
        if at is None or (tools is not None and (not tools or (name is not None and name not in tools))):
            return
        yield self.found_at(
            self._place,
            f"the text holds a call{f' of {name}' if name else ''}: {quote(text[at:])}",
            expected="a tool_use block",
            actual=text[at:],
            repairability=None if calls_in(text, self.ctx.body)[1] else Repairability.NONE,
        )


def _prefilled(message: JsonObject | None) -> str:
    """The text that stood in message_start already."""
    blocks = (as_object(one) for one in as_list(as_object(message).get("content")))
    return "".join(str(one.get("text") or "") for one in blocks if one.get("type") == "text")
