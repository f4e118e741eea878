"""See the class."""

from __future__ import annotations

from streamlab.rules.bad_payloads import MisfitRule, fault_of
from streamlab.rules.finding import Finding, Repairability, Severity
from streamlab.rules.repairs import Framing
from streamlab.rules.sources import JSON
from streamlab.wire.bad_payloads import Misfit, Named
from streamlab.wire.payload import FaultKind


class SseNulByte(MisfitRule):
    """The payload holds a raw control byte: NUL, a tab inside a string, or another byte below 0x20.

    ## What OpenAI does
    Escapes control characters in strings, as JSON demands.

    ## Why it matters
    Strict JSON readers refuse the payload: {clients: raises} measured clients raise. Broken detokenizers send them.

    ## Repair
    Escaped as ``\\u0000`` and so on.
    """

    name = "sse-nul-byte"
    needs_framing = True
    severity = Severity.ERROR
    source = JSON
    repairability = Repairability.SAFE
    repair = Framing
    kind = Misfit.CONTROL_BYTE

    def tell(self, named: Named) -> Finding:
        fault = fault_of(named, FaultKind.CONTROL_BYTE)
        code = fault.detail if fault is not None else "00"
        return self.found_in(
            named,
            f"the payload holds the raw control byte 0x{code}",
            expected=f"\\u00{code}",
            repairability=Repairability.SAFE if fault is not None else Repairability.UNSAFE,
        )
