"""See the class."""

from __future__ import annotations

from typing import Any

from streamlab.apis.responses.facts import Odd, ResponseFact
from streamlab.apis.responses.items import Item
from streamlab.apis.responses.repairs import ResponseRepair
from streamlab.apis.responses.rules.base import OddRule
from streamlab.exchange import Ending
from streamlab.record import changed
from streamlab.rules.base import Findings
from streamlab.rules.finding import Finding, Repairability, Severity
from streamlab.rules.sources import RESPONSES
from streamlab.rules.state import RuleState
from streamlab.wire.events import StreamEvent

#: Parts that are kept; more are not told.
_MOST = 1_000


class ResponsesContentIndexWrong(OddRule):
    """``content_index`` or ``summary_index`` is not the count of the parts before it.

    ## What OpenAI does
    Numbers the parts of an item from 0, 1,575 of 1,575 messages.

    ## Why it matters
    openai-python's stream helper raises IndexError over a number that is too high, openai-node's over a negative one as
    well. gpt-oss on vLLM and Bedrock counts the part of the reasoning before it.

    ## Repair
    The parts are counted.
    """

    name = "responses-content-index-wrong"
    severity = Severity.ERROR
    source = RESPONSES
    repairability = Repairability.SAFE
    repair = ResponseRepair
    on = ResponseFact.PART_INDEX | ResponseFact.PART
    variants = ("it is too high", "it is negative")

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._opened: list[tuple[Item, Any, Finding]] = []
        self._closed: set[tuple[int, int]] = set()  # the number of an item, and the index of a part that is done

    def event(self, at: int, event: StreamEvent) -> None:
        item, found = self.response.item, super().event(at, event) or ()
        number = self.value(event).get("content_index")
        if item is None or len(self._opened) >= _MOST:
            return
        if self.response.kind == "response.content_part.done" and type(number) is int:
            self._closed.add((item.number, number))
        self._opened += [(item, number, self.placed(one, event)) for one in found]

    def end(self, ending: Ending) -> Findings:
        for item, number, finding in self._opened:  # nobody was asked where its start alone has a wrong one
            asked = (item.number, number) in self._closed
            yield finding if asked else changed(finding, variants=())

    def form(self, one: Odd) -> str | None:
        if one.path != "content_index":
            return None  # nobody was asked about a summary
        if type(one.actual) is not int or type(one.expected) is not int:
            return None
        if one.actual < 0:
            return self.variants[1]
        return self.variants[0] if one.actual > one.expected else None
