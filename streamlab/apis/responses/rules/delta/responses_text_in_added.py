"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.expectations import ITEM_ADDED, OBSERVED_RESPONSES, text_of
from streamlab.apis.responses.facts import ResponseFact
from streamlab.apis.responses.repairs import ResponseRepair
from streamlab.apis.responses.rules.base import ItemRule
from streamlab.rules.base import Findings, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import as_object


class ResponsesTextInAdded(ItemRule):
    """A message or a part has its text already when it is added.

    ## What OpenAI does
    Adds a message with empty ``content`` and a part with empty ``text``, 1,575 of 1,575.

    ## Why it matters
    A part that stands in the message makes openai-node's stream helper raise. A text in the part harms no measured
    client.

    ## Repair
    A message is emptied, and its text written as one delta where none comes. The text of a part stays.
    """

    name = "responses-text-in-added"
    severity = Severity.WARNING
    source = OBSERVED_RESPONSES
    of_some = Repairability.NONE
    repairability = Repairability.SAFE
    repair = ResponseRepair
    variants = ("the message lists a part", "the part holds text")
    on = ResponseFact.ITEM_ADDED | ResponseFact.PART

    def event(self, at: int, event: StreamEvent) -> Findings:
        item, part = self.item_of(event), as_object(self.value(event).get("part"))
        added = self.response.kind == ITEM_ADDED
        if added and item.get("type") == "message" and item.get("content") and type(item["content"]) is list:
            message = f"a message is added with {len(item['content'])} parts in it"
            yield self.found(
                message, at, path="item.content", expected=[], severity=Severity.ERROR, variant=self.variants[0]
            )
        elif self.response.kind.endswith("part.added") and text_of(part.get("text")):
            message = f"a part is added with the text {quote(part['text'])}"
            yield self.found(
                message,
                at,
                path="part.text",
                expected="",
                actual=part["text"],
                repairability=Repairability.NONE,
                variant=self.variants[1],
            )
