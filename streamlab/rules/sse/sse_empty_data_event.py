"""See the class."""

from __future__ import annotations

from streamlab.rules.bad_payloads import MisfitRule
from streamlab.rules.base import quote
from streamlab.rules.finding import Finding, Repairability, Severity
from streamlab.rules.repairs import TornPayloads
from streamlab.rules.sources import CLIENTS
from streamlab.wire.bad_payloads import Misfit, Named


class SseEmptyDataEvent(MisfitRule):
    """An event's ``data`` is empty, or nothing but white space.

    ## What OpenAI does
    Sends data in every event and, in chat streams, nothing to keep the connection open.

    ## Why it matters
    The event is dispatched all the same, and parsing nothing as JSON fails: {clients: raises} measured clients raise at
    the first one, among them openai-python and openai-node ("Unexpected end of JSON input"). Heartbeats do this, and
    gateways that tear an event of several ``data:`` lines into one event per line (one-api behind GLM-4).

    ## Repair
    Replaced by a comment, which keeps the connection open and disturbs nobody.
    """

    name = "sse-empty-data-event"
    needs_framing = True
    severity = Severity.ERROR
    source = CLIENTS
    repairability = Repairability.SAFE
    repair = TornPayloads
    kind = Misfit.EMPTY

    def tell(self, named: Named) -> Finding:
        data = named.event.sse.data
        what = "is empty" if not data else f"is only white space: {quote(data)}"
        return self.found_in(named, f"the event's data {what}", expected="JSON, or a comment to keep alive")
