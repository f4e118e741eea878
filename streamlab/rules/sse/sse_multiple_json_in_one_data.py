"""See the class."""

from __future__ import annotations

from streamlab.rules.bad_payloads import MisfitRule
from streamlab.rules.finding import Finding, Repairability, Severity
from streamlab.rules.repairs import Framing
from streamlab.rules.sources import CLIENTS
from streamlab.wire.bad_payloads import Misfit, Named


class SseMultipleJsonInOneData(MisfitRule):
    """One ``data:`` line holds several JSON documents.

    ## What OpenAI does
    One document an event.

    ## Why it matters
    A JSON reader stops after the first document and complains about the rest ("Extra data"): {clients: raises} measured
    clients raise, the others lose text. Relays do this when they take out line ends.

    ## Repair
    Each document becomes an event.
    """

    name = "sse-multiple-json-in-one-data"
    needs_framing = True
    severity = Severity.ERROR
    source = CLIENTS
    repairability = Repairability.SAFE
    repair = Framing
    kind = Misfit.DOCUMENTS

    def tell(self, named: Named) -> Finding:
        return self.found_in(named, "several JSON documents on one data line", expected="one JSON document an event")
