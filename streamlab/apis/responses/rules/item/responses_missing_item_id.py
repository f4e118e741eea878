"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.expectations import OBSERVED_RESPONSES, text_of
from streamlab.apis.responses.facts import Odd, ResponseFact
from streamlab.apis.responses.repairs import ResponseRepair
from streamlab.apis.responses.rules.base import OddRule
from streamlab.rules.base import Findings
from streamlab.rules.finding import Repairability, Severity
from streamlab.wire.events import StreamEvent


class ResponsesMissingItemId(OddRule):
    """An event inside an item does not name it by ``item_id``, or the item has no id.

    ## What OpenAI does
    Names it in every event but those about the commands of a shell.

    ## Why it matters
    openai-node's stream helper and the AI SDK raise; a call without an id loses its arguments in pydantic-ai.

    ## Repair
    The id of the item at that ``output_index``; one is made up where the item has none. Where no item was added,
    there is nothing to name.
    """

    name = "responses-missing-item-id"
    severity = Severity.ERROR
    source = OBSERVED_RESPONSES
    repairability = Repairability.SAFE
    repair = ResponseRepair
    on = ResponseFact.NO_ITEM_ID | ResponseFact.ITEM_ADDED | ResponseFact.ITEM_DONE

    variants = ("an event does not name it", "the item has none")

    def form(self, one: Odd) -> str | None:
        return self.variants[0]

    def event(self, at: int, event: StreamEvent) -> Findings:
        yield from super().event(at, event) or ()
        item = self.value(event).get("item")
        if type(item) is dict and not text_of(item.get("id")):
            message = f"the item of {self.response.kind} has no id"
            yield self.found(message, at, path="item.id", actual=item.get("id"), variant=self.variants[1])

    def concerns(self, one: Odd) -> bool:
        return one.fact == ResponseFact.NO_ITEM_ID

    def repairable(self, one: Odd) -> Repairability:
        item = self.response.item
        known = item is not None and (item.id or (item.opened and item.kind))
        return Repairability.SAFE if known else Repairability.NONE
