"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.facts import ResponseFact
from streamlab.apis.responses.repairs import ResponseRepair
from streamlab.apis.responses.rules.base import InLifeRule, OddRule, lack, of_lives
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import RESPONSES
from streamlab.wire.events import StreamEvent

#: Its members stand in the event.
_FLAT = "the event itself"


class ResponsesResponseMissing(InLifeRule, OddRule):
    """An event that carries the response has none.

    ## What OpenAI does
    Sends the ``response`` object in ``response.created`` and in the event that ends it, in 2,102 of 2,102 streams.

    ## Why it matters
    Most clients raise; the others lose the status and the usage. Codex asks six times.

    ## Repair
    Members that stand in the event itself are put into a response; else it is built from the one that was created
    and the items that were done.
    """

    name = "responses-response-missing"
    severity = Severity.ERROR
    source = RESPONSES
    repairability = Repairability.SAFE
    repair = ResponseRepair
    on = ResponseFact.NO_RESPONSE
    variants = of_lives(("absent", "null", _FLAT))

    def event(self, at: int, event: StreamEvent) -> None:
        value = self.value(event)
        flat = value.get("object") == "response" and "response" not in value
        for found in OddRule.event(self, at, event) or ():
            self.later(found, event, _FLAT if flat else lack(value, "response"))
