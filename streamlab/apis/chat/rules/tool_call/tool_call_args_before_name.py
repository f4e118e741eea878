"""See the class."""

from __future__ import annotations

from streamlab.apis.chat.numbering import of_opened_calls
from streamlab.apis.chat.repairs import ToolCalls
from streamlab.exchange import Ending
from streamlab.record import changed
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Finding, Repairability, Severity
from streamlab.rules.sources import CHAT_CHUNK_TOOL_CALLS
from streamlab.rules.state import RuleState
from streamlab.wire.call_reader import Call
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact


class ToolCallArgsBeforeName(Rule):
    """A tool call begins without its function's name; the name comes in a later fragment.

    ## What OpenAI does
    Sends index, id, type and name together in the first fragment.

    ## Why it matters
    @ai-sdk/openai raises ("Expected 'function.name' to be a string") and langchain4j threw; {clients: other function
    names} measured clients end up with a wrong name. A first fragment without any ``function`` is
    tool-call-function-missing.

    ## Repair
    Fragments are held back until the name is there.
    """

    name = "tool-call-args-before-name"
    severity = Severity.ERROR
    source = CHAT_CHUNK_TOOL_CALLS
    repairability = Repairability.SAFE
    repair = ToolCalls
    on = Fact.FRAGMENT
    ends_after = on
    alike = True

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._opened: list[tuple[Call, Finding]] = []  # calls whose first fragment lacks it, with the finding to make

    def event(self, at: int, event: StreamEvent) -> None:
        for fragment in self.ctx.fragments(at, event):
            if fragment.opens and type(fragment.raw.get("function")) is dict and not fragment.function.get("name"):
                finding = self.found(
                    "the tool call begins without its name",
                    at,
                    path=f"{fragment.path}.function.name",
                    expected="the whole name in the first fragment",
                    actual=fragment.function.get("name", "(absent)"),
                )
                self._opened.append((fragment.call, self.placed(finding, event)))

    def end(self, ending: Ending) -> Findings:
        for call, finding in of_opened_calls(self.ctx, self._opened):
            if call.name:
                yield changed(finding, message=f"{finding.message} ({quote(call.name)} comes later)")
