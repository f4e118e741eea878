"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.expectations import OBSERVED_RESPONSES
from streamlab.apis.responses.facts import Odd, ResponseFact
from streamlab.apis.responses.repairs import ResponseRepair
from streamlab.apis.responses.rules.base import KINDS, OddRule
from streamlab.rules.finding import Repairability, Severity


class ResponsesOutputIndexReused(OddRule):
    """Several output items have one ``output_index``.

    ## What OpenAI does
    Gives each item a number of its own.

    ## Why it matters
    OpenAI's stream helpers raise; LangChain (Python) loses text or gives the tool ``{}``; LangChain JS and LiteLLM
    keep one of two calls.

    ## Repair
    The items are numbered in the order in which they were added, told apart by their ids. The ids are right and
    stay.
    """

    name = "responses-output-index-reused"
    severity = Severity.ERROR
    source = OBSERVED_RESPONSES
    repairability = Repairability.SAFE
    repair = ResponseRepair
    on = ResponseFact.INDEX_REUSED
    variants = (
        "a message has that of reasoning",
        "a call has that of reasoning",
        "a call has that of a message",
        "a call has that of a call",
    )

    def form(self, one: Odd) -> str | None:
        item = self.response.item
        others = (other for other in reversed(self.response.items) if item is not None and other.index == item.index)
        before = next((other for other in others if other is not item), None)
        if item is None or before is None:
            return None
        form = f"{KINDS.get(item.kind)} has that of {KINDS.get(before.kind)}"
        return self.form_asked(form)
