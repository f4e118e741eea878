"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.expectations import ITEM_DONE, OBSERVED_RESPONSES
from streamlab.apis.responses.facts import Odd, ResponseFact
from streamlab.apis.responses.repairs import ResponseRepair
from streamlab.apis.responses.rules.base import OddRule
from streamlab.rules.finding import Repairability, Severity


class ResponsesItemsOverlap(OddRule):
    """An item goes on although the next one was opened.

    ## What OpenAI does
    Sends one item after the other, also calls that run in parallel: none of 2,102 streams overlaps, but for lists
    of MCP tools.

    ## Why it matters
    LangChain (Python) makes four calls of two that are sent in turns. Reasoning and text that overlap harm none of
    the measured clients, and are only noted.

    ## Repair
    Calls go out one after the other: nobody can run one before it is done. Otherwise none: holding a text back until
    another one ends would take the streaming from it.
    """

    name = "responses-items-overlap"
    severity = Severity.WARNING
    source = OBSERVED_RESPONSES
    repairability = Repairability.SAFE
    repair = ResponseRepair
    on = ResponseFact.OVERLAP
    variants = ("both are calls", "one is no call")

    def _both_call(self) -> bool:
        item, last = self.response.item, self.response.output.last
        return item is not None and last is not None and item.is_call and last.is_call

    def graded(self, one: Odd) -> Severity:
        if not self._both_call():
            return Severity.INFO
        return Severity.ERROR if self.response.kind != ITEM_DONE else Severity.WARNING

    def form(self, one: Odd) -> str:
        return self.variants[not self._both_call()]

    def repairable(self, one: Odd) -> Repairability:
        return Repairability.SAFE if self._both_call() else Repairability.NONE
