"""See the class."""

from __future__ import annotations

from streamlab.rules.bad_payloads import MisfitRule
from streamlab.rules.base import quote
from streamlab.rules.finding import Finding, Severity
from streamlab.rules.sources import JSON
from streamlab.wire.bad_payloads import Misfit, Named


class JsonTruncated(MisfitRule):
    """An event that is complete holds JSON that stops in the middle, and the rest does not come.

    Where the end of the body cut the event itself, or the next events bring the rest, other rules speak.

    ## What OpenAI does
    Sends whole JSON objects.

    ## Why it matters
    Clients raise at it, and a ``[DONE]`` behind it hides that something broke. Gateways do this whose upstream went
    away: they frame what they have and close in good order (one-api since 0.6.8).

    ## Repair
    None: what is missing cannot be known.
    """

    name = "json-truncated"
    severity = Severity.ERROR
    source = JSON
    kind = Misfit.TRUNCATED

    def takes(self, named: Named) -> bool:
        return super().takes(named) and not self.is_one_among_whole(named)

    def tell(self, named: Named) -> Finding:
        text = named.event.sse.text or ""
        return self.found_in(named, f"the JSON stops in the middle: {quote('…' + text[-40:])}", expected="the rest")
