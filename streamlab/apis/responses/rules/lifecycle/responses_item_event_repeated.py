"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.expectations import OBSERVED_RESPONSES
from streamlab.apis.responses.facts import ResponseFact
from streamlab.apis.responses.repairs.response import ResponseRepair
from streamlab.apis.responses.rules.base import OddRule
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
