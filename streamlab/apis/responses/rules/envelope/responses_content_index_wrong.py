"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.expectations import OBSERVED_RESPONSES
from streamlab.apis.responses.facts import ResponseFact
from streamlab.apis.responses.repairs.response import ResponseRepair
from streamlab.apis.responses.rules.base import OddRule
from streamlab.rules.finding import Repairability, Severity


class ResponsesContentIndexWrong(OddRule):
    """``content_index`` or ``summary_index`` is not the count of the parts before it.

    ## What OpenAI does
    Numbers the parts of an item from 0, 1,575 of 1,575 messages.

    ## Why it matters
    openai-python's stream helper raises IndexError, openai-node's raises. gpt-oss on vLLM and Bedrock counts the
    part of the reasoning before it.

    ## Repair
    The parts are counted.
    """

    name = "responses-content-index-wrong"
    severity = Severity.ERROR
    source = OBSERVED_RESPONSES
    repairability = Repairability.SAFE
    repair = ResponseRepair
    on = ResponseFact.PART_INDEX
