"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.expectations import OBSERVED_RESPONSES
from streamlab.apis.responses.facts import ResponseFact
from streamlab.apis.responses.repairs import ResponseRepair
from streamlab.apis.responses.rules.base import OddRule
from streamlab.rules.finding import Repairability, Severity


class ResponsesResponseMissing(OddRule):
    """An event that carries the response has none.

    ## What OpenAI does
    Sends the ``response`` object in ``response.created`` and in the event that ends it, in 2,102 of 2,102 streams.

    ## Why it matters
    Most clients raise; the others lose the status and the usage. Codex asks six times.

    ## Repair
    Members that stand in the event itself are put into a response; else it is built from the one that was created
    and the items that were done.
    """

    name = "responses-response-missing"
    severity = Severity.ERROR
    source = OBSERVED_RESPONSES
    repairability = Repairability.SAFE
    repair = ResponseRepair
    on = ResponseFact.NO_RESPONSE
