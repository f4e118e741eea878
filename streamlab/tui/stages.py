"""What the analyst does with the segments of an exchange: it indexes, judges and compares them in stages.

A segment that is no news costs next to nothing, so the stages behind the first one take it along with it. A stage that
has much to do with what comes goes its own way later, so that nobody waits for it.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from time import monotonic
from typing import Protocol

from streamlab.comparing.event_diff import Differ
from streamlab.exchange import Exchange
from streamlab.judging.analyzer import Analyzer, analyzer_of
from streamlab.judging.event_index import EventIndex
from streamlab.judging.report import Report
from streamlab.storage.browsing import BodyPiece
from streamlab.storage.segment_rows import StoredSegment
from streamlab.tui.diff_store import DiffStore
from streamlab.wire.accumulate import Accumulator, Mark

#: Events from one mark of the fold to the next.
_MARK_EVERY = 2048
#: Segments that are judged before a mark may be set.
_AT_ONCE = 256
#: Seconds from one report of an exchange that goes on to the next, at least.
_REPORT_EVERY = 0.4
#: How often there may be news, of what is judged in steps, and in so many segments of what is compared, before a stage
#: takes no more along.
_MOST_NEWS, _STEP = 16, 512


Piece = BodyPiece | StoredSegment


class SegmentStage(Protocol):
    """``done`` counts the segments it was given; ``goes_along`` says whether more cost little."""

    done: int

    @property
    def goes_along(self) -> bool: ...

    def feed(self, pieces: Sequence[Piece]) -> None:
        """More of the body."""


class Indexing:
    """Where events start."""

    goes_along = True

    def __init__(self, index: EventIndex) -> None:
        self._index = index
        self.done = 0

    def feed(self, pieces: Sequence[Piece]) -> None:
        """More of the body."""
        self._index.feed_reads([one.offset_us for one in pieces], [one.data for one in pieces])
        self.done += len(pieces)


class Judging:
    """The analysis of an exchange, with marks from which the fold of a client can be taken up again."""

    def __init__(self, exchange: Exchange) -> None:
        self.analyzer = analyzer_for(exchange)
        self.done = 0  # segments
        self.report: Report | None = None
        self._marks: list[Mark] = []
        self._marked = array("Q")
        self._next_report = 0.0
        self._has_news = self._over = False
        self._news = 0  # steps that ended with some

    @property
    def goes_along(self) -> bool:
        """Whether the stream goes on as it did."""
        return self._news < _MOST_NEWS

    def feed(self, pieces: Sequence[Piece]) -> None:
        """More of the body."""
        for at in range(0, len(pieces), _AT_ONCE):
            some = pieces[at : at + _AT_ONCE]
            self.analyzer.feed_reads([one.offset_us for one in some], [one.data for one in some])
            if self.analyzer.ctx.seen.events >= (self._marked[-1] if self._marked else 0) + _MARK_EVERY:
                self._marked.append(self.analyzer.ctx.seen.events)
                self._marks.append(self.analyzer.ctx.accumulator.mark())
        self.done += len(pieces)
        self.analyzer.catch_up()
        self._news += not self.analyzer.in_runs
        self._has_news = True

    @property
    def may_report(self) -> bool:
        """Whether it is long enough since the last report, and not over."""
        return self.done > 0 and not self._over and self._next_report < monotonic()

    @property
    def should_report(self) -> bool:
        """Whether there is something new to say, and it may be said."""
        return self.report is None or (self._has_news and self.may_report)

    def so_far(self) -> Report:
        """The findings by now."""
        started = monotonic()
        self.report, self._has_news = self.analyzer.so_far(), False
        # What a report costs grows with the stream; it may take a tenth of the time.
        self._next_report = monotonic() + max(_REPORT_EVERY, 10 * (monotonic() - started))
        return self.report

    def finish(self, exchange: Exchange) -> Report:
        """All findings."""
        self._over = True
        self.report = self.analyzer.finish(exchange.ending, exchange.end_us)
        return self.report

    def folded_before(self, event: int) -> tuple[int, Accumulator]:
        """The last mark before an event: the event to go on with, and the fold up to there."""
        at = bisect_right(self._marked, event + 1) - 1
        if at < 0:
            return 0, self.analyzer.ctx.api.fold(None)
        return self._marked[at], self.analyzer.ctx.accumulator.at(self._marks[at])


class EventComparison:
    """The comparison of an exchange with what OpenAI would have sent."""

    def __init__(self, exchange: Exchange) -> None:
        self.differ = Differ(exchange.request, exchange.head)
        self.diffs = DiffStore()
        self.done = 0  # segments
        self.is_whole = False

    @property
    def goes_along(self) -> bool:
        """Whether what comes passes as it came: what does not takes twenty times as long to compare as to judge."""
        return self.differ.alone < (1 + self.done // _STEP) * _MOST_NEWS

    def feed(self, pieces: Sequence[Piece]) -> None:
        """More of the body."""
        for piece in pieces:
            if found := self.differ.feed(piece.data):
                self.diffs.add(found)
        self.diffs.add(self.differ.catch_up())
        self.done += len(pieces)

    def finish(self, exchange: Exchange) -> None:
        """The body is over."""
        self.diffs.add(self.differ.finish(exchange.ending))
        self.is_whole = True

    def close(self) -> None:
        """Give the disk back."""
        self.diffs.close()


def analyzer_for(exchange: Exchange) -> Analyzer:
    """An analyzer that knows what a recorder has noted so far."""
    # An unfinished exchange has times too; only imported ones lack them.
    return analyzer_of(exchange, timing_known=exchange.timing_known or bool(exchange.notes.get("in_progress")))
