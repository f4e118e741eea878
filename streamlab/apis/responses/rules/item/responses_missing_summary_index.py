"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.expectations import OBSERVED_RESPONSES
from streamlab.apis.responses.facts import ResponseFact
from streamlab.apis.responses.repairs import ResponseRepair
from streamlab.apis.responses.rules.base import OddRule
from streamlab.rules.finding import Repairability, Severity


class ResponsesMissingSummaryIndex(OddRule):
    """An event about a summary does not say by ``summary_index`` which part it is in.

    ## What OpenAI does
    Sends it in every event about a summary.

    ## Why it matters
    openai-node's stream helper raises, the AI SDK rejects the event and with it the stream.

    ## Repair
    The parts of the summary are counted.
    """

    name = "responses-missing-summary-index"
    severity = Severity.ERROR
    source = OBSERVED_RESPONSES
    repairability = Repairability.SAFE
    repair = ResponseRepair
    on = ResponseFact.NO_SUMMARY_INDEX
