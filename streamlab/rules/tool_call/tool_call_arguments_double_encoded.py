"""See the class."""

from __future__ import annotations

from dataclasses import replace

from streamlab.exchange import Ending
from streamlab.expectations.sources import CHAT_CHUNK_TOOL_CALLS
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Mend, Severity
from streamlab.wire.calls import ArgumentsFault, fault_of


class ToolCallArgumentsDoubleEncoded(Rule):
    """The arguments of a tool call are JSON text inside a JSON string.

    ## What OpenAI does
    Encodes arguments once.

    ## Why it matters
    Parsed, they are a string and no object: 24 of 33 measured clients hand the function something wrong, LangChain
    calls it an invalid call. A server did ``json.dumps`` twice.

    ## Repair
    Decoded once. That is a guess, because a tool may really ask for a string; so it is made only when asked for.
    """

    name = "tool-call-arguments-double-encoded"
    severity = Severity.ERROR
    source = CHAT_CHUNK_TOOL_CALLS
    repair = Mend.UNSAFE

    def end(self, ending: Ending) -> Findings:
        for call in self.ctx.calls.calls:
            if fault_of(call) is ArgumentsFault.DOUBLE_ENCODED:
                text = str(call.arguments)
                finding = self.found(
                    f"the arguments of {quote(call.name)} are encoded twice: {quote(text)}",
                    call.at,
                    path=f"{call.path}.function.arguments",
                    span=call.span(".function.arguments"),
                    expected="the text of one JSON object",
                    actual=text,
                )
                yield replace(finding, offset_us=call.offset_us)
