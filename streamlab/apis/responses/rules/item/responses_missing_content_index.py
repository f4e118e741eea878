"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.expectations import OBSERVED_RESPONSES
from streamlab.apis.responses.facts import ResponseFact
from streamlab.apis.responses.repairs import ResponseRepair
from streamlab.apis.responses.rules.base import OddRule
from streamlab.rules.finding import Repairability, Severity


class ResponsesMissingContentIndex(OddRule):
    """An event about a text does not say by ``content_index`` which part it is in.

    ## What OpenAI does
    Sends it in every event about a text, a refusal, an annotation or a part.

    ## Why it matters
    OpenAI's stream helpers raise; the others do not notice.

    ## Repair
    The parts of the item are counted.
    """

    name = "responses-missing-content-index"
    severity = Severity.ERROR
    source = OBSERVED_RESPONSES
    repairability = Repairability.SAFE
    repair = ResponseRepair
    on = ResponseFact.NO_CONTENT_INDEX
