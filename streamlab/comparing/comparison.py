"""What a comparison of two exchanges says: a `Comparison`, plain data for every screen and format.

Exchange *a* is the one nearer to the model, *b* the one nearer to the client; what differs was done by the hop between
them. Messages are verb phrases with that hop as their subject ("lost 212 characters after event 9").
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from streamlab.exchange import Ending
from streamlab.judging.report import Report
from streamlab.rules.finding import Severity


class Absent:
    """What stands where a member does not."""

    def __repr__(self) -> str:
        return "nothing"


ABSENT = Absent()


class Relation(StrEnum):
    """How the events of one row stand to each other."""

    SAME = "same"  # one event each, byte for byte
    CHANGED = "changed"  # one event each, not the same bytes
    LOST = "lost"  # only in a
    ADDED = "added"  # only in b
    MERGED = "merged"  # several of a are one of b
    SPLIT = "split"  # one of a is several of b
    REGROUPED = "regrouped"  # the same text cut in other places
    TORN = "torn"  # one event of several lines became an event a line
    MOVED = "moved"  # in both, elsewhere; the other place has a row of its own
    REPEATED = "repeated"  # b has it once more


@dataclass(frozen=True, slots=True)
class Row:
    """Aligned events: numbers ``a_start`` to ``a_stop`` (exclusive) of a, and the same of b; a side may be empty.

    Times are when the last event of the row had arrived, in microseconds since that exchange's own request.
    """

    relation: Relation
    a_start: int
    a_stop: int
    b_start: int
    b_stop: int
    a_offset_us: int | None = None
    b_offset_us: int | None = None

    @property
    def a_events(self) -> range:
        """Event numbers in a."""
        return range(self.a_start, self.a_stop)

    @property
    def b_events(self) -> range:
        """Event numbers in b."""
        return range(self.b_start, self.b_stop)


class Kind(StrEnum):
    """What a hop can do to a stream."""

    # the request and the message around the stream
    REQUEST_CHANGED = "request-changed"
    STATUS_CHANGED = "status-changed"
    CONTENT_TYPE_CHANGED = "content-type-changed"
    ALL_LOST = "all-lost"
    CUT_SHORT = "cut-short"  # the end is missing
    CUT_MASKED = "cut-masked"  # a broke off, b ends as if it were whole
    HUNG_UP_EARLY = "hung-up-early"  # b stopped reading a, and ends as if it were whole
    READ_ON = "read-on"  # b's client left, and b went on reading a
    # text
    TEXT_LOST = "text-lost"
    TEXT_ADDED = "text-added"
    TEXT_CHANGED = "text-changed"
    # whole events
    EVENT_LOST = "event-lost"
    EVENT_ADDED = "event-added"
    EVENT_REPEATED = "event-repeated"
    EVENTS_REORDERED = "events-reordered"
    EVENTS_MERGED = "events-merged"
    EVENTS_SPLIT = "events-split"
    EVENTS_REGROUPED = "events-regrouped"
    EVENT_TORN = "event-torn"
    EVENT_GARBLED = "event-garbled"  # JSON on one side only
    ERROR_SWALLOWED = "error-swallowed"
    ERROR_ADDED = "error-added"
    ERROR_REPORTED = "error-reported"  # what no client can read became an error event
    DONE_LOST = "done-lost"
    DONE_ADDED = "done-added"
    DONE_REPEATED = "done-repeated"
    COMMENT_LOST = "comment-lost"
    COMMENT_ADDED = "comment-added"
    # answers whose protocol was translated
    CALL_LOST = "call-lost"
    CALL_ADDED = "call-added"
    CALL_CHANGED = "call-changed"
    CALLS_MERGED = "calls-merged"
    CALLS_REORDERED = "calls-reordered"
    USAGE_LOST = "usage-lost"
    # members of a chunk
    FINISH_REASON_CHANGED = "finish-reason-changed"
    ID_CHANGED = "id-changed"
    CREATED_CHANGED = "created-changed"
    MODEL_CHANGED = "model-changed"
    TOOL_CALL_ID_CHANGED = "tool-call-id-changed"
    USAGE_CHANGED = "usage-changed"
    MEMBER_CHANGED = "member-changed"
    MEMBER_LOST = "member-lost"
    MEMBER_ADDED = "member-added"
    NULL_DROPPED = "null-dropped"
    NULL_ADDED = "null-added"
    # bytes and time
    FRAMING_CHANGED = "framing-changed"
    JSON_REWRITTEN = "json-rewritten"
    READS_MERGED = "reads-merged"
    READS_SPLIT = "reads-split"
    DELAYED = "delayed"
    # the comparison itself
    NOT_COMPARED = "not-compared"


_ERRORS = {
    Kind.STATUS_CHANGED, Kind.ALL_LOST, Kind.CUT_SHORT, Kind.CUT_MASKED, Kind.HUNG_UP_EARLY, Kind.TEXT_LOST,
    Kind.TEXT_ADDED, Kind.TEXT_CHANGED, Kind.EVENT_REPEATED, Kind.EVENTS_REORDERED, Kind.EVENT_TORN,
    Kind.EVENT_GARBLED, Kind.ERROR_SWALLOWED, Kind.FINISH_REASON_CHANGED, Kind.CALL_LOST, Kind.CALL_ADDED,
    Kind.CALL_CHANGED, Kind.CALLS_MERGED, Kind.CALLS_REORDERED,
}  # fmt: skip
_INFOS = {
    Kind.COMMENT_LOST, Kind.COMMENT_ADDED, Kind.ID_CHANGED, Kind.CREATED_CHANGED, Kind.NULL_DROPPED, Kind.NULL_ADDED,
    Kind.FRAMING_CHANGED, Kind.JSON_REWRITTEN, Kind.READS_SPLIT, Kind.EVENTS_SPLIT, Kind.MEMBER_ADDED,
    Kind.NOT_COMPARED, Kind.ERROR_REPORTED, Kind.REQUEST_CHANGED,
}  # fmt: skip


def severity_of(kind: Kind) -> Severity:
    """How grave it is that a hop does this, unless the place makes it graver."""
    return Severity.ERROR if kind in _ERRORS else Severity.INFO if kind in _INFOS else Severity.WARNING


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in one exchange: an event, its bytes in the (decoded) body, when it had arrived."""

    event: int
    span: tuple[int, int]
    offset_us: int | None = None


@dataclass(frozen=True, slots=True)
class Pair:
    """One place of a difference, in both exchanges; None where a side has nothing there."""

    a: Spot | None
    b: Spot | None


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing the hop did, everywhere it did it: ``count`` times, ``pairs`` are the first `MAX_PAIRS` places.

    ``path`` names a JSON member; ``a_value`` and ``b_value`` are what stood there at the first place, None where the
    member is missing. ``amount`` is a size: characters lost, microseconds added, reads.
    """

    kind: Kind
    severity: Severity
    message: str
    count: int = 1
    pairs: tuple[Pair, ...] = ()
    path: str | None = None
    a_value: Any = None
    b_value: Any = None
    amount: int | None = None


#: Places remembered for one difference.
MAX_PAIRS = 100


@dataclass(frozen=True, slots=True)
class ComparedSide:
    """One of the two exchanges, in numbers. ``name`` is the tap, or what the caller calls it."""

    name: str
    id: int | None
    status: int | None
    ending: Ending
    events: int
    characters: int
    reads: int
    bytes: int
    first_text_us: int | None
    end_us: int | None


class Blame(StrEnum):
    """Where what is wrong came from."""

    NOBODY = "nobody"
    A = "a"  # behind the hop: it was there already
    B = "b"  # the hop itself
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Who did it: in one line, and the lines that prove it. Rule names say what a client of each side would meet."""

    origin: Blame
    line: str
    details: tuple[str, ...] = ()
    introduced: tuple[str, ...] = ()  # rules that speak about b only
    passed_on: tuple[str, ...] = ()  # rules that speak about both
    repaired: tuple[str, ...] = ()  # rules that speak about a only
    worst: Severity | None = None  # of what rules say about b only


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two exchanges aligned. ``rows`` cover every event of both, in order; ``differences`` the gravest first."""

    a: ComparedSide
    b: ComparedSide
    rows: tuple[Row, ...]
    differences: tuple[Difference, ...]
    verdict: Verdict
    report_a: Report
    report_b: Report

    @property
    def faithful(self) -> bool:
        """Whether the hop did nothing at all."""
        return not self.differences

    def worst(self) -> Severity | None:
        """The gravest severity; None when there is no difference."""
        return worst(one.severity for one in self.differences)


def worst(severities: Iterable[Severity]) -> Severity | None:
    """The gravest of these; None of nothing."""
    return min(severities, key=lambda one: one.rank, default=None)
