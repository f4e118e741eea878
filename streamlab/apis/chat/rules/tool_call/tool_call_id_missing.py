"""See the class."""

from __future__ import annotations

from dataclasses import replace

from streamlab.apis.chat.repairs.tool_calls import ToolCalls
from streamlab.exchange import Ending
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Finding, Repairability, Severity
from streamlab.rules.sources import CHAT_CHUNK_TOOL_CALLS
from streamlab.rules.state import RuleState
from streamlab.wire.call_reader import Call
from streamlab.wire.calls import is_no_name
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact


class ToolCallIdMissing(Rule):
    """A tool call has no id.

    ## What OpenAI does
    Sends ``call_…`` in the first fragment of every call: 670 of 670 recorded streams.

    ## Why it matters
    The tool's result must name the id of its call, so the next request fails or is answered wrongly. {clients: wrong}
    measured clients hand on a call without an id (LiteLLM drops it, LangChain.js calls it invalid), {count: raises}
    raise. An id that is no string, or that comes only later, fails in fewer clients.

    ## Repair
    An id is made up from choice and index: any will do, as long as it stays the same. None is made where the name of
    the call is scraps (quotes, brackets): an id would make a call of what clients take for none.
    """

    name = "tool-call-id-missing"
    severity = Severity.ERROR
    source = CHAT_CHUNK_TOOL_CALLS
    repairability = Repairability.SAFE
    repair = ToolCalls
    on = Fact.FRAGMENT
    alike = True

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._opened: list[tuple[Call, Finding]] = []  # calls whose first fragment lacks it, with the finding to make

    def event(self, at: int, event: StreamEvent) -> None:
        for fragment in self.ctx.fragments(at, event):
            call_id = fragment.raw.get("id")
            if fragment.opens and not (type(call_id) is str and call_id):
                wrong = "the tool call has no id"
                if call_id:
                    wrong = f"the id of the tool call is {quote(call_id)}, no string"
                finding = self.found(
                    wrong,
                    at,
                    path=f"{fragment.path}.id",
                    expected='a string such as "call_a1B2c3D4"',
                    actual=fragment.raw.get("id", "(absent)"),
                )
                self._opened.append((fragment.call, self.placed(finding, event)))

    def end(self, ending: Ending) -> Findings:
        for call, finding in self._opened:
            if call.ghost or (ending is not Ending.COMPLETE and not call.id):
                continue  # nothing to identify, or the id may have been still to come
            if call.id:
                message = f"the id {quote(call.id)} comes only in a later fragment of its call"
                finding = replace(finding, message=message, severity=Severity.WARNING)
            elif is_no_name(call.name):
                finding = replace(finding, repairability=Repairability.NONE)
            yield finding
