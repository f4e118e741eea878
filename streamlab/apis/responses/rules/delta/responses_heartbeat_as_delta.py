"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.expectations import OBSERVED_RESPONSES
from streamlab.apis.responses.facts import Odd, ResponseFact
from streamlab.apis.responses.repairs import ResponseRepair
from streamlab.apis.responses.rules.base import OddRule
from streamlab.rules.finding import Repairability, Severity


class ResponsesHeartbeatAsDelta(OddRule):
    """A keep-alive comes in the clothes of a text delta.

    ## What OpenAI does
    Keeps a connection alive by an event of type ``keepalive``.

    ## Why it matters
    An invisible character stands in the answer of nearly every client; openai-node's stream helper raises.

    ## Repair
    Dropped. The id it names is never taken over.
    """

    name = "responses-heartbeat-as-delta"
    severity = Severity.ERROR
    source = OBSERVED_RESPONSES
    repairability = Repairability.SAFE
    repair = ResponseRepair
    on = ResponseFact.HEARTBEAT
    variants = ("an item is open", "no item is open")

    def form(self, one: Odd) -> str | None:
        return self.variants[0 if any(item.open for item in self.response.items) else 1]
