"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.expectations import COMPLETED, OBSERVED_RESPONSES, UNCLOSED, text_of
from streamlab.apis.responses.facts import ResponseFact
from streamlab.apis.responses.items import Item
from streamlab.apis.responses.repairs.response import ResponseRepair
from streamlab.apis.responses.rules.base import ResponsesRule
from streamlab.exchange import Ending
from streamlab.rules.base import Findings, quote
from streamlab.rules.deferred import Place
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.state import RuleState
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import as_object


class ResponsesItemDoneMissing(ResponsesRule):
    """An output item was never done, although the response is completed.

    ## What OpenAI does
    Closes each item by ``response.output_item.done``, 2,946 of 2,949; the others are lists of MCP tools and one
    item of a response that failed.

    ## Why it matters
    Codex builds its answer from these events alone: text, reasoning and call are lost and the turn ends well. The
    AI SDK loses the call.

    ## Repair
    Written from the finished response, which lists the item.
    """

    name = "responses-item-done-missing"
    severity = Severity.ERROR
    source = OBSERVED_RESPONSES
    repairability = Repairability.SAFE
    repair = ResponseRepair
    on = ResponseFact.TERMINAL | ResponseFact.AFTER_END

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._undone: list[Item] = []
        self._place: Place | None = None
        self._late: set[str] = set()  # ids of items that are done after the end: that is another rule's affair

    def event(self, at: int, event: StreamEvent) -> None:
        response = self.response
        if self.ctx.facts & ResponseFact.AFTER_END:
            self._late.add(text_of(as_object(self.value(event).get("item")).get("id")))
        elif response.terminal == COMPLETED and not response.resumed and not response.output.lost:
            self._place = self.keep(at, event, "type")
            self._undone = [item for item in response.items if item.open and item.opened and item.kind not in UNCLOSED]

    def end(self, ending: Ending) -> Findings:
        for item in self._undone:
            if item.id not in self._late:
                message = f"response.completed comes while output item {quote(item.index)} is not done"
                yield self.found_at(self._place, message, expected="response.output_item.done")
