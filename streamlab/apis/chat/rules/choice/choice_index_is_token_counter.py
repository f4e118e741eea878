"""See the class."""

from __future__ import annotations

from collections.abc import Mapping

from streamlab.apis import api_names
from streamlab.apis.chat.numbering import Numbered, numbered
from streamlab.apis.chat.repairs import ChoiceShape
from streamlab.exchange import Ending
from streamlab.rules.base import Findings
from streamlab.rules.deferred import LateRule, Place
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import CHAT_CHUNK_CHOICES
from streamlab.wire import reading
from streamlab.wire.accumulate import ChoiceState
from streamlab.wire.choice_parts import CALLS, REASONING, TEXT, kinds_held
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact

#: By what the choices say: all of it under one index, under one for each piece, and under one for each part.
_ONE = {
    frozenset({TEXT}): "the only choice is not number 0",
    frozenset({REASONING, TEXT}): "the only choice is not number 0, and thinks",
    frozenset({CALLS}): "the only choice is not number 0, and calls",
}
_GROWS = {
    frozenset({TEXT}): "it grows over text",
    frozenset({REASONING, TEXT}): "it grows over thoughts and text",
    frozenset({CALLS}): "it grows over a call",
}
_GROWS_FROM_ANOTHER = {frozenset({TEXT}): "it grows over text from another number"}
_PARTS = {
    frozenset({REASONING, TEXT}): "it numbers thoughts and text",
    frozenset({TEXT, CALLS}): "it numbers text and calls",
    frozenset({REASONING, CALLS}): "it numbers thoughts and calls",
    frozenset({REASONING, TEXT, CALLS}): "it numbers thoughts, text and calls",
}


class ChoiceIndexIsTokenCounter(LateRule):
    """``choices[].index`` counts the tokens or the parts of one answer, or the only choice is not number 0.

    ## What OpenAI does
    Numbers the alternatives that were asked for with ``n``, from 0.

    ## Why it matters
    Who reads the only choice of each chunk does not notice. Who keeps choices by their numbers does: openai-node's
    ``.stream()`` raises or hangs, openai-python's makes one choice of every piece or fails with an index error, LiteLLM
    and OpenAI's agents hold what choice 0 says alone, the reasoning or less, or raise; measured. openai-go refuses
    indexes above 127. Clients of legacy completions that were measured do not mind.

    ## Repair
    0, where one choice was asked for, unless the second index to come begins with the text of the first: that may be
    another choice. In legacy completions, where a choice is all that its index tells, none.
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
    variants = (*_ONE.values(), *_GROWS.values(), *_GROWS_FROM_ANOTHER.values(), *_PARTS.values())

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
        numbers = numbered(ctx)
        if numbers is Numbered.ALTERNATIVES:
            return
        parts = numbers is Numbered.PARTS
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
            variant=_form(ctx.accumulator.choices, parts),
        )


def _form(choices: Mapping[int, ChoiceState], parts: bool) -> str | None:
    """Which form of the deviation it is, by what was said under the indexes; None where nobody was asked about it."""
    forms = _ONE if len(choices) == 1 else _PARTS if parts else _GROWS if 0 in choices else _GROWS_FROM_ANOTHER
    return forms.get(frozenset().union(*map(kinds_held, choices.values())))
