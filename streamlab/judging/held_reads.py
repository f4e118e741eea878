"""Reads that wait to be judged together while a stream goes on as it did, and which events came with which of them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from operator import sub

from streamlab.wire.events import StreamEvent
from streamlab.wire.runs import Run

#: Bytes of reads that are judged at once.
AT_ONCE = 64 * 1024


class HeldReads:
    """Reads held back. ``open`` is whether more are to be: while the events that come are runs."""

    __slots__ = ("_data", "_offsets", "_size", "open")

    def __init__(self) -> None:
        self.open = False
        self._offsets: list[int | None] = []
        self._data: list[bytes] = []
        self._size = 0

    def __bool__(self) -> bool:
        return bool(self._data)

    def add(self, offset_us: int | None, data: bytes) -> bool:
        """One more; whether that is enough."""
        self._offsets.append(offset_us)
        self._data.append(data)
        self._size += len(data)
        return self._size >= AT_ONCE

    def add_some(self, offsets: Sequence[int | None], data: Sequence[bytes], at: int) -> int:
        """Those from ``at`` on, until it is enough or one is as large as that; where they end."""
        size = self._size
        stop = at
        while stop < len(data) and size < AT_ONCE and (more := len(data[stop])) < AT_ONCE:
            size += more
            stop += 1
        self._offsets += offsets[at:stop]
        self._data += data[at:stop]
        self._size = size
        return stop

    @property
    def enough(self) -> bool:
        """Whether they are to be judged now."""
        return self._size >= AT_ONCE

    def take(self, start: int) -> Batch:
        """All of them, the first of which begins at this offset of the body."""
        batch = Batch(self._offsets, self._data, start)
        self._offsets, self._data, self._size = [], [], 0
        return batch


class Batch:
    """Reads that are judged together: events complete in them one after the other. ``at`` is the read at hand."""

    __slots__ = ("_ends", "at", "body", "data", "offsets")

    def __init__(self, offsets: list[int | None], data: list[bytes], start: int) -> None:
        self.offsets, self.data = offsets, data
        self.body = b"".join(data)
        self._ends = list(accumulate(map(len, data), initial=start))[1:]
        self.at = -1

    @classmethod
    def of_one(cls, offset_us: int | None) -> Batch:
        """What comes from a read that was asked about, wherever it ends."""
        batch = cls([offset_us], [b""], 1 << 62)
        batch.at = 0
        return batch

    def reads_up_to(self, last: int) -> Iterator[tuple[int | None, bytes]]:
        """The reads up to this one that nobody asked for yet."""
        while self.at < last:
            self.at += 1
            yield self.offsets[self.at], self.data[self.at]

    def between(self, last: int) -> tuple[list[int | None], list[bytes]]:
        """Times and bytes of those, which stay unasked for."""
        return self.offsets[self.at + 1 : last + 1], self.data[self.at + 1 : last + 1]

    def rest(self) -> Iterator[tuple[int | None, bytes]]:
        """The reads in which no more events complete."""
        return self.reads_up_to(len(self.data) - 1)

    def read_of(self, event: StreamEvent) -> int:
        """The read in which an event is complete: one that ends in CR is with the next byte, which is no LF."""
        sse = event.sse
        assert sse is not None  # it came
        end = sse.start + len(sse.raw) + sse.raw.endswith(b"\r")
        return min(bisect_left(self._ends, end), len(self._ends) - 1)

    def shares(self, run: Run) -> tuple[Sequence[int], Sequence[int]]:
        """The reads in which events of a run may be complete, and how many are in each."""
        size, start = len(run.raw), run.start
        first, last = max(self.at, 0), bisect_left(self._ends, start + size)
        if first == last:
            return (first,), (len(run),)
        reads, stops, ends = (
            range(first, last + 1),
            self._ends[first : last + 1],
            list(accumulate(run.sizes, initial=start)),
        )
        if stops == ends[1:]:  # each came in a read of its own
            return reads, [1] * len(run)
        upto = [bisect_right(ends, stop) - 1 for stop in stops]
        return reads, list(map(sub, upto, [0, *upto]))
