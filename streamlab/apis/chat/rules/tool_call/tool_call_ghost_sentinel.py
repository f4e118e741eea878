"""See the class."""

from __future__ import annotations

from streamlab.apis.chat.numbering import of_opened_calls
from streamlab.apis.chat.repairs import ToolCalls
from streamlab.exchange import Ending
from streamlab.rules.base import Findings, Rule
from streamlab.rules.finding import Finding, Repairability, Severity
from streamlab.rules.sources import CHAT_CHUNK_TOOL_CALLS
from streamlab.rules.state import RuleState
from streamlab.wire.call_reader import Call
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact


class ToolCallGhostSentinel(Rule):
    """A tool call opens and stays empty: no id, no name, no arguments.

    ## What OpenAI does
    Opens a call only when there is one.

    ## Why it matters
    Clients that count calls by index make an empty call of it: langchain4j asked for a tool without a name. It is
    the mark by which some servers end the calls before it.

    ## Repair
    The fragment is dropped.
    """

    name = "tool-call-ghost-sentinel"
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
            if fragment.opens and fragment.call.ghost:
                finding = self.found(
                    "an empty tool call: no id, no name, no arguments",
                    at,
                    path=fragment.path,
                    expected="(absent)",
                    actual=fragment.raw,
                )
                self._opened.append((fragment.call, self.placed(finding, event)))

    def end(self, ending: Ending) -> Findings:
        for call, finding in of_opened_calls(self.ctx, self._opened):
            if call.ghost and self.ctx.is_over(ending):
                yield finding
