"""See the class."""

from __future__ import annotations

from streamlab.apis.chat.repairs import ToolCalls
from streamlab.exchange import Ending
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Finding, Repairability, Severity
from streamlab.rules.sources import CHAT_CHUNK_TOOL_CALLS
from streamlab.rules.state import RuleState
from streamlab.wire.call_reader import Call
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact


class ToolCallNameSplit(Rule):
    """The function's name comes in pieces.

    ## What OpenAI does
    Sends the whole name in the first fragment.

    ## Why it matters
    Half of the clients join pieces, half keep the first or the last: {clients: wrong} measured clients end up with a
    wrong name, {count: raises} raise. Judged where the request is known: only the joined pieces are the name of a tool
    it offers.

    ## Repair
    The name is held back until it is the name of a tool, then sent whole.
    """

    name = "tool-call-name-split"
    severity = Severity.ERROR
    source = CHAT_CHUNK_TOOL_CALLS
    repairability = Repairability.SAFE
    repair = ToolCalls
    on = Fact.FRAGMENT
    alike = True
    needs_request = True

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._later: list[tuple[Call, Finding]] = []  # calls with a second, different piece of name

    def event(self, at: int, event: StreamEvent) -> None:
        for fragment in self.ctx.fragments(at, event):
            name = fragment.function.get("name")
            if type(name) is str and name and fragment.known_name and name != fragment.known_name:
                finding = self.found(
                    f"the name of the tool comes in pieces: {quote(fragment.known_name)}, {quote(name)}",
                    at,
                    path=f"{fragment.path}.function.name",
                    expected="the whole name in the first fragment",
                    actual=name,
                )
                self._later.append((fragment.call, self.placed(finding, event)))

    def end(self, ending: Ending) -> Findings:
        tools = self.ctx.tools or frozenset()
        for call, finding in self._later:
            if call.name in tools and not tools.intersection(call.names):
                yield finding
