"""See the class."""

from __future__ import annotations

from streamlab.exchange import Ending
from streamlab.rules.base import Findings, Rule
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import OBSERVED
from streamlab.wire.accumulate import ChoiceState

_LONG = 200  # characters of text and arguments; shorter answers may well fit into one chunk


class BufferedNotStreamedTools(Rule):
    """With tools in the request, the whole answer comes in one piece.

    ## What OpenAI does
    Streams text and arguments token by token, with tools as without.

    ## Why it matters
    The user waits and sees nothing, and time to first token equals the whole time. Servers do it that must read the
    whole answer before they know whether it is a tool call (GLM-4 after its last fix), or whose model API returns
    tool calls whole (Gemini).

    ## Repair
    None: the time is gone.
    """

    name = "buffered-not-streamed-tools"
    severity = Severity.INFO
    source = OBSERVED
    repairability = Repairability.NONE
    needs_request = True

    def end(self, ending: Ending) -> Findings:
        ctx = self.ctx
        if not ctx.tools or not ctx.streamed or ctx.seen.content_events != 1 or not ctx.is_over(ending):
            return
        size = sum(_size(state) for state in ctx.accumulator.choices.values())
        if size > _LONG:
            yield self.found(
                f"the whole answer of {size} characters comes in one chunk, although it was to be streamed",
                ctx.seen.first_content_at,
                expected="text and arguments in small pieces",
            )


def _size(state: ChoiceState) -> int:
    texts = [state.content, state.reasoning, *(call.arguments for call in state.calls.values())]
    return sum(len(str(text)) for text in texts)
