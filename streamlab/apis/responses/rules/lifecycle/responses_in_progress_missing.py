"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.expectations import CREATED, IN_PROGRESS, OBSERVED_RESPONSES
from streamlab.apis.responses.rules.base import ResponsesRule
from streamlab.exchange import Ending
from streamlab.rules.base import Findings
from streamlab.rules.finding import Severity


class ResponsesInProgressMissing(ResponsesRule):
    """No ``response.in_progress`` follows ``response.created``.

    ## What OpenAI does
    Sends both, equal in every member, in 2,082 of 2,082 whole streams.

    ## Why it matters
    No measured client needs it.

    ## Repair
    None needed.
    """

    name = "responses-in-progress-missing"
    severity = Severity.INFO
    source = OBSERVED_RESPONSES

    def end(self, ending: Ending) -> Findings:
        response = self.response
        if response.terminal and response.saw(CREATED) and not response.saw(IN_PROGRESS) and not response.resumed:
            yield self.found("no response.in_progress came", expected=IN_PROGRESS)
