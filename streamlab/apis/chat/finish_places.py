"""For rules about the reason for which a choice finishes: where it first said one."""

from __future__ import annotations

from streamlab.rules.deferred import LateRule, Place
from streamlab.rules.state import RuleState
from streamlab.wire import reading
from streamlab.wire.events import Chunk, StreamEvent
from streamlab.wire.finish_reasons import is_blank
from streamlab.wire.reading import Fact


class FinishRule(LateRule):
    """A rule that judges at the end for which reason each choice finished; ``finishes`` are the places."""

    on = Fact.FINISH

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self.finishes: dict[int, Place] = {}  # choice -> its first finish_reason that says something

    def event(self, at: int, event: StreamEvent) -> None:
        if not isinstance(event, Chunk):
            return
        for position, choice in enumerate(reading.choices(event.json)):
            index, reason = reading.choice_index(choice), reading.finish_reason(choice)
            if type(reason) is str and not is_blank(reason) and index not in self.finishes:
                self.finishes[index] = self.keep(at, event, f"choices[{position}].finish_reason")
