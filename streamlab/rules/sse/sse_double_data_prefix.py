"""See the class."""

from __future__ import annotations

from streamlab.rules.api import Scope
from streamlab.rules.bad_payloads import MisfitRule
from streamlab.rules.base import quote
from streamlab.rules.finding import Finding, Repairability, Severity
from streamlab.rules.repairs import Framing
from streamlab.rules.sources import CLIENTS
from streamlab.wire.bad_payloads import Misfit, Named


class SseDoubleDataPrefix(MisfitRule):
    """A payload begins with another ``data:``.

    ## What OpenAI does
    Writes the field name once.

    ## Why it matters
    The payload is no JSON and its ``[DONE]`` is no ``[DONE]``: every measured client raises at the first event. Relays
    do this when they frame lines that are framed already.

    ## Repair
    The inner prefixes are taken off.
    """

    name = "sse-double-data-prefix"
    needs_framing = True
    severity = Severity.ERROR
    source = CLIENTS
    repairability = Repairability.SAFE
    repair = Framing
    apis = Scope.JUDGED
    kind = Misfit.DATA_PREFIX

    def tell(self, named: Named) -> Finding:
        return self.found_in(
            named, f'the payload begins with another "data:": {quote(named.event.sse.text)}', expected="data: {"
        )
