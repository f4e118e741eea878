"""See the class."""

from __future__ import annotations

from streamlab.exchange import Ending
from streamlab.expectations.sources import CHAT_CHUNK_FINISH
from streamlab.rules.base import Findings, Rule
from streamlab.rules.finding import Mend, Severity
from streamlab.wire.accumulate import ChoiceState
from streamlab.wire.calls import leaked_call
from streamlab.wire.events import Chunk, StreamEvent
from streamlab.wire.reading import Fact


class ToolCallFinishWithoutCalls(Rule):
    """``finish_reason`` is ``tool_calls`` and there is no tool call.

    ## What OpenAI does
    Says ``tool_calls`` only when there are some.

    ## Why it matters
    Agents wait for a call, or loop with an empty one. The server's parser did not find the call, or lost it.

    ## Repair
    ``stop`` where the choice has text; otherwise nothing can be said.
    """

    name = "tool-call-finish-without-calls"
    severity = Severity.ERROR
    source = CHAT_CHUNK_FINISH
    repair = Mend.UNSAFE
    on = Fact.TOOL_CALLS

    def event(self, at: int, event: StreamEvent) -> None:
        if isinstance(event, Chunk):
            self.ctx.calls.read(at, event.json)

    def end(self, ending: Ending) -> Findings:
        ctx = self.ctx
        for choice, reason in sorted(ctx.finish_values.items()):
            state = ctx.accumulator.choices.get(choice)
            if reason != "tool_calls" or state is None or ctx.calls.of_choice(choice) or state.function_call:
                continue
            if not state.calls and not self._leaked(state):
                yield self.found(
                    "finish_reason is 'tool_calls' without any tool call",
                    ctx.finish_at[choice],
                    path=f"choices[{choice}].finish_reason",
                    expected="stop",
                    actual=reason,
                )

    def _leaked(self, state: ChoiceState) -> bool:
        """Whether the call is there, in the text: tool-call-leaked-as-text."""
        return bool(state.content) and leaked_call(str(state.content), self.ctx.tools or frozenset()) is not None
