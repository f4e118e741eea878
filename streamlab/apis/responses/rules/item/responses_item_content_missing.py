"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.facts import ResponseFact
from streamlab.apis.responses.repairs import ResponseRepair
from streamlab.apis.responses.rules.base import ItemRule, placed
from streamlab.rules.base import Findings, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import RESPONSES
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
    source = RESPONSES
    repairability = Repairability.SAFE
    repair = ResponseRepair
    on = ResponseFact.ITEM_ADDED
    variants = placed(("absent", "null"), ("output_item.added",))

    def event(self, at: int, event: StreamEvent) -> Findings:
        item = self.item_of(event)
        if item.get("type") == "message" and type(item.get("content")) is not list:
            state = f"is {quote(item['content'])}" if "content" in item else "is missing"
            message, form = f"content of the message {state}", self.form_at(item, "content")
            yield self.found(message, at, path="item.content", expected=[], variant=form)
