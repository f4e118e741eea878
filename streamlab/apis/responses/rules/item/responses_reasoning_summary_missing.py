"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.facts import ResponseFact
from streamlab.apis.responses.items import Item
from streamlab.apis.responses.repairs import ResponseRepair
from streamlab.apis.responses.rules.base import InItemRule, of_items
from streamlab.rules.base import quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import RESPONSES
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import as_object

#: Where no summary came, clients have nothing to put into it.
_NONE = "it, of which nothing came,"


class ResponsesReasoningSummaryMissing(InItemRule):
    """A reasoning item has no list ``summary``.

    ## What OpenAI does
    Sends the list, empty where there is none, in 656 of 656.

    ## Why it matters
    Codex drops the reasoning; openai-node's stream helper and OpenAI's agents for JavaScript raise.

    ## Repair
    An empty list.
    """

    name = "responses-reasoning-summary-missing"
    severity = Severity.ERROR
    source = RESPONSES
    repairability = Repairability.SAFE
    repair = ResponseRepair
    on = ResponseFact.ITEM_ADDED | ResponseFact.ITEM_DONE
    member = "summary"
    variants = (*of_items(("absent", "null")), *(f"{_NONE} is {how} everywhere" for how in ("absent", "null")))

    def event(self, at: int, event: StreamEvent) -> None:
        item = as_object(self.value(event).get("item")) if self.response.item is not None else {}
        if item.get("type") == "reasoning" and type(item.get("summary")) is not list:
            state = f"is {quote(item['summary'])}" if "summary" in item else "is missing"
            self.later(self.found(f"summary of the reasoning {state}", at, path="item.summary", expected=[]), event)

    def called(self, item: Item) -> str:
        return "it" if item.pieces else _NONE
