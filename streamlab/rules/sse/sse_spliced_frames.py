"""See the class."""

from __future__ import annotations

from streamlab.rules.bad_payloads import MisfitRule
from streamlab.rules.base import quote
from streamlab.rules.finding import Finding, Repairability, Severity
from streamlab.rules.repairs import Framing
from streamlab.rules.sources import SSE
from streamlab.wire.bad_payloads import Misfit, Named
from streamlab.wire.inserted import spliced


class SseSplicedFrames(MisfitRule):
    """An event was cut, and the next one begins on the same line.

    The end of the one and the line end behind it are lost on the way; the other is whole.

    ## What OpenAI does
    Ends every event with a blank line.

    ## Why it matters
    The line is no JSON, so clients raise, and lose the whole event too. What the cut one said is lost whatever they do.

    ## Repair
    The whole event is kept; that another was lost is said, and `normalize` exits with 1 for it.
    """

    name = "sse-spliced-frames"
    needs_framing = True
    severity = Severity.ERROR
    source = SSE
    repairability = Repairability.SAFE
    repair = Framing
    kind = Misfit.SPLICED

    def tell(self, named: Named) -> Finding:
        found = spliced(named.event.sse.data or b"")
        lost = found[0].decode("utf-8", "replace")[-60:] if found is not None else ""
        return self.found_in(
            named, f"an event was cut, and a whole one begins on its line; of the first is left: {quote(lost)}"
        )
