"""See the class."""

from __future__ import annotations

from dataclasses import replace

from streamlab.exchange import Ending
from streamlab.expectations.sources import CHAT_CHUNK_TOOL_CALLS
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Mend, Severity
from streamlab.rules.repairs.tool_calls import ToolCalls
from streamlab.wire.calls import ArgumentsFault, fault_of


class ToolCallArgumentsEmptyObjectPrefix(Rule):
    """The arguments of a tool call begin with an extra ``{}``.

    ## What OpenAI does
    Begins the arguments with ``""``; there is no placeholder.

    ## Why it matters
    Joined they read ``{}{"city":"Paris"}``, which no client parses: LangChain (Python) calls the function with
    ``{}``, all other measured clients have no valid call. Gateways in front of Bedrock and Anthropic pass on the
    ``{}`` with which those open a call. A call with ``{}`` alone is a call without arguments and fine.

    ## Repair
    A leading ``{}`` is held back until it is clear whether more follows.
    """

    name = "tool-call-arguments-empty-object-prefix"
    severity = Severity.ERROR
    source = CHAT_CHUNK_TOOL_CALLS
    repair = Mend.SAFE
    mending = ToolCalls

    def end(self, ending: Ending) -> Findings:
        for call in self.ctx.calls.calls:
            if fault_of(call) is ArgumentsFault.PREFIX:
                text = str(call.arguments)
                finding = self.found(
                    f"the arguments of {quote(call.name)} begin with an extra {{}}: {quote(text)}",
                    call.at,
                    path=f"{call.path}.function.arguments",
                    span=call.span(".function.arguments"),
                    expected="the text of one JSON object",
                    actual=text,
                )
                yield replace(finding, offset_us=call.offset_us)
