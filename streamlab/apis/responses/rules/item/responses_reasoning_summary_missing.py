"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.expectations import OBSERVED_RESPONSES
from streamlab.apis.responses.facts import ResponseFact
from streamlab.apis.responses.repairs import ResponseRepair
from streamlab.apis.responses.rules.base import ItemRule
from streamlab.rules.base import Findings, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.wire.events import StreamEvent


class ResponsesReasoningSummaryMissing(ItemRule):
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
    source = OBSERVED_RESPONSES
    repairability = Repairability.SAFE
    repair = ResponseRepair
    on = ResponseFact.ITEM_ADDED | ResponseFact.ITEM_DONE

    def event(self, at: int, event: StreamEvent) -> Findings:
        item = self.item_of(event)
        if item.get("type") == "reasoning" and type(item.get("summary")) is not list:
            state = f"is {quote(item['summary'])}" if "summary" in item else "is missing"
            yield self.found(f"summary of the reasoning {state}", at, path="item.summary", expected=[])
