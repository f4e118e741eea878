"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.expectations import OBSERVED_RESPONSES
from streamlab.apis.responses.facts import ResponseFact
from streamlab.apis.responses.repairs import ResponseRepair
from streamlab.apis.responses.rules.base import ItemRule
from streamlab.rules.base import Findings, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.wire.events import StreamEvent


class ResponsesItemRoleMissing(ItemRule):
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
    source = OBSERVED_RESPONSES
    repairability = Repairability.SAFE
    repair = ResponseRepair
    on = ResponseFact.ITEM_ADDED | ResponseFact.ITEM_DONE

    def event(self, at: int, event: StreamEvent) -> Findings:
        item = self.item_of(event)
        if item.get("type") == "message" and not item.get("role"):
            yield self.found(
                f"role of the message is {quote(item.get('role'))}", at, path="item.role", expected="assistant"
            )
