"""See the class."""

from __future__ import annotations

from streamlab.apis.chat.numbering import of_whole_calls
from streamlab.apis.chat.repairs import ToolCalls
from streamlab.exchange import Ending
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Finding, Repairability, Severity
from streamlab.rules.sources import CHAT_CHUNK_TOOL_CALLS
from streamlab.rules.state import RuleState
from streamlab.wire.call_reader import Call
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact


class ToolCallFunctionMissing(Rule):
    """A tool call fragment has no ``function``.

    ## What OpenAI does
    Sends ``function`` with arguments in every fragment: nothing else is there to add.

    ## Why it matters
    openai-python's ``.stream()`` helper, the AI SDK, LangChain (Python) and openai-java raise: {clients: raises}
    measured clients in all. Headers that announce a call, and empty fragments that end one, come like this.

    ## Repair
    A fragment that adds nothing is dropped; a header waits for the next one.
    """

    name = "tool-call-function-missing"
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

    def event(self, at: int, event: StreamEvent) -> Findings:
        for fragment in self.ctx.fragments(at, event):
            function = fragment.raw.get("function", "(absent)")
            if type(function) is dict or type(fragment.raw.get("custom")) is dict:
                continue
            what = "no function" if function == "(absent)" else f"function {quote(function)}"
            finding = self.found(
                f"the tool call fragment has {what}",
                at,
                path=f"{fragment.path}.function",
                expected="an object with arguments",
                actual=function,
            )
            if fragment.opens:
                self._opened.append((fragment.call, self.placed(finding, event)))
            else:
                yield finding

    def end(self, ending: Ending) -> Findings:
        for call, finding, _ in of_whole_calls(self.ctx, self._opened):
            if not call.ghost:
                yield finding
