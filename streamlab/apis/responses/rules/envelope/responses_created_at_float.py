"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.facts import ResponseFact
from streamlab.apis.responses.repairs import ResponseRepair
from streamlab.apis.responses.rules.base import ResponsesRule
from streamlab.rules.base import Findings, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import RESPONSES
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import as_object


class ResponsesCreatedAtFloat(ResponsesRule):
    """``created_at`` of the response is no integer.

    ## What OpenAI does
    Sends Unix seconds as an integer in 2,102 of 2,102 streams, though the specification only says number.

    ## Why it matters
    No measured client minds a float; gateways in Go cannot read it into an integer. A text is refused by the AI
    SDK.

    ## Repair
    A float is rounded down.
    """

    name = "responses-created-at-float"
    severity = Severity.INFO
    source = RESPONSES
    repairability = Repairability.SAFE
    repair = ResponseRepair
    on = ResponseFact.LIFECYCLE

    def event(self, at: int, event: StreamEvent) -> Findings:
        response = as_object(self.value(event).get("response"))
        made = response.get("created_at")
        if made is None or type(made) is int:
            return
        a_float = type(made) is float
        message = f"created_at is {quote(made)}, OpenAI sends an integer"
        yield self.found(
            message,
            at,
            path="response.created_at",
            actual=made,
            severity=None if a_float else Severity.WARNING,
            repairability=None if a_float else Repairability.NONE,
        )
