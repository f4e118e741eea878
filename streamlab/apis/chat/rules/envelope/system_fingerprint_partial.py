"""See the class."""

from __future__ import annotations

from streamlab.exchange import Ending
from streamlab.rules.base import Findings
from streamlab.rules.deferred import LateRule, Place
from streamlab.rules.finding import Severity
from streamlab.rules.sources import CHAT_CHUNK
from streamlab.rules.state import RuleState
from streamlab.wire import reading
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact


class SystemFingerprintPartial(LateRule):
    """Some chunks of the answer have a ``system_fingerprint``, others have none.

    ## What OpenAI does
    Sends the key in every chunk since 2024, with one value, which may be null.

    ## Why it matters
    Who reads it from the first chunk, as most code does that logs it, finds none. No measured client is harmed.

    ## Repair
    None: what comes last is not known first.
    """

    name = "system-fingerprint-partial"
    severity = Severity.INFO
    source = CHAT_CHUNK
    on = Fact.SHAPE

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._with: Place | None = None
        self._without: Place | None = None

    def event(self, at: int, event: StreamEvent) -> None:
        chunk = reading.chunk_of(event)
        if not reading.owes_envelope(chunk):
            return
        if type(chunk.get("system_fingerprint")) is str:
            self._with = self._with or self.keep(at, event, "system_fingerprint")
        else:
            self._without = self._without or self.keep(at, event)
        if self._with is not None and self._without is not None:
            self.retire()

    def end(self, ending: Ending) -> Findings:
        if self._with is None or self._without is None:
            return
        late = self._with.at > self._without.at
        yield self.found_at(
            self._with if late else self._without,
            "system_fingerprint comes only in a later chunk" if late else "system_fingerprint is gone in a later chunk",
            expected="in every chunk",
        )
