"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.expectations import text_of
from streamlab.apis.responses.facts import Odd, ResponseFact
from streamlab.apis.responses.items import Item
from streamlab.apis.responses.repairs import ResponseRepair
from streamlab.apis.responses.rules.base import KIND, InItemRule, OddRule, of_items, placed
from streamlab.rules.base import Findings
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import RESPONSES
from streamlab.wire.events import StreamEvent

#: Events that name the item that they are about.
_NAMING = (
    "content_part.added",
    "output_text.delta",
    "output_text.done",
    "content_part.done",
    "function_call_arguments.delta",
    "function_call_arguments.done",
)


class ResponsesMissingItemId(InItemRule, OddRule):
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
    source = RESPONSES
    repairability = Repairability.SAFE
    repair = ResponseRepair
    on = ResponseFact.NO_ITEM_ID | ResponseFact.ITEM_ADDED | ResponseFact.ITEM_DONE

    variants = (
        *placed(("absent", "null"), _NAMING),
        *of_items(("absent", "null", "empty"), (f"the id of {kind}" for kind in KIND.values())),
    )
    member = "id"

    def form(self, one: Odd) -> str | None:
        return self.form_at(self._value or {}, "item_id")

    def event(self, at: int, event: StreamEvent) -> Findings:
        yield from OddRule.event(self, at, event) or ()
        item = self.value(event).get("item")
        if type(item) is dict and not text_of(item.get("id")):
            found = self.found(f"the item of {self.response.kind} has no id", at, path="item.id", actual=item.get("id"))
            self.later(found, event)

    def called(self, item: Item) -> str:
        return f"the id of {KIND.get(item.kind)}"

    def concerns(self, one: Odd) -> bool:
        return one.fact == ResponseFact.NO_ITEM_ID

    def repairable(self, one: Odd) -> Repairability:
        item = self.response.item
        known = item is not None and (item.id or (item.opened and item.kind))
        return Repairability.SAFE if known else Repairability.NONE
