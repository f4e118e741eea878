"""See the class."""

from __future__ import annotations

from typing import Any

from streamlab.apis.chat.numbering import of_opened_calls
from streamlab.apis.chat.repairs import ToolCalls
from streamlab.exchange import Ending
from streamlab.record import changed
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Finding, Repairability, Severity
from streamlab.rules.sources import CHAT_CHUNK_TOOL_CALLS
from streamlab.rules.state import RuleState
from streamlab.wire.arguments import is_whole
from streamlab.wire.call_reader import Call, Fragment
from streamlab.wire.calls import is_no_name
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact


class ToolCallIdMissing(Rule):
    """A tool call has no id.

    ## What OpenAI does
    Sends ``call_…`` in the first fragment of every call: 670 of 670 recorded streams.

    ## Why it matters
    The tool's result must name the id of its call, so the next request fails or is answered wrongly. {clients: wrong
    when it is empty} measured clients hand on a call without an id (LiteLLM drops it, LangChain.js calls it invalid),
    others raise; who makes a good id of its own (Pydantic AI, Agno, the AI SDK, openai-node 7's ``.stream()``) is not
    named. A number harms every client; an id that comes only later is taken by half of them.

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
    ends_after = on
    alike = True
    variants = (
        "it is absent or null",
        "it is empty",
        "it is empty in several calls",
        "it is a number",
        "it is a number, in a call that is whole in one chunk",
        "it comes only later",
    )

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
                    actual=call_id if "id" in fragment.raw else "(absent)",
                    variant=self._variant(call_id, fragment),
                )
                self._opened.append((fragment.call, self.placed(finding, event)))

    def end(self, ending: Ending) -> Findings:
        found = list(of_opened_calls(self.ctx, self._opened))
        several = sum(finding.variants == self.variants[1:2] for call, finding in found if not call.id) > 1
        for call, finding in found:
            if call.ghost or (not self.ctx.is_over(ending) and not call.id):
                continue  # nothing to identify, or the id may have been still to come
            if call.id:
                message = f"the id {quote(call.id)} comes only in a later fragment of its call"
                finding = changed(finding, message=message, severity=Severity.WARNING, variants=self.variants[5:])
            elif is_no_name(call.name):
                finding = changed(finding, repairability=Repairability.NONE)
            if several and finding.variants == self.variants[1:2]:
                finding = changed(finding, variants=self.variants[2:3])
            yield finding

    def _variant(self, call_id: Any, fragment: Fragment) -> str | None:
        """Which form of the deviation it is; None for one that no client was asked about."""
        if call_id is None or call_id == "":
            return self.variants[0 if call_id is None else 1]
        return self.variants[4 if is_whole(fragment) else 3] if type(call_id) is int else None
