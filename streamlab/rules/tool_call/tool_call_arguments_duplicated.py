"""See the class."""

from __future__ import annotations

from dataclasses import replace

from streamlab.exchange import Ending
from streamlab.expectations.sources import CHAT_CHUNK_TOOL_CALLS
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Mend, Severity
from streamlab.rules.repairs.tool_calls import ToolCalls
from streamlab.wire.calls import ArgumentsFault, fault_of


class ToolCallArgumentsDuplicated(Rule):
    """The arguments of a tool call come more than once.

    ## What OpenAI does
    Sends every piece of the arguments once.

    ## Why it matters
    Pieces are joined, so the arguments become ``{…}{…}``: 16 of 33 measured clients raise, 13 to 17 have no valid
    call. Bridges from the Responses API send the deltas and then the whole text; others send in every piece all
    that came before.

    ## Repair
    One copy is kept.
    """

    name = "tool-call-arguments-duplicated"
    severity = Severity.ERROR
    source = CHAT_CHUNK_TOOL_CALLS
    repair = Mend.SAFE
    mending = ToolCalls

    def end(self, ending: Ending) -> Findings:
        for call in self.ctx.calls.calls:
            if fault_of(call) is ArgumentsFault.DUPLICATED:
                text = str(call.arguments)
                finding = self.found(
                    f"the arguments of {quote(call.name)} come more than once: {quote(text)}",
                    call.at,
                    path=f"{call.path}.function.arguments",
                    span=call.span(".function.arguments"),
                    expected="the text of one JSON object",
                    actual=text,
                )
                yield replace(finding, offset_us=call.offset_us)
