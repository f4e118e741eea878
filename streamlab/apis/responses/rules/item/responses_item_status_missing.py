"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.expectations import ITEM_ADDED, WITH_STATUS, text_of
from streamlab.apis.responses.facts import ResponseFact
from streamlab.apis.responses.items import Item
from streamlab.apis.responses.repairs import ResponseRepair
from streamlab.apis.responses.rules.base import KIND, InItemRule, of_items
from streamlab.rules.base import quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import RESPONSES
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import as_object


class ResponsesItemStatusMissing(InItemRule):
    """A message or a call has no status.

    ## What OpenAI does
    Sends one with every message and call. Reasoning, compaction and lists of MCP tools never have one.

    ## Why it matters
    The AI SDK rejects a call that is done without one; OpenAI's agents for JavaScript raise.

    ## Repair
    ``in_progress`` when it is added, ``completed`` when it is done, or ``incomplete`` where the response is.
    """

    name = "responses-item-status-missing"
    severity = Severity.ERROR
    source = RESPONSES
    repairability = Repairability.SAFE
    repair = ResponseRepair
    on = ResponseFact.ITEM_ADDED | ResponseFact.ITEM_DONE
    member = "status"
    variants = of_items(("absent", "null"), (f"that of {kind}" for kind in KIND.values()))

    def event(self, at: int, event: StreamEvent) -> None:
        item = as_object(self.value(event).get("item")) if self.response.item is not None else {}
        if text_of(item.get("type")) in WITH_STATUS and not item.get("status"):
            expected = "in_progress" if self.response.kind == ITEM_ADDED else "completed"
            message = f"status of the {item['type']} is {quote(item.get('status'))}"
            self.later(self.found(message, at, path="item.status", expected=expected), event)

    def called(self, item: Item) -> str:
        return f"that of {KIND.get(item.kind)}"
