"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.expectations import OBSERVED_RESPONSES
from streamlab.apis.responses.facts import ResponseFact
from streamlab.apis.responses.repairs import ResponseRepair
from streamlab.apis.responses.rules.base import OddRule
from streamlab.rules.finding import Repairability, Severity


class ResponsesOutputIndexGap(OddRule):
    """The ``output_index`` of the items skips a number or does not begin at 0.

    ## What OpenAI does
    Numbers the items 0, 1, 2 in the order in which they are added, in 2,102 of 2,102 streams.

    ## Why it matters
    The official libraries of a year ago look items up by it: `.stream()` of openai-python 1.109 and of openai-node
    4.104 raise. Their newest do not, nor does anybody else.

    ## Repair
    The items are numbered in the order in which they are added.
    """

    name = "responses-output-index-gap"
    severity = Severity.INFO
    source = OBSERVED_RESPONSES
    repairability = Repairability.SAFE
    repair = ResponseRepair
    on = ResponseFact.INDEX_GAP
