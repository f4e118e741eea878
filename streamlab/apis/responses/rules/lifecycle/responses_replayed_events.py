"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.expectations import FAMILY_ITEMS, ITEM_ADDED, OBSERVED_RESPONSES, family_of, text_of
from streamlab.apis.responses.facts import Odd, ResponseFact
from streamlab.apis.responses.repairs import ResponseRepair
from streamlab.apis.responses.rules.base import KIND, OddRule
from streamlab.rules.base import Findings
from streamlab.rules.finding import Repairability, Severity
from streamlab.wire.events import StreamEvent
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import as_object


class ResponsesReplayedEvents(OddRule):
    """Events come again, under the numbers that they had.

    ## What OpenAI does
    Never sends a number twice.

    ## Why it matters
    The text is doubled in nearly every client; OpenAI's stream helpers raise. A gateway that connects again to a
    response in the background and forgets ``starting_after`` does it.
    A doubled ``response_metadata.model`` in @langchain/openai 1.6.0 is no sign of it: a lawful stream has it, too.

    ## Repair
    The repetitions are dropped: the number is the proof that they are some.
    """

    name = "responses-replayed-events"
    severity = Severity.ERROR
    source = OBSERVED_RESPONSES
    repairability = Repairability.SAFE
    repair = ResponseRepair
    on = ResponseFact.REPLAYED
    variants = (
        *(f"they are those of {kind}" for kind in KIND.values()),
        *(f"they are deltas of {kind} alone" for kind in KIND.values()),
    )
    _added = False  # an item was added again
    _again: JsonObject | None = None  # the event that comes again

    def event(self, at: int, event: StreamEvent) -> Findings | None:
        self._again = self.value(event)
        return super().event(at, event)

    def form(self, one: Odd) -> str | None:
        again = as_object(self._again)
        kind = text_of(as_object(again.get("item")).get("type"))
        self._added = self._added or again.get("type") == ITEM_ADDED
        if kind:
            return f"they are those of {KIND[kind]}" if again.get("type") == ITEM_ADDED and kind in KIND else None
        family, step = family_of(text_of(again.get("type")))
        kinds = FAMILY_ITEMS.get(family, ())
        alone = step == "delta" and not self._added and len(kinds) == 1 and next(iter(kinds)) in KIND
        return f"they are deltas of {KIND[next(iter(kinds))]} alone" if alone else None
