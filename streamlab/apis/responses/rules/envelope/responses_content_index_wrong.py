"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.expectations import OBSERVED_RESPONSES
from streamlab.apis.responses.facts import Odd, ResponseFact
from streamlab.apis.responses.repairs import ResponseRepair
from streamlab.apis.responses.rules.base import OddRule
from streamlab.rules.finding import Repairability, Severity


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
    source = OBSERVED_RESPONSES
    repairability = Repairability.SAFE
    repair = ResponseRepair
    on = ResponseFact.PART_INDEX
    variants = ("it is too high", "it is negative")

    def form(self, one: Odd) -> str | None:
        if one.path != "content_index":
            return None  # nobody was asked about a summary
        if type(one.actual) is not int or type(one.expected) is not int:
            return None
        if one.actual < 0:
            return self.variants[1]
        return self.variants[0] if one.actual > one.expected else None
