"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.expectations import OBSERVED_RESPONSES
from streamlab.apis.responses.facts import ResponseFact
from streamlab.apis.responses.repairs.response import ResponseRepair
from streamlab.apis.responses.rules.base import OddRule
from streamlab.rules.finding import Repairability, Severity


class ResponsesOutputIndexReused(OddRule):
    """Several output items have one ``output_index``.

    ## What OpenAI does
    Gives each item a number of its own.

    ## Why it matters
    OpenAI's stream helpers raise; LangChain (Python) loses text or gives the tool ``{}``; LangChain JS and LiteLLM
    keep one of two calls.

    ## Repair
    The items are numbered in the order in which they were added, told apart by their ids. The ids are right and
    stay.
    """

    name = "responses-output-index-reused"
    severity = Severity.ERROR
    source = OBSERVED_RESPONSES
    repairability = Repairability.SAFE
    repair = ResponseRepair
    on = ResponseFact.INDEX_REUSED
