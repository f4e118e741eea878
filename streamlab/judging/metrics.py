"""Numbers about one exchange. Unknown is None, never 0. Times are microseconds since the request's first byte.

Definitions (docs/metrics.md says more):

* ``ttfb_us``: arrival of the first byte of the body. ``ttft_us``: arrival of the event that completes the first token
  of any kind (reasoning, text, refusal, tool call). ``ttfr_us`` and ``ttfa_us``: the same for the first reasoning and
  for the first answer (text, refusal or tool call).
* gaps: the time between the arrivals of consecutive events that carry data.
* a stall is a gap of at least `STALL_US` and ten times the median gap.
* a burst is two or more events that carry data and follow one another within `BURST_US` each.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import sub
from typing import Any

from streamlab.record import Record, members
from streamlab.wire.gaps import Gaps

STALL_US = 1_000_000
BURST_US = 1_000


class Metrics(Record, frozen=True):
    """See the module's docstring for the definitions."""

    events: int
    data_events: int
    bytes: int
    segments: int
    ttfb_us: int | None = None
    ttft_us: int | None = None
    ttfr_us: int | None = None
    ttfa_us: int | None = None
    duration_us: int | None = None
    gap_p50_us: int | None = None
    gap_p95_us: int | None = None
    gap_p99_us: int | None = None
    gap_max_us: int | None = None
    stalls: int | None = None
    bursts: int | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None

    def as_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return members(self)


class MetricsCollector:
    """Fed by the analyzer, one call an event; memory is bounded."""

    def __init__(self) -> None:
        self._gaps = Gaps()
        self._bursts = 0
        self._in_burst = False
        self._last_us: int | None = None
        self.ttfb_us: int | None = None
        self.ttfr_us: int | None = None
        self.ttfa_us: int | None = None

    def data_event(self, offset_us: int | None) -> None:
        """An event that carries data arrived."""
        if offset_us is None:
            return
        if self._last_us is not None:
            gap_us = offset_us - self._last_us
            self._gaps.add(gap_us if gap_us > 0 else 0)
            if gap_us >= BURST_US:
                self._in_burst = False
            elif not self._in_burst:
                self._in_burst = True
                self._bursts += 1
        self._last_us = offset_us

    def data_events(self, offset_us: int | None, count: int) -> None:
        """So many events that carry data arrived together."""
        self.data_event(offset_us)
        if count > 1 and offset_us is not None:
            self.data_event(offset_us)
            self._gaps.add_none(count - 2)

    def in_reads(self, offsets: Sequence[int | None], counts: Sequence[int]) -> None:
        """Events that carry data arrived in reads, as many as ``counts`` says in each."""
        last_us, came = self._last_us, [one for one in offsets if one is not None]
        gaps = [] if last_us is None or len(came) < len(counts) else list(map(sub, came, [last_us, *came]))
        if gaps and min(gaps) >= BURST_US and max(counts) == min(counts) == 1:
            self._gaps.extend(gaps)
            self._in_burst, self._last_us = False, came[-1]
            return
        for offset_us, count in zip(offsets, counts, strict=True):
            if count:
                self.data_events(offset_us, count)

    def finish(
        self, *, events: int, data_events: int, size: int, segments: int, end_us: int | None, usage: Any
    ) -> Metrics:
        """The numbers, when the exchange is over."""
        gaps = self._gaps.finish()
        firsts = [first for first in (self.ttfr_us, self.ttfa_us) if first is not None]
        tokens = usage if isinstance(usage, dict) else {}
        median = gaps.percentile(50)
        return Metrics(
            events=events,
            data_events=data_events,
            bytes=size,
            segments=segments,
            ttfb_us=self.ttfb_us,
            ttft_us=min(firsts, default=None),
            ttfr_us=self.ttfr_us,
            ttfa_us=self.ttfa_us,
            duration_us=end_us,
            gap_p50_us=median,
            gap_p95_us=gaps.percentile(95),
            gap_p99_us=gaps.percentile(99),
            gap_max_us=gaps.maximum,
            stalls=None if median is None else gaps.at_least(max(STALL_US, 10 * median)),
            bursts=None if median is None else self._bursts,
            prompt_tokens=_integer(tokens.get("prompt_tokens", tokens.get("input_tokens"))),
            completion_tokens=_integer(tokens.get("completion_tokens", tokens.get("output_tokens"))),
        )


def _integer(value: Any) -> int | None:
    return value if type(value) is int else None
