"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.facts import ResponseFact
from streamlab.apis.responses.repairs import ResponseRepair
from streamlab.apis.responses.rules.base import ItemRule, placed
from streamlab.rules.base import Findings, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import RESPONSES
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import as_list, as_object


class ResponsesAnnotationsMissing(ItemRule):
    """A text part has no list ``annotations``.

    ## What OpenAI does
    Sends the list, empty where there are none, in 1,575 of 1,575 parts.

    ## Why it matters
    LangChain JS raises a TypeError, and the answer is lost.

    ## Repair
    An empty list.
    """

    name = "responses-annotations-missing"
    severity = Severity.ERROR
    source = RESPONSES
    repairability = Repairability.SAFE
    repair = ResponseRepair
    on = ResponseFact.PART | ResponseFact.ITEM_DONE

    variants = placed(("absent", "null"), ("content_part.added", "content_part.done", "output_item.done"))

    def event(self, at: int, event: StreamEvent) -> Findings:
        value = self.value(event)
        parts = [("part", as_object(value.get("part")))]
        listed = as_list(self.item_of(event).get("content"))
        parts += [(f"item.content[{place}]", as_object(part)) for place, part in enumerate(listed)]
        for path, part in parts:
            if part.get("type") == "output_text" and type(part.get("annotations")) is not list:
                state = f"is {quote(part['annotations'])}" if "annotations" in part else "is missing"
                message, form = f"annotations of {path} {state}", self.form_at(part, "annotations")
                yield self.found(message, at, path=f"{path}.annotations", expected=[], variant=form)
