"""See the class."""

from __future__ import annotations

from collections.abc import Sequence
from operator import sub

from streamlab.exchange import Ending
from streamlab.rules.api import Scope
from streamlab.rules.base import Findings, Rule
from streamlab.rules.finding import Finding, Severity
from streamlab.rules.sources import OBSERVED
from streamlab.rules.state import RuleState
from streamlab.wire.bodies import BodyKind

_SAME_READ_US = 1_000  # reads closer than this are one burst
_SHARE = 0.9  # of the events arrive together with another
_SPREAD = 0.05  # of the whole time, in which all events arrive
_FEW, _SOME = 6, 16  # events: below the first nothing is said, below the second nothing is held against anybody
_NOTICED_US = 1_000_000
_MAX_BURSTS = 4096
_BUFFERS = (4096, 8192, 16384, 32768)
_OFF = 0.1  # how far a burst may be from the size of a buffer


class BurstDelivery(Rule):
    """The events do not arrive as they are made, but in bursts: somebody on the way buffers the stream.

    Nine of ten events arrive in one read with another, and either all of them within a twentieth of the whole time,
    or in bursts of one and the same buffer's size. Short answers, quick ones and cached ones look the same: with less
    than 16 events or in less than a second it is at most told, and only when everything came within a millisecond.
    A compressed stream has a rule of its own.

    ## What OpenAI does
    Sends each token as it comes.

    ## Why it matters
    The user waits for the whole answer, or in jerks: a 16 KiB buffer in one gateway raised the time to the first
    token from 0.5 to 16.5 seconds.

    ## Repair
    None: the time is lost. Turn the buffering off (``X-Accel-Buffering: no``, ``proxy_buffering off``).
    """

    name = "burst-delivery"
    severity = Severity.WARNING
    source = OBSERVED
    apis = Scope.EVERY
    needs_timing = True

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._first_us: int | None = None
        self._last_us: int | None = None
        self._sizes: list[int] = []  # bytes of each burst
        self._bursts = 0

    def segment(self, offset_us: int | None, data: bytes) -> None:
        if offset_us is None or not data:
            return
        last_us, self._last_us = self._last_us, offset_us
        if last_us is None:
            self._first_us = offset_us
        elif offset_us - last_us < _SAME_READ_US:
            if self._bursts <= _MAX_BURSTS:
                self._sizes[-1] += len(data)
            return
        self._bursts += 1
        if self._bursts <= _MAX_BURSTS:
            self._sizes.append(len(data))

    def segments(self, offsets: Sequence[int | None], data: Sequence[bytes]) -> bool:
        last_us, came = self._last_us, [one for one in offsets if one is not None]
        if last_us is None or len(came) < len(data) or not all(data):
            return False
        if min(map(sub, came, [last_us, *came])) < _SAME_READ_US:
            return False
        self._last_us = came[-1]
        self._sizes += map(len, data[: max(0, _MAX_BURSTS - self._bursts)])
        self._bursts += len(data)
        return True

    def end(self, ending: Ending) -> Findings:
        ctx = self.ctx
        events, bursts = ctx.seen.data_events, self._bursts
        coded = ctx.head is not None and ctx.head.header("content-encoding") is not None
        if events < _FEW or not bursts or coded or ctx.received.kind is not BodyKind.SSE or ctx.end_us is None:
            return
        if self._first_us is None or self._last_us is None:
            return
        spread_us = self._last_us - self._first_us
        bunched = events >= _SOME and 1 - bursts / events > _SHARE
        if bunched and ctx.end_us >= _NOTICED_US and spread_us < _SPREAD * ctx.end_us:
            yield self._found(
                f"{events} events in {_bursts(bursts)} within {spread_us / 1e6:.3f} s, after "
                f"{self._first_us / 1e6:.1f} s of nothing"
            )
        elif bunched and bursts <= _MAX_BURSTS and (buffer := _buffer(self._sizes)):
            yield self._found(f"{events} events in {_bursts(bursts)} of about {buffer // 1024} KiB: a buffer's size")
        elif spread_us < _SAME_READ_US:
            yield self._found(
                f"all {events} events came at once: the answer was ready before it was sent", Severity.INFO
            )

    def _found(self, message: str, severity: Severity | None = None) -> Finding:
        return self.found(message, expected="events as they are generated", severity=severity)


def _bursts(number: int) -> str:
    return f"{number} burst{'s' if number > 1 else ''}"


def _buffer(sizes: list[int]) -> int | None:
    """The buffer whose size all bursts but the last have; None when they have none or are fewer than three."""
    full = sizes[:-1]
    if len(full) < 2:
        return None
    return next((buffer for buffer in _BUFFERS if all(abs(size - buffer) <= _OFF * buffer for size in full)), None)
