"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.expectations import OBSERVED_RESPONSES
from streamlab.apis.responses.facts import ResponseFact
from streamlab.apis.responses.rules.base import OddRule
from streamlab.rules.finding import Severity


class ResponsesLogprobsMissing(OddRule):
    """A text delta has no ``logprobs``.

    ## What OpenAI does
    Sends the list, empty where none was asked for, since June 2025; 70 older streams lack it.

    ## Why it matters
    No measured client minds.

    ## Repair
    None needed.
    """

    name = "responses-logprobs-missing"
    severity = Severity.INFO
    source = OBSERVED_RESPONSES
    on = ResponseFact.NO_LOGPROBS
