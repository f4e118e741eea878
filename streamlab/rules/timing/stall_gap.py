"""See the class."""

from __future__ import annotations

import re
from collections.abc import Sequence
from operator import sub
from typing import NamedTuple

from streamlab.exchange import Ending
from streamlab.lazy_pattern import lazy_pattern
from streamlab.record import changed
from streamlab.rules.api import Scope
from streamlab.rules.base import Findings, Rule
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import OBSERVED
from streamlab.rules.state import RuleState
from streamlab.wire import reading
from streamlab.wire.gaps import Gaps

_STALL_US = 5_000_000
#: Without any byte, whatever is being made: nginx and load balancers cut after a minute, many clients before.
_SILENT_US = 30_000_000
_TIMES_MEDIAN = 20
_MAX_PLACES = 100
_COLON = ord(":")
_ENDINGS = {
    Ending.COMPLETE: "the response ended",
    Ending.UPSTREAM_CUT: "the connection was cut",
    Ending.CLIENT_LEFT: "the client left",
    Ending.TIMED_OUT: "the wait was given up",
}

#: A call that begins: its arguments may have been collected meanwhile. More of its arguments were not.
_OPENS_CALL = lazy_pattern(rb'"tool_calls"\s*:\s*\[.*?"name"\s*:\s*"[^"]', re.DOTALL)


class _Stall(NamedTuple):
    """A wait for more of the answer: microseconds of it, of its longest part without any byte, the number of the event
    that ended it and when its first bytes came, and whether the answer had finished by then."""

    gap_us: int
    quiet_us: int
    at: int
    offset_us: int
    finished: bool

    def __str__(self) -> str:
        what = "nothing came" if self.quiet_us == self.gap_us else "nothing but comments came"
        where = "after the answer had finished" if self.finished else "in the middle of the answer"
        return f"{what} for {self.gap_us / 1e6:.1f} s {where}"


class StallGap(Rule):
    """After the answer had begun, nothing of it came for a long time.

    Longer than five seconds and than twenty times the median wait between reads. A keep-alive comment keeps the
    connection alive but is no answer: where comments come at least every half minute, the wait is only told. Before the
    first token, and where the wait ends with a whole tool call, whose arguments were collected meanwhile, it is held
    against nobody until half a minute without any byte: then something on the way may cut. Silence at the end of an
    answer that never finished counts, as an error when the wait was given up. In the Responses API tools and reasoning
    run between the deltas: what is told of a wait there, responses-idle-comments-only tells.

    ## What OpenAI does
    Promises nothing; once the first token is there, the next ones follow within a fraction of a second.

    ## Why it matters
    Clients and proxies with a read timeout give up and throw away what they have. ``timeout`` of openai-python 3.57.0
    bounds each silence; that of openai-node 7.59.0 and @anthropic-ai/sdk 1.14.0 ends with the headers, and a silence
    behind them is waited for.

    ## Repair
    None afterwards. A gateway can send comments while it waits.
    """

    name = "stall-gap"
    severity = Severity.WARNING
    source = OBSERVED
    repairability = Repairability.NONE
    apis = Scope.JUDGED
    needs_timing = True
    variants = ("it never ends", "something comes at last")

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._gaps = Gaps()
        self._last_us: int | None = None
        self._byte_us: int | None = None
        self._stalls: list[_Stall] = []
        self._quiet_us = 0  # the longest silence since anything of the answer came: comments may have broken it
        #: Without any byte, where the answer may be in the making: how long, before which event, when that came, where.
        self._silences: list[tuple[int, int, int, str]] = []

    def segment(self, offset_us: int | None, data: bytes) -> None:
        if offset_us is None or not data:
            return
        own_us = self.ctx.api.stall_us
        silent_us = offset_us - (self._byte_us if self._byte_us is not None else offset_us)
        self._byte_us = offset_us
        self._quiet_us = max(self._quiet_us, silent_us)
        if silent_us > _SILENT_US and len(self._silences) < _MAX_PLACES:
            self._note_silence(silent_us, offset_us, data)
        if own_us is None and data[:1] == b":" and b"data:" not in data:
            return
        begun = self.ctx.seen.content_events if own_us is None else self.ctx.seen.chunks
        if begun and self._last_us is not None and self.ctx.seen.done_at is None:
            gap_us = offset_us - self._last_us
            self._gaps.add(gap_us)
            if gap_us > _STALL_US and len(self._stalls) < _MAX_PLACES and not _OPENS_CALL.search(data):
                at, finished = self.ctx.seen.events, self.ctx.finished
                self._stalls.append(_Stall(gap_us, self._quiet_us, at, offset_us, finished))
        self._last_us, self._quiet_us = offset_us, 0

    def segments(self, offsets: Sequence[int | None], data: Sequence[bytes]) -> bool:
        seen, last_us, byte_us = self.ctx.seen, self._last_us, self._byte_us
        came = [one for one in offsets if one is not None]
        if last_us is None or byte_us is None or seen.done_at is not None or len(came) < len(data) or not all(data):
            return False
        begun = seen.content_events if self.ctx.api.stall_us is None else seen.chunks
        gaps = list(map(sub, came, [last_us, *came]))
        if not begun or max(gaps) > _STALL_US or came[0] - byte_us > _SILENT_US or _COLON in {one[0] for one in data}:
            return False
        self._gaps.extend(gaps)
        self._byte_us = self._last_us = came[-1]
        self._quiet_us = 0
        return True

    def _note_silence(self, silent_us: int, offset_us: int, data: bytes) -> None:
        """Keep a silence that `_stalls` does not count: before the first token, or before a whole tool call."""
        seen = self.ctx.seen
        if self.ctx.api.stall_us is not None or seen.done_at is not None:
            return
        if not seen.content_events:
            self._silences.append((silent_us, seen.events, offset_us, "before the answer began"))
        elif _OPENS_CALL.search(data):
            self._silences.append((silent_us, seen.events, offset_us, "before a tool call"))

    def end(self, ending: Ending) -> Findings:
        median_us = self._gaps.finish().percentile(50) or 0
        api = self.ctx.api
        limit_us = api.stall_us or max(_STALL_US, _TIMES_MEDIAN * median_us)
        severity = Severity.INFO if api.works_meanwhile else None
        if not api.works_meanwhile:  # there a rule of its own tells of each wait for an event
            yield from self._waits(limit_us)
        silent_us = self._silence_at_the_end()
        if silent_us > limit_us and ending in _ENDINGS:
            yield self.found(
                f"nothing came for {silent_us / 1e6:.1f} s, then {_ENDINGS[ending]}; the answer had not finished",
                severity=Severity.ERROR if ending is Ending.TIMED_OUT else severity,
                variant=self.variants[0] if ending is Ending.TIMED_OUT else None,
            )

    def _waits(self, limit_us: int) -> Findings:
        """Findings for the waits that something of the answer ended."""
        gives_up_us = self.ctx.api.gives_up_us
        for gap_us, at, offset_us, where in self._silences:
            said = f"not one byte came for {gap_us / 1e6:.1f} s {where}"
            yield changed(self.found(said, at, variant=self.variants[1]), offset_us=offset_us)
        for stall in self._stalls:
            if stall.gap_us > limit_us:
                given_up = gives_up_us is not None and stall.gap_us >= gives_up_us
                alive = stall.quiet_us < min(stall.gap_us, _SILENT_US)
                severity = Severity.ERROR if given_up else Severity.INFO if alive else None
                found = self.found(str(stall), stall.at, severity=severity, variant=self.variants[1])
                yield changed(found, offset_us=stall.offset_us)

    def _silence_at_the_end(self) -> int:
        """Microseconds after the last read of an answer that has begun and not ended; else 0."""
        ctx = self.ctx
        last = reading.as_object(ctx.seen.last_chunk).get("type")
        over = ctx.finished or ctx.seen.done_at is not None or ctx.seen.error_at is not None
        begun = ctx.seen.content_events if ctx.api.stall_us is None else ctx.seen.chunks
        if over or not begun or (type(last) is str and last in ctx.api.ending_types):
            return 0
        return ctx.end_us - self._last_us if ctx.end_us is not None and self._last_us is not None else 0
