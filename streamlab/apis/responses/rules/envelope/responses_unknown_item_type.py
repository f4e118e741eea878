"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.expectations import OBSERVED_RESPONSES
from streamlab.apis.responses.facts import ResponseFact
from streamlab.apis.responses.rules.base import OddRule
from streamlab.rules.finding import Severity


class ResponsesUnknownItemType(OddRule):
    """An output item is of a type that is not known here.

    ## What OpenAI does
    Sent 15 types in 2,102 streams; new ones appear.

    ## Why it matters
    LlamaIndex raises; others skip it.

    ## Repair
    None needed.
    """

    name = "responses-unknown-item-type"
    severity = Severity.INFO
    source = OBSERVED_RESPONSES
    on = ResponseFact.ITEM_TYPE
