"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.expectations import OBSERVED_RESPONSES
from streamlab.apis.responses.facts import ResponseFact
from streamlab.apis.responses.rules.base import OddRule
from streamlab.rules.finding import Severity


class ResponsesOutputIndexGap(OddRule):
    """The ``output_index`` of the items skips a number or does not begin at 0.

    ## What OpenAI does
    Numbers the items 0, 1, 2 in the order in which they are added, in 2,102 of 2,102 streams.

    ## Why it matters
    No measured client minds.

    ## Repair
    None needed: with other numbers the items would no longer stand where the finished response lists them.
    """

    name = "responses-output-index-gap"
    severity = Severity.INFO
    source = OBSERVED_RESPONSES
    on = ResponseFact.INDEX_GAP
