"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.expectations import FAMILY_ITEMS, OBSERVED_RESPONSES, family_of, text_of
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
    variants = ("they are those of a message", "they are those of a call")
    _again: JsonObject | None = None  # the event that comes again

    def event(self, at: int, event: StreamEvent) -> Findings | None:
        self._again = self.value(event)
        return super().event(at, event)

    def form(self, one: Odd) -> str | None:
        again = as_object(self._again)
        kind = text_of(as_object(again.get("item")).get("type"))
        if not kind:
            kinds = FAMILY_ITEMS.get(family_of(text_of(again.get("type")))[0], ())
            kind = next(iter(kinds)) if len(kinds) == 1 else ""
        return f"they are those of {KIND[kind]}" if kind in KIND else None
