"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.expectations import ITEM_DONE, OBSERVED_RESPONSES
from streamlab.apis.responses.facts import Odd, ResponseFact
from streamlab.apis.responses.repairs import ResponseRepair
from streamlab.apis.responses.rules.base import KIND, OddRule
from streamlab.rules.finding import Repairability, Severity


class ResponsesItemEventRepeated(OddRule):
    """An output item is added or done a second time.

    ## What OpenAI does
    Sends each of the two once for an item, 2,949 and 2,946 times.

    ## Why it matters
    Done twice, Codex runs a call twice, and so does everybody who builds from these events. Added twice, OpenAI's
    stream helpers raise, LangChain (Python) makes the name ``get_weatherget_weather``.

    ## Repair
    The second is dropped.
    """

    name = "responses-item-event-repeated"
    severity = Severity.ERROR
    source = OBSERVED_RESPONSES
    repairability = Repairability.SAFE
    repair = ResponseRepair
    on = ResponseFact.AGAIN
    variants = ("a message is added twice", "a call is added twice", "a message is done twice", "a call is done twice")

    def form(self, one: Odd) -> str | None:
        item = self.response.output.again
        kind = KIND.get(item.kind) if item is not None else None
        return kind and f"{kind} is {'done' if self.response.kind == ITEM_DONE else 'added'} twice"
