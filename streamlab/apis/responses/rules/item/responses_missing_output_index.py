"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.expectations import ITEM_ADDED
from streamlab.apis.responses.facts import Odd, ResponseFact
from streamlab.apis.responses.repairs import ResponseRepair
from streamlab.apis.responses.rules.base import KIND, KINDS, OddRule
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import RESPONSES
from streamlab.rules.state import RuleState

#: Items that are kept.
_MOST = 1_000


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
    source = RESPONSES
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

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._unplaced: set[int] = set()  # items that were added without one

    def form(self, one: Odd) -> str | None:
        item = self.response.item
        if item is None or item.kind not in KIND or "output_index" in (self._value or {}):
            return None
        if self.response.kind == ITEM_ADDED:
            if len(self._unplaced) < _MOST:
                self._unplaced.add(item.number)
            return None
        if item.number not in self._unplaced:  # nobody was asked where its start has one
            return None
        before = next((other for other in reversed(self.response.items) if other.number < item.number), None)
        form = f"it is that of {KIND[item.kind]}"
        if before is not None:
            form += f" behind {KINDS.get(before.kind)}"
        return self.form_asked(form)
