"""See the class."""

from __future__ import annotations

from streamlab.apis import api_names
from streamlab.apis.chat.repairs.choices import ChoiceShape
from streamlab.exchange import Ending
from streamlab.rules.base import Findings
from streamlab.rules.deferred import LateRule, Place
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import CHAT_CHUNK_CHOICES
from streamlab.wire import reading
from streamlab.wire.choice_parts import numbers_parts
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact

#: So many choices are not asked for; where the request is unknown, they are tokens.
_TOO_MANY = 8


class ChoiceIndexIsTokenCounter(LateRule):
    """``choices[].index`` counts the tokens or the parts of one answer, or the only choice is not number 0.

    ## What OpenAI does
    Numbers the alternatives that were asked for with ``n``, from 0.

    ## Why it matters
    openai-python's ``.stream()`` makes one choice of every token or fails with an index error, openai-node's
    ``.stream()`` raises or hangs, openai-agents end with an empty answer, measured; openai-go refuses indexes above
    127. Where reasoning is choice 0, text 1 and a call 2, whoever reads choice 0 holds the reasoning alone.

    ## Repair
    0, where one choice was asked for; in legacy completions, where a choice is all that its index tells, none.
    """

    name = "choice-index-is-token-counter"
    severity = Severity.ERROR
    source = CHAT_CHUNK_CHOICES
    repairability = Repairability.SAFE
    of_some = Repairability.NONE
    repair = ChoiceShape
    apis = frozenset({api_names.CHAT, api_names.COMPLETIONS})
    # There is no fact about an index; the finish chunk of such a stream has a wrong one, and mostly the first as well.
    on = Fact.FIRST | Fact.ROLE | Fact.FINISH
    alike = True
    variants = ("the only choice is number 1", "it grows")

    _place: Place | None = None
    _there = 0  # the index at that place

    def event(self, at: int, event: StreamEvent) -> None:
        if self._place is not None:
            return
        for position, choice in enumerate(reading.choices(reading.chunk_of(event))):
            if (index := reading.choice_index(choice)) != 0:
                self._there = index
                self._place = self.keep(at, event, f"choices[{position}].index")
                return

    def end(self, ending: Ending) -> Findings:
        ctx = self.ctx
        indexes = list(ctx.accumulator.choices)
        parts = numbers_parts(ctx.accumulator.choices, ctx.seen.finish_values, ctx.n)
        if not parts:
            if not reading.counts_tokens(indexes, len(ctx.seen.finish_values)):
                return
            if len(indexes) > 1 and self._may_be_alternatives():
                return
        there = indexes[0] if self._place is None else self._there
        yield self.found_at(
            self._place,
            f"the only choice has index {indexes[0]}"
            if len(indexes) == 1
            else f"the index grows from {indexes[0]} to {indexes[-1]} over {len(indexes)} values in one answer"
            + (", one for each part of it" if parts else ""),
            expected=0,
            actual=there if there == indexes[-1] else f"{there} (to {indexes[-1]})",
            repairability=self.of_some if ctx.api.name == api_names.COMPLETIONS else None,
            variant=self.variants[1] if len(indexes) > 1 else self.variants[0] if indexes == [1] else None,
        )

    def _may_be_alternatives(self) -> bool:
        """Whether the indexes may be choices of a stream that ended before they finished."""
        ctx = self.ctx
        if ctx.body:
            return reading.asked_choices(ctx.body) > 1
        later = list(ctx.accumulator.choices.values())[1:_TOO_MANY]
        own = ctx.api.name == api_names.COMPLETIONS or any(state.role is not None for state in later)
        return own and len(later) < _TOO_MANY - 1
