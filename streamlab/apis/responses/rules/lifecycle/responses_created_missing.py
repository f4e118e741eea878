"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.expectations import LIFECYCLE, OBSERVED_RESPONSES
from streamlab.apis.responses.facts import Odd, ResponseFact
from streamlab.apis.responses.repairs import ResponseRepair
from streamlab.apis.responses.rules.base import OddRule
from streamlab.rules.base import Findings
from streamlab.rules.finding import Repairability, Severity
from streamlab.wire.events import StreamEvent


class ResponsesCreatedMissing(OddRule):
    """The stream does not open with ``response.created``.

    ## What OpenAI does
    Opens every whole stream with it, 2,082 of 2,082. One that is fetched again with ``starting_after`` goes on
    where the other stopped.

    ## Why it matters
    The stream helpers of openai-python and openai-node raise: they have no response to build on. The others go on.

    ## Repair
    Written from the response of the first event where that carries it. Else the id of the response is not known
    yet, and none is made up.
    """

    name = "responses-created-missing"
    severity = Severity.ERROR
    source = OBSERVED_RESPONSES
    repairability = Repairability.SAFE
    repair = ResponseRepair
    on = ResponseFact.UNOPENED

    def event(self, at: int, event: StreamEvent) -> Findings | None:
        response, request = self.response, self.ctx.request
        asked_again = request is None or request.method != "POST" or "starting_after=" in request.url
        if (response.resumed and asked_again) or self.ctx.body.get("starting_after") is not None:
            return None
        return super().event(at, event)

    def repairable(self, one: Odd) -> Repairability:
        return Repairability.SAFE if one.actual in LIFECYCLE else Repairability.NONE
