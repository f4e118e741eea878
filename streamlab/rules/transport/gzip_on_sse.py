"""See the class."""

from __future__ import annotations

from streamlab.exchange import Ending
from streamlab.rules.api import Scope
from streamlab.rules.base import Findings, Rule
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import HTTP
from streamlab.rules.state import RuleState
from streamlab.wire.bodies import BodyKind

_SAME_READ_US = 1_000
_NOTICED_US = 1_000_000


class GzipOnSse(Rule):
    """The stream is compressed, and the compressor holds events back until it has many.

    Judged by arrival, not by the header: compression that is flushed with every event is fine. Four events or more
    have to arrive, eight to a burst (or all in one). Below a second nobody waits, and it is only told.

    ## What OpenAI does
    Sends streams uncompressed to the clients that were recorded.

    ## Why it matters
    The reader sees nothing and then everything: middleware compressors send their ten bytes of header and wait for
    the close; aiohttp 3.14.5's ``enable_compression()`` does, and has no flush.

    ## Repair
    The stream is sent on uncompressed. Time that was lost stays lost.
    """

    name = "gzip-on-sse"
    needs_framing = True
    severity = Severity.WARNING
    source = HTTP
    repairability = Repairability.SAFE
    apis = Scope.EVERY
    needs_timing = True

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        coding = ctx.head.header("content-encoding") if ctx.head is not None else None
        self._coding = (coding or "identity").strip()
        self._coded = self._coding.lower() != "identity"
        self.reads_retired = not self._coded
        self._us: int | None = None  # of the segment before
        self._burst_us: int | None = None
        self._events = 0
        self._bursts = 0

    def segment(self, offset_us: int | None, data: bytes) -> None:
        self._count()
        self._us = offset_us

    def _count(self) -> None:
        """Count the segment before as a new burst when it completed events and did not come with the last burst."""
        if self.ctx.seen.data_events == self._events or self._us is None:
            return
        self._events = self.ctx.seen.data_events
        if self._burst_us is None or self._us - self._burst_us >= _SAME_READ_US:
            self._bursts += 1
            self._burst_us = self._us

    def end(self, ending: Ending) -> Findings:
        ctx = self.ctx
        if not self._coded or ctx.received.kind is not BodyKind.SSE or ctx.received.coding_fault is not None:
            return
        self._count()
        if self._events < 4 or self._bursts > max(1, self._events // 8):
            return
        start_us = ctx.head.offset_us if ctx.head is not None else None
        waited = ctx.end_us - (start_us or 0) if ctx.end_us is not None else 0
        yield self.found(
            f"{self._events} events came compressed ({self._coding[:20]}) in "
            f"{self._bursts} burst{'s' if self._bursts > 1 else ''}",
            path="content-encoding",
            expected="no Content-Encoding, or a flush after every event",
            actual=self._coding,
            severity=Severity.WARNING if waited >= _NOTICED_US else Severity.INFO,
        )
