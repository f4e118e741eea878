"""What a hop did to the delivery of a stream: reads merged or cut, time added, and what it read for nobody."""

from __future__ import annotations

from collections.abc import Sequence

from streamlab.comparing.comparison import Difference, Kind, Pair, Relation, Row, severity_of
from streamlab.comparing.conversations import began_us
from streamlab.comparing.differences import spot
from streamlab.comparing.reading import Reading
from streamlab.comparing.wording import number_of, seconds
from streamlab.exchange import Ending, Exchange

#: Delays below this are the noise of machines and networks.
MIN_DELAY_US = 150_000
#: Reads are merged or cut when there are so many times fewer, or more; anything less happens by chance.
_MERGED, _SPLIT = 2, 4
_MIN_READS = 4


def delivery_differences(
    a: Exchange, b: Exchange, mine: Reading, theirs: Reading, rows: Sequence[Row]
) -> list[Difference]:
    """At most one difference: reads merged (with the delay that causes), reads cut, or a delay alone."""
    if not (a.timing_known and b.timing_known):
        return []
    delay = _Delay(mine, theirs, rows, _before_asking(a, b))
    reads, now = mine.reads, theirs.reads
    if reads >= _MIN_READS and now * _MERGED <= reads and _comparable(mine, theirs):
        words = f"merged {number_of(reads, 'read')} into {now}"
        if delay.worst >= MIN_DELAY_US:
            words += f", which {delay.words()}"
        pairs = delay.pairs() if delay.worst >= MIN_DELAY_US else ()
        return [Difference(Kind.READS_MERGED, severity_of(Kind.READS_MERGED), words, pairs=pairs, amount=reads)]
    found = []
    if now >= _MIN_READS and reads and now >= reads * _SPLIT and _comparable(mine, theirs):
        words = f"cut {number_of(reads, 'read')} into {now}"
        found.append(Difference(Kind.READS_SPLIT, severity_of(Kind.READS_SPLIT), words, amount=now))
    if delay.worst >= MIN_DELAY_US:
        words = delay.words()
        found.append(
            Difference(Kind.DELAYED, severity_of(Kind.DELAYED), words, pairs=delay.pairs(), amount=delay.worst)
        )
    return found


def reading_on(a: Exchange, b: Exchange, mine: Reading, rows: Sequence[Row]) -> list[Difference]:
    """At most one difference: b's client left, and events of a came so long after that b had not let go of a."""
    left_us = _left_us(a, b, rows)
    if left_us is None:
        return []
    late = [one for one in mine.items if one.offset_us is not None and one.offset_us >= left_us + MIN_DELAY_US]
    if not late:
        return []
    span = seconds((late[-1].offset_us or 0) - left_us)
    words = f"read on for {span} after its client had left: {number_of(len(late), 'event')} for nobody"
    pairs = (Pair(spot(late[0]), None),)
    return [Difference(Kind.READ_ON, severity_of(Kind.READ_ON), words, pairs=pairs, amount=len(late))]


def _left_us(a: Exchange, b: Exchange, rows: Sequence[Row]) -> int | None:
    """When b's client left, from a's request on; None where it stayed, or where the two are of other conversations.

    By the clock, and not before the event that came last on both sides would say: two recorders' clocks differ.
    """
    asked, came = began_us(a), began_us(b)
    if b.ending is not Ending.CLIENT_LEFT or b.end_us is None or asked is None or came is None or a.tap == b.tap:
        return None
    if not 0 <= asked - came <= b.end_us:
        return None
    both = [(row.a_offset_us, row.b_offset_us) for row in rows]
    behind = (one + b.end_us - other for one, other in reversed(both) if one is not None and other is not None)
    return max(came + b.end_us - asked, next(behind, 0))


def _comparable(mine: Reading, theirs: Reading) -> bool:
    """Whether about as many events came through; where they did not, reads say nothing."""
    return 2 * len(theirs.items) > len(mine.items) and len(theirs.items) < 2 * max(1, len(mine.items))


def _before_asking(a: Exchange, b: Exchange) -> int:
    """How long the hop had the request before it asked, where the two are of one conversation; else 0."""
    asked, came = began_us(a), began_us(b)
    if asked is None or came is None or a.tap == b.tap:
        return 0
    return asked - came if 0 <= asked - came <= (b.end_us or 0) else 0


class _Delay:
    """How much later than a's, each counted from its own request, the events of b arrived."""

    def __init__(self, mine: Reading, theirs: Reading, rows: Sequence[Row], before_us: int) -> None:
        self.first = 0
        self._before = before_us
        self.worst = 0
        self._opening: Pair | None = None  # the first event that both have
        self._latest: Pair | None = None
        self._at = 0
        base: int | None = None
        for row in rows:
            if row.a_offset_us is None or row.b_offset_us is None or row.relation is Relation.MOVED:
                continue
            added = row.b_offset_us - row.a_offset_us
            here = Pair(spot(mine.items[row.a_start]), spot(theirs.items[row.b_start]))
            if base is None:
                self.first, self._opening = added, here
                base = added if added < MIN_DELAY_US else 0
            if added - base > self.worst:
                self.worst, self._at, self._latest = added - base, row.a_start, here

    @property
    def _grows(self) -> bool:
        """Whether some event was later still than the first, which was late already."""
        return self.first >= MIN_DELAY_US and self.worst - self.first >= MIN_DELAY_US

    def pairs(self) -> tuple[Pair, ...]:
        """The late events that `words` speaks of, and no other."""
        told = [self._opening] if self.first >= MIN_DELAY_US else [self._latest]
        told += [self._latest] if self._grows else []
        return tuple(pair for pair in told if pair is not None)

    def words(self) -> str:
        """The delay in words."""
        if self.first >= MIN_DELAY_US:
            words = f"added {seconds(self.first)} to the first event"
            if 2 * self._before > self.first:
                words += f" ({seconds(self._before)} of it before it asked)"
            if self._grows:
                words += f", {seconds(self.worst)} by event {self._at}"
            return words
        return f"held events back, event {self._at} for {seconds(self.worst)}"
