"""Times between arrivals, counted in bounded memory: exact up to `EXACT` of them, beyond that to within a percent."""

from __future__ import annotations

from array import array
from collections import Counter

#: So many gaps are kept as they are; longer streams are folded into classes of nearly equal gaps.
EXACT = 65_536
_BITS = 7  # a class is at most 1/128 of its gaps wide


class Gaps:
    """Gaps in microseconds. `add` is cheap; the questions are for when the stream is over."""

    def __init__(self) -> None:
        self._exact = array("q")
        self._classes: dict[int, int] = {}  # smallest gap of a class -> how many
        self._longest = 0

    def add(self, gap_us: int) -> None:
        """One more gap."""
        self._exact.append(gap_us)
        if len(self._exact) >= EXACT:
            self._fold()

    def _fold(self) -> None:
        for gap, count in Counter(self._exact).items():
            floor = _floor(gap)
            self._classes[floor] = self._classes.get(floor, 0) + count
        self._longest = max(self._longest, max(self._exact))
        del self._exact[:]

    def finish(self) -> GapFigures:
        """The figures of all gaps so far."""
        if not self._classes:
            return GapFigures([(gap, 1) for gap in sorted(self._exact)], max(self._exact, default=None))
        if self._exact:
            self._fold()
        return GapFigures(sorted(self._classes.items()), self._longest)


class GapFigures:
    """What can be said about gaps: percentiles (nearest rank), the longest, and how many are at least so long."""

    def __init__(self, counted: list[tuple[int, int]], maximum: int | None) -> None:
        self._counted = counted
        self._total = sum(count for _, count in counted)
        self.maximum = maximum

    def percentile(self, percent: int) -> int | None:
        """The gap that so many of a hundred gaps do not exceed; None when there is no gap."""
        rank = max(1, -(-self._total * percent // 100))
        seen = 0
        for gap, count in self._counted:
            seen += count
            if seen >= rank:
                return gap
        return None

    def at_least(self, gap_us: int) -> int:
        """How many gaps are at least this long."""
        return sum(count for gap, count in self._counted if gap >= gap_us)


def _floor(gap: int) -> int:
    shift = max(0, gap.bit_length() - _BITS - 1)
    return gap >> shift << shift
