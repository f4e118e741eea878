"""See the class."""

from __future__ import annotations

from streamlab.exchange import Ending
from streamlab.expectations.sources import CHAT_CHUNK_TOOL_CALLS
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Mend, Severity
from streamlab.wire.calls import leaked_call


class ToolCallLeakedAsText(Rule):
    """A tool call stands as raw markup in the text.

    ## What OpenAI does
    Sends calls as ``tool_calls``, never as text.

    ## Why it matters
    The user is shown the markup and no function is called; none of 33 measured clients finds the call. The server's
    parser is off, is made for another model, or lost its way.

    Judged where the request offers tools, no call came, and a known marker is shortly followed by the name of such
    a tool: people also talk about markers.

    ## Repair
    Only when asked for: reading a call out of text is a guess.
    """

    name = "tool-call-leaked-as-text"
    severity = Severity.ERROR
    source = CHAT_CHUNK_TOOL_CALLS
    repair = Mend.UNSAFE
    needs_request = True

    def end(self, ending: Ending) -> Findings:
        ctx = self.ctx
        if not ctx.tools:
            return
        for index, state in sorted(ctx.accumulator.choices.items()):
            if state.calls or not state.content:
                continue
            markup = leaked_call(str(state.content), ctx.tools)
            if markup is not None:
                yield self.found(
                    f"a tool call stands in the text: {quote(markup)}",
                    path=f"choices[{index}].delta.content",
                    expected="delta.tool_calls",
                    actual=markup,
                )
