"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.facts import ResponseFact
from streamlab.apis.responses.repairs import ResponseRepair
from streamlab.apis.responses.rules.base import InItemRule, of_items
from streamlab.rules.base import quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import RESPONSES
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import as_object


class ResponsesItemRoleMissing(InItemRule):
    """A message has no role.

    ## What OpenAI does
    Sends ``assistant``, 1,575 of 1,575.

    ## Why it matters
    Codex loses the text and ends the turn well; OpenAI's agents for JavaScript raise.

    ## Repair
    ``assistant``.
    """

    name = "responses-item-role-missing"
    severity = Severity.ERROR
    source = RESPONSES
    repairability = Repairability.SAFE
    repair = ResponseRepair
    on = ResponseFact.ITEM_ADDED | ResponseFact.ITEM_DONE
    member = "role"
    variants = of_items(("absent", "null", "empty"))

    def event(self, at: int, event: StreamEvent) -> None:
        item = as_object(self.value(event).get("item")) if self.response.item is not None else {}
        if item.get("type") == "message" and not item.get("role"):
            message = f"role of the message is {quote(item.get('role'))}"
            self.later(self.found(message, at, path="item.role", expected="assistant"), event)
