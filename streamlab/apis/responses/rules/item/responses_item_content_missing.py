"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.expectations import OBSERVED_RESPONSES
from streamlab.apis.responses.facts import ResponseFact
from streamlab.apis.responses.repairs import ResponseRepair
from streamlab.apis.responses.rules.base import ItemRule
from streamlab.rules.base import Findings, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.wire.events import StreamEvent


class ResponsesItemContentMissing(ItemRule):
    """A message is added without a list ``content``.

    ## What OpenAI does
    Sends an empty list, 1,575 of 1,575.

    ## Why it matters
    openai-python's stream helper raises AttributeError, openai-node's ``not iterable``.

    ## Repair
    An empty list.
    """

    name = "responses-item-content-missing"
    severity = Severity.ERROR
    source = OBSERVED_RESPONSES
    repairability = Repairability.SAFE
    repair = ResponseRepair
    on = ResponseFact.ITEM_ADDED

    def event(self, at: int, event: StreamEvent) -> Findings:
        item = self.item_of(event)
        if item.get("type") == "message" and type(item.get("content")) is not list:
            state = f"is {quote(item['content'])}" if "content" in item else "is missing"
            yield self.found(f"content of the message {state}", at, path="item.content", expected=[])
