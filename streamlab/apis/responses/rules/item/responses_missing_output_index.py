"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.expectations import OBSERVED_RESPONSES
from streamlab.apis.responses.facts import Odd, ResponseFact
from streamlab.apis.responses.repairs import ResponseRepair
from streamlab.apis.responses.rules.base import KIND, KINDS, OddRule
from streamlab.rules.finding import Repairability, Severity


class ResponsesMissingOutputIndex(OddRule):
    """An event inside an item does not say by ``output_index`` which one.

    ## What OpenAI does
    Sends it in every event of an item, of 45 types.

    ## Why it matters
    OpenAI's stream helpers and the AI SDK raise; LangChain (Python) loses the text, LangChain JS gives the tool
    ``{}``.

    ## Repair
    Counted in the order in which items are added, and found by the id of the item.
    """

    name = "responses-missing-output-index"
    severity = Severity.ERROR
    source = OBSERVED_RESPONSES
    repairability = Repairability.SAFE
    repair = ResponseRepair
    on = ResponseFact.NO_INDEX
    variants = (
        "it is that of a message",
        "it is that of a call",
        "it is that of a message behind reasoning",
        "it is that of a call behind reasoning",
        "it is that of a call behind a message",
        "it is that of a call behind a call",
    )

    def form(self, one: Odd) -> str | None:
        item = self.response.item
        if item is None or item.kind not in KIND:
            return None
        before = next((other for other in reversed(self.response.items) if other.number < item.number), None)
        form = f"it is that of {KIND[item.kind]}"
        if before is not None:
            form += f" behind {KINDS.get(before.kind)}"
        return form if form in self.variants else None
