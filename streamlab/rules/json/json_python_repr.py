"""See the class."""

from __future__ import annotations

from streamlab.rules.bad_payloads import MisfitRule
from streamlab.rules.base import quote
from streamlab.rules.finding import Finding, Repairability, Severity
from streamlab.rules.repairs import TornPayloads
from streamlab.rules.sources import JSON
from streamlab.wire.bad_payloads import Misfit, Named


class JsonPythonRepr(MisfitRule):
    """The payload is Python's ``repr`` of something, not JSON.

    A dict with single quotes, ``None`` or ``True``, a ``b'...'``, or an object such as ``ChatCompletionChunk(id=...)``.

    ## What OpenAI does
    Sends JSON.

    ## Why it matters
    No JSON reader takes it: every measured client raises. Servers that build the line with an f-string do this.

    ## Repair
    Read as a Python literal and written as JSON, which is a guess.
    """

    name = "json-python-repr"
    severity = Severity.ERROR
    source = JSON
    repairability = Repairability.UNSAFE
    repair = TornPayloads
    kind = Misfit.PYTHON

    def tell(self, named: Named) -> Finding:
        return self.found_in(named, f"the payload is Python, not JSON: {quote(named.event.sse.text)}", expected="JSON")
