"""See the class."""

from __future__ import annotations

from streamlab.rules.api import Scope
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.repairs import Framing
from streamlab.rules.sources import JSON
from streamlab.wire.events import Chunk, ErrorPayload, StreamEvent
from streamlab.wire.payload import FaultKind
from streamlab.wire.reading import Fact


class JsonDuplicateKeys(Rule):
    """An object has the same key twice.

    ## What OpenAI does
    Names every member once.

    ## Why it matters
    RFC 8259 leaves open which one counts. Python and JavaScript keep the last, other readers the first, and Rust's
    serde refuses the object, so the clients of one server see different answers. Relays that patch JSON as text do
    this.

    ## Repair
    The last one is kept, as Python and JavaScript do.
    """

    name = "json-duplicate-keys"
    severity = Severity.WARNING
    source = JSON
    repairability = Repairability.SAFE
    repair = Framing
    apis = Scope.EVERY
    on = Fact.FAULTS | Fact.ERROR

    def event(self, at: int, event: StreamEvent) -> Findings:
        if not isinstance(event, Chunk | ErrorPayload):
            return
        keys = [fault.detail for fault in event.faults if fault.kind is FaultKind.DUPLICATE_KEYS]
        if keys:
            listed = ", ".join(quote(key) for key in keys[:5])
            yield self.found(f"an object has the key {listed} twice", at, expected="once", actual=keys)
