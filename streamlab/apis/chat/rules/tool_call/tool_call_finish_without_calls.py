"""See the class."""

from __future__ import annotations

from streamlab.apis.chat.repairs import ToolCalls
from streamlab.exchange import Ending
from streamlab.record import changed
from streamlab.rules.base import Findings, Rule
from streamlab.rules.finding import Finding, Repairability, Severity
from streamlab.rules.sources import CHAT_CHUNK_FINISH
from streamlab.rules.state import RuleState
from streamlab.wire import reading
from streamlab.wire.accumulate import ChoiceState
from streamlab.wire.choice_parts import one_answer
from streamlab.wire.events import Chunk, StreamEvent
from streamlab.wire.finish_reasons import is_blank
from streamlab.wire.leaks import bare_call, leaked_call
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
    answer_fact = "calls-without-call"
    repairability = Repairability.UNSAFE
    repair = ToolCalls
    on = Fact.FINISH

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._finish: dict[int, Finding] = {}  # choice -> a finding at its first finish_reason

    def event(self, at: int, event: StreamEvent) -> None:
        if not isinstance(event, Chunk):
            return
        for position, choice in enumerate(reading.choices(event.json)):
            index, reason = reading.choice_index(choice), reading.finish_reason(choice)
            if type(reason) is str and not is_blank(reason) and index not in self._finish:
                finding = self.found("", at, path=f"choices[{position}].finish_reason")
                self._finish[index] = self.placed(finding, event)

    def end(self, ending: Ending) -> Findings:
        ctx = self.ctx
        if any(map(ctx.calls.of_choice, ctx.accumulator.choices)) and one_answer(
            ctx.accumulator.choices, ctx.seen.finish_values, ctx.n
        ):
            return  # the call is there, under another index
        for choice in self._finish:
            reason = ctx.seen.finish_values[choice]
            state = ctx.accumulator.choices.get(choice)
            if reason != "tool_calls" or state is None or ctx.calls.of_choice(choice) or state.function_call:
                continue
            if not self._leaked(state):
                message = "finish_reason is 'tool_calls' without any tool call"
                finding = changed(self._finish[choice], message=message, expected="stop", actual=reason)
                yield finding if state.content else changed(finding, repairability=Repairability.NONE)

    def _leaked(self, state: ChoiceState) -> bool:
        """Whether the call is there, in the text: tool-call-leaked-as-text."""
        text, names = str(state.content or ""), self.ctx.tools or frozenset()
        return bool(text) and (leaked_call(text, names) or bare_call(text, names)) is not None
