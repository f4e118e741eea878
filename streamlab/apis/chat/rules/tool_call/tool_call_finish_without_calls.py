"""See the class."""

from __future__ import annotations

from streamlab.apis.chat.finish_places import FinishRule
from streamlab.apis.chat.repairs import ToolCalls
from streamlab.exchange import Ending
from streamlab.record import changed
from streamlab.rules.base import Findings
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import CHAT_CHUNK_FINISH
from streamlab.wire.accumulate import ChoiceState
from streamlab.wire.choice_parts import one_answer
from streamlab.wire.leaks import bare_call, leaked_call


class ToolCallFinishWithoutCalls(FinishRule):
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
    answer_fact = "calls-without-call"
    repairability = Repairability.UNSAFE
    repair = ToolCalls

    def end(self, ending: Ending) -> Findings:
        ctx = self.ctx
        if any(map(ctx.calls.of_choice, ctx.accumulator.choices)) and one_answer(
            ctx.accumulator.choices, ctx.seen.finish_values, ctx.n
        ):
            return  # the call is there, under another index
        for choice, place in self.finishes.items():
            reason = ctx.seen.finish_values[choice]
            state = ctx.accumulator.choices.get(choice)
            if reason != "tool_calls" or state is None or ctx.calls.of_choice(choice) or state.function_call:
                continue
            if not self._leaked(state):
                message = "finish_reason is 'tool_calls' without any tool call"
                finding = self.found_at(place, message, expected="stop", actual=reason)
                yield finding if state.content else changed(finding, repairability=Repairability.NONE)

    def _leaked(self, state: ChoiceState) -> bool:
        """Whether the call is there, in the text: tool-call-leaked-as-text."""
        text, names = str(state.content or ""), self.ctx.tools or frozenset()
        return bool(text) and (leaked_call(text, names) or bare_call(text, names)) is not None
