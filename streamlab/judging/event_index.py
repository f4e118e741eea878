"""Where the events of a long body start and when they came, in arrays that stay small.

An index remembers every `STEP`-th event only, so a million events take half a megabyte; what lies between is decoded
from its bytes when somebody looks. Times are microseconds since the request's first byte; -1 stands for unknown.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Sequence
from itertools import accumulate
from operator import sub
from typing import NamedTuple

from streamlab.wire.sse import SSEDecoder

#: Events from one checkpoint to the next.
STEP = 64
#: Slots of a `Sketch`, at most.
SLOTS = 4096
#: A gap this long may be a stall; how long exactly depends on the median, which only the end knows.
LONG_US = 250_000
_MAX_LONG = 100_000


class Checkpoint(NamedTuple):
    """Where to begin reading for event number ``event``.

    ``start`` is its offset in the body, ``seq`` the segment that holds this byte, ``base`` that segment's offset in
    the body, ``before_us`` when the event before it came.
    """

    event: int
    start: int
    seq: int
    base: int
    before_us: int | None


class Sketch:
    """The whole stream in at most `SLOTS` slots, for drawing: each stands for ``stride`` events.

    ``times`` is the arrival of a slot's first event, ``gaps`` the longest wait before one of its events, ``sizes``
    their bytes.
    """

    def __init__(self) -> None:
        self.stride = 1
        self.times = array("q")
        self.gaps = array("q")
        self.sizes = array("q")
        self._in_slot = 0

    def add(self, offset_us: int, gap_us: int, size: int) -> None:
        """The next event."""
        if self._in_slot == 0:
            if len(self.times) == SLOTS:
                self._halve()
            self.times.append(offset_us)
            self.gaps.append(gap_us)
            self.sizes.append(size)
        else:
            self.gaps[-1] = max(self.gaps[-1], gap_us)
            self.sizes[-1] += size
        self._in_slot = (self._in_slot + 1) % self.stride

    def add_all(self, offsets_us: Sequence[int], gaps_us: Sequence[int], sizes: Sequence[int]) -> None:
        """The next events."""
        at = 0
        while at < len(sizes):
            if self._in_slot == 0:
                self.add(offsets_us[at], gaps_us[at], sizes[at])
                at += 1
                continue
            stop = min(at + self.stride - self._in_slot, len(sizes))
            self.gaps[-1] = max(self.gaps[-1], *gaps_us[at:stop])
            self.sizes[-1] += sum(sizes[at:stop])
            self._in_slot = (self._in_slot + stop - at) % self.stride
            at = stop

    def _halve(self) -> None:
        self.times = self.times[::2]
        self.gaps = array("q", map(max, self.gaps[::2], self.gaps[1::2]))
        self.sizes = array("q", map(sum, zip(self.sizes[::2], self.sizes[1::2], strict=True)))
        self.stride *= 2


class IndexPart(NamedTuple):
    """What came since the part before, for sending to another process. The sketch is sent whole."""

    events: int
    pending: int
    last_us: int
    longest: tuple[int, int]
    starts: array[int]
    seqs: array[int]
    bases: array[int]
    times: array[int]
    long_events: array[int]
    long_gaps: array[int]
    sketch: tuple[int, array[int], array[int], array[int]]


class EventIndex:
    """Fed the segments of a body without content coding, in order; or the parts that another index gave out."""

    def __init__(self) -> None:
        self.events = 0
        self.pending = 0  # bytes after the last complete event
        self.last_us = -1  # arrival of the last event
        self.longest = (-1, -1)  # the longest gap, and the event it is before
        self.sketch = Sketch()
        self.long_events = array("Q")
        self.long_gaps = array("q")
        self._starts, self._seqs, self._bases = array("Q"), array("Q"), array("Q")
        self._times = array("q")
        self._decoder = SSEDecoder()
        self._next = (0, 0)  # number and offset of the next segment
        self._open: deque[tuple[int, int]] = deque()  # segments from the one with the next event's first byte on
        self._sent = (0, 0)  # checkpoints and long gaps that `part` has given out

    def feed(self, offset_us: int | None, data: bytes) -> None:
        """The next segment."""
        seq, base = self._next
        self._open.append(self._next)
        self._next = (seq + 1, base + len(data))
        arrival = -1 if offset_us is None else offset_us
        for start, size in self._decoder.feed_spans(data):
            self._add(start, size, arrival)
        self.pending = self._decoder.pending

    def feed_reads(self, offsets: Sequence[int | None], data: Sequence[bytes]) -> None:
        """Several segments, one after the other."""
        body = b"".join(data)
        returns = self._decoder.has_returns or b"\r" in body
        if returns or not self.events or None in offsets or self.last_us < 0:
            for offset_us, one in zip(offsets, data, strict=True):
                self.feed(offset_us, one)
            return
        seq, base = self._next
        bases = list(accumulate(map(len, data), initial=base))
        self._open += zip(range(seq, seq + len(data)), bases[:-1], strict=True)
        self._next = seq + len(data), bases[-1]
        spans = self._decoder.feed_spans(body)
        if spans:
            # Without a carriage return, an event is complete with its last byte.
            ends = [start + size for start, size in spans]
            came = offsets if ends == bases[1:] else [offsets[bisect_left(bases, end) - 1] for end in ends]
            self._add_all(spans, came)  # type: ignore[arg-type]
        self.pending = self._decoder.pending

    def _add_all(self, spans: Sequence[tuple[int, int]], arrivals: Sequence[int]) -> None:
        number, before = self.events, [self.last_us, *arrivals]
        for at in range(-number % STEP, len(spans), STEP):
            self._checkpoint(spans[at][0], before[at])
        gaps = [max(0, gap) for gap in map(sub, arrivals, before)]
        longest = max(gaps)
        if longest >= LONG_US:
            found = [at for at, gap in enumerate(gaps) if gap >= LONG_US][: _MAX_LONG - len(self.long_events)]
            self.long_events.extend(number + at for at in found)
            self.long_gaps.extend(gaps[at] for at in found)
        if longest > self.longest[0]:
            self.longest = longest, number + gaps.index(longest)
        self.sketch.add_all(arrivals, gaps, [size for _, size in spans])
        self.last_us = arrivals[-1]
        self.events = number + len(spans)

    def finish(self, end_us: int | None) -> None:
        """The body is over; a last event that nothing ended counts too."""
        for event in self._decoder.finish():
            self._add(event.start, len(event.raw), -1 if end_us is None else end_us)
        self.pending = 0

    def _add(self, start: int, size: int, arrival: int) -> None:
        number, before = self.events, self.last_us
        if number % STEP == 0:
            self._checkpoint(start, before)
        gap = max(0, arrival - before) if number and arrival >= 0 and before >= 0 else 0
        if gap >= LONG_US and len(self.long_events) < _MAX_LONG:
            self.long_events.append(number)
            self.long_gaps.append(gap)
        if gap > self.longest[0]:
            self.longest = (gap, number)
        self.sketch.add(arrival, gap, size)
        self.last_us = arrival
        self.events = number + 1

    def _checkpoint(self, start: int, before: int) -> None:
        waiting = self._open
        while len(waiting) > 1 and waiting[1][1] <= start:
            waiting.popleft()
        seq, base = waiting[0]
        self._starts.append(start)
        self._seqs.append(seq)
        self._bases.append(base)
        self._times.append(before)

    def checkpoint(self, event: int) -> Checkpoint | None:
        """The nearest place to begin at for an event; None when it is not indexed yet."""
        at = event // STEP
        if not 0 <= event < self.events or at >= len(self._starts):
            return None
        before = self._times[at]
        return Checkpoint(at * STEP, self._starts[at], self._seqs[at], self._bases[at], None if before < 0 else before)

    def event_at(self, offset: int) -> int:
        """The last checkpoint's event that starts at or before a byte of the body; 0 for an empty index."""
        return max(0, bisect_right(self._starts, offset) - 1) * STEP

    def part(self) -> IndexPart:
        """What came since the last call."""
        (since, since_long), sketch = self._sent, self.sketch
        self._sent = (len(self._starts), len(self.long_events))
        return IndexPart(
            self.events,
            self.pending,
            self.last_us,
            self.longest,
            self._starts[since:],
            self._seqs[since:],
            self._bases[since:],
            self._times[since:],
            self.long_events[since_long:],
            self.long_gaps[since_long:],
            (sketch.stride, sketch.times, sketch.gaps, sketch.sizes),
        )

    def extend(self, part: IndexPart) -> None:
        """Add what another index gave out; parts have to come in order and without gaps."""
        self.events, self.pending, self.last_us, self.longest = part[:4]
        self._starts += part.starts
        self._seqs += part.seqs
        self._bases += part.bases
        self._times += part.times
        self.long_events += part.long_events
        self.long_gaps += part.long_gaps
        self.sketch.stride, self.sketch.times, self.sketch.gaps, self.sketch.sizes = part.sketch
