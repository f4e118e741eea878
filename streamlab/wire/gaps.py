"""Times between arrivals, counted in bounded memory: exact up to `EXACT` of them, beyond that to within a percent."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import Counter
from itertools import accumulate

#: So many gaps are kept as they are; longer streams are folded into classes of nearly equal gaps.
EXACT = 8_192
_BITS = 7  # a class is at most 1/128 of its gaps wide


class Gaps:
    """Gaps in microseconds. `add` is cheap; the questions are for when the stream is over."""

    def __init__(self) -> None:
        self._exact = array("q")
        self._none = 0  # gaps that are none, beside those
        self._classes: dict[int, int] = {}  # smallest gap of a class -> how many
        self._longest = 0

    def add(self, gap_us: int) -> None:
        """One more gap."""
        self._exact.append(gap_us)
        if len(self._exact) + self._none >= EXACT:
            self._fold()

    def extend(self, gaps_us: list[int]) -> None:
        """More gaps."""
        self._exact.extend(gaps_us)
        if len(self._exact) + self._none >= EXACT:
            self._fold()

    def add_none(self, count: int) -> None:
        """So many gaps more that are none."""
        self._none += count
        if len(self._exact) + self._none >= EXACT:
            self._fold()

    def _fold(self) -> None:
        gaps = Counter(self._exact)
        if self._none:
            gaps[0] += self._none
            self._none = 0
        for gap, count in gaps.items():
            floor = _floor(gap)
            self._classes[floor] = self._classes.get(floor, 0) + count
        self._longest = max(self._longest, max(self._exact, default=0))
        del self._exact[:]

    def finish(self) -> GapFigures:
        """The figures of all gaps so far."""
        if not self._classes:
            return GapFigures([0] * self._none + sorted(self._exact), None)
        self._fold()
        floors = sorted(self._classes)
        return GapFigures(floors, list(accumulate(self._classes[floor] for floor in floors)), self._longest)


class GapFigures:
    """What can be said about gaps: percentiles (nearest rank), the longest, and how many are at least so long.

    ``gaps`` are sorted; ``upto`` says of each how many gaps there are up to and with it, None that it is one each.
    """

    def __init__(self, gaps: list[int], upto: list[int] | None, longest: int | None = None) -> None:
        self._gaps, self._upto = gaps, upto
        self._total = (upto[-1] if upto else 0) if upto is not None else len(gaps)
        self.maximum = longest if upto is not None else gaps[-1] if gaps else None

    def percentile(self, percent: int) -> int | None:
        """The gap that so many of a hundred gaps do not exceed; None when there is no gap."""
        if not self._total:
            return None
        rank = max(1, -(-self._total * percent // 100))
        return self._gaps[rank - 1 if self._upto is None else bisect_left(self._upto, rank)]

    def at_least(self, gap_us: int) -> int:
        """How many gaps are at least this long."""
        at = bisect_left(self._gaps, gap_us)
        if self._upto is None:
            return self._total - at
        return self._total - (self._upto[at - 1] if at else 0)


def _floor(gap: int) -> int:
    shift = max(0, gap.bit_length() - _BITS - 1)
    return gap >> shift << shift
