"""See the class."""

from __future__ import annotations

from streamlab.exchange import Ending
from streamlab.rules.base import Findings, quote
from streamlab.rules.deferred import LateRule, Place
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import OBSERVED
from streamlab.rules.state import RuleState
from streamlab.wire import reading
from streamlab.wire.events import Chunk, StreamEvent
from streamlab.wire.reading import Fact
from streamlab.wire.runs import Run, TextKind


class ToolCallContentMixed(LateRule):
    """Text comes after a tool call has begun.

    ## What OpenAI does
    Sends text first, then tool calls.

    ## Why it matters
    All measured clients keep both. Front ends that close the message when a call begins lose the text.

    ## Repair
    None needed: what came is kept in its order.
    """

    name = "tool-call-content-mixed"
    severity = Severity.INFO
    source = OBSERVED
    repairability = Repairability.NONE
    on = Fact.FRAGMENT | Fact.CONTENT
    ends_after = Fact.FRAGMENT

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self.asks = Fact.FRAGMENT  # until a call begins
        self._before: dict[int, str] = {}  # choice -> its text when its first call began
        self._behind: dict[int, Place] = {}  # choice -> where text came behind that

    def event(self, at: int, event: StreamEvent) -> None:
        if not isinstance(event, Chunk):
            return
        for position, choice in enumerate(reading.choices(event.json)):
            index, delta = reading.choice_index(choice), reading.delta(choice)
            if index in self._before and index not in self._behind and reading.content(delta).strip():
                self._behind[index] = self.keep(at, event, f"choices[{position}].delta.content")
            if index not in self._before and delta.get("tool_calls"):
                state = self.ctx.accumulator.choices.get(index)
                before = "" if state is None else str(state.content)
                self.ask(self.on)
                self._before[index] = before + reading.content(delta)

    def passes(self, run: Run) -> bool:
        """Arguments are those of a call that has begun; text comes before one, or again behind one."""
        index, adds_text = run.template.varying.choice, run.template.varying.text is TextKind.CONTENT
        return not adds_text or index not in self._before or index in self._behind

    def end(self, ending: Ending) -> Findings:
        for index, before in self._before.items():
            state = self.ctx.accumulator.choice(index)
            text = str(state.content)
            if len(text) > len(before) and text[len(before) :].strip():
                yield self.found_at(
                    self._behind.get(index),
                    f"text comes after a tool call has begun: {quote(text[len(before) :])}",
                    path=f"choices[{state.place}].delta.content",
                    expected="text before tool calls",
                )
