"""See the class."""

from __future__ import annotations

from streamlab.rules.bad_payloads import MisfitRule
from streamlab.rules.base import quote
from streamlab.rules.finding import Finding, Severity
from streamlab.rules.sources import JSON
from streamlab.wire.bad_payloads import Misfit, Named


class JsonMalformed(MisfitRule):
    """The payload is meant as JSON and cannot be read as such.

    A comma too many, a bracket too many, text behind the object, or nesting deeper than any reader goes. Where events
    have names, also JSON that stops in the middle while the stream goes on.

    ## What OpenAI does
    Sends JSON objects.

    ## Why it matters
    Clients raise at it and lose the rest of the stream.

    ## Repair
    None: every way to mend it is a guess about what was meant.
    """

    name = "json-malformed"
    severity = Severity.ERROR
    source = JSON
    kind = Misfit.MALFORMED

    def takes(self, named: Named) -> bool:
        return super().takes(named) or self.is_one_among_whole(named)

    def tell(self, named: Named) -> Finding:
        fault = named.event.faults[-1] if named.event.faults else None
        where = f" ({quote(fault.detail, 50)} at byte {fault.at})" if fault is not None and fault.detail else ""
        return self.found_in(named, f"the payload is no JSON{where}: {quote(named.event.sse.text)}", expected="JSON")
