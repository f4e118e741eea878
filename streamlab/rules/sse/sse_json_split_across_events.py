"""See the class."""

from __future__ import annotations

from streamlab.rules.bad_payloads import MisfitRule
from streamlab.rules.finding import Finding, Repairability, Severity
from streamlab.rules.repairs import TornPayloads
from streamlab.rules.sources import JSON
from streamlab.wire.bad_payloads import Misfit, Named


class SseJsonSplitAcrossEvents(MisfitRule):
    """One JSON document is split over several events.

    Said only when the payloads, put together, are one document; comments may stand between them.

    ## What OpenAI does
    One document an event.

    ## Why it matters
    Neither half is JSON: every measured client raises at the first one. Relays do this when they take what one read
    happened to bring for an event.

    ## Repair
    The payloads are joined until they parse, within bounds.
    """

    name = "sse-json-split-across-events"
    needs_framing = True
    severity = Severity.ERROR
    source = JSON
    repairability = Repairability.SAFE
    repair = TornPayloads
    kind = Misfit.SPLIT

    def tell(self, named: Named) -> Finding:
        return self.found_in(
            named, f"one JSON document is split over {named.pieces} events", expected="one JSON document an event"
        )
