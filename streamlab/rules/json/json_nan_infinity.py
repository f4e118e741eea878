"""See the class."""

from __future__ import annotations

from streamlab.rules.api import Scope
from streamlab.rules.base import Findings, Rule
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.repairs import Framing
from streamlab.rules.sources import JSON
from streamlab.wire.events import Chunk, ErrorPayload, StreamEvent
from streamlab.wire.payload import FaultKind
from streamlab.wire.reading import Fact


class JsonNanInfinity(Rule):
    """A number is ``NaN``, ``Infinity`` or ``-Infinity``, which JSON does not know.

    ## What OpenAI does
    Sends finite numbers; the log probability of an impossible token is ``-9999.0``.

    ## Why it matters
    Python's json reads it, so the bug hides from whoever tests with Python; JavaScript and Go refuse the whole chunk:
    {clients: raises} measured clients raise, {count: wrong} lose text. Servers written in Python send it with logprobs
    (vLLM, lmdeploy).

    ## Repair
    A log probability becomes ``-9999.0``, anything else null.
    """

    name = "json-nan-infinity"
    severity = Severity.ERROR
    source = JSON
    repairability = Repairability.SAFE
    repair = Framing
    apis = Scope.EVERY
    on = Fact.FAULTS | Fact.ERROR

    def event(self, at: int, event: StreamEvent) -> Findings:
        if not isinstance(event, Chunk | ErrorPayload):
            return
        found = next((fault for fault in event.faults if fault.kind is FaultKind.NAN), None)
        if found is not None:
            yield self.found(f"the payload holds {found.detail}", at, expected="a finite number", actual=found.detail)
