"""See the class."""

from __future__ import annotations

from streamlab.apis.chat.repairs import MixedReasoning
from streamlab.rules.base import Findings, Rule
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import OBSERVED
from streamlab.rules.state import RuleState
from streamlab.wire import reading
from streamlab.wire.events import StreamEvent
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import Fact
from streamlab.wire.runs import Run, TextKind

_MAX_CHOICES = 16


class ReasoningAfterContent(Rule):
    """Reasoning comes after the answer has begun, or in one delta with it.

    ## What OpenAI does
    Sends no reasoning text in chat completions. Where vendors do, clients expect it before the answer.

    ## Why it matters
    A client that closes the reasoning part when the text begins has nowhere to put more of it; one delta with both has
    no order at all. Models that think between their answers alternate by design, so reasoning that merely comes later
    is only noted.

    ## Repair
    A mixed delta is split, reasoning first; order is kept otherwise.
    """

    name = "reasoning-after-content"
    severity = Severity.WARNING
    source = OBSERVED
    repairability = Repairability.SAFE
    repair = MixedReasoning
    on = Fact.REASONING

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._begun: set[int] = set()

    def event(self, at: int, event: StreamEvent) -> Findings:
        for position, choice in enumerate(reading.choices(reading.chunk_of(event))):
            inner, index = reading.delta(choice), reading.choice_index(choice)
            if not reading.reasoning(inner):
                continue
            path = f"choices[{position}].delta"
            if reading.content(inner).strip():
                yield self.found("one delta has both reasoning and content", at, path=path)
            elif self._has_begun(index):
                yield self.found(
                    "reasoning comes after the text has begun",
                    at,
                    path=f"{path}.{next(key for key in reading.REASONING_KEYS if inner.get(key))}",
                    severity=Severity.INFO,
                    repairability=Repairability.NONE,
                )

    def passes(self, run: Run) -> bool:
        varying = run.template.varying
        return varying.text is not TextKind.REASONING or not self._has_begun(varying.choice)

    def stays(self, chunk: JsonObject, spoke: bool) -> bool:
        return spoke  # the text has begun

    def _has_begun(self, index: int) -> bool:
        """Whether a choice has text other than blanks; asked of the whole text only until it has."""
        if index in self._begun:
            return True
        state = self.ctx.accumulator.choices.get(index)
        if state is None or not state.content or not str(state.content).strip() or len(self._begun) >= _MAX_CHOICES:
            return False
        self._begun.add(index)
        return True
