"""What a hop did: two recordings of one conversation, in front of it and behind it, compared.

`compare_exchanges(a, b)` aligns the events of both (comparing/alignment.py), says what differs in them
(comparing/differences.py), in the message around them and in time, and names who did it (comparing/verdict.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from streamlab.comparing.alignment import align
from streamlab.comparing.answers import answer_differences, without_calls
from streamlab.comparing.asked import request_differences
from streamlab.comparing.carried import answers_of, facts_of
from streamlab.comparing.comparison import (
    ABSENT,
    ComparedSide,
    Comparison,
    Difference,
    Kind,
    Pair,
    Relation,
    Row,
    severity_of,
)
from streamlab.comparing.delivery import delivery_differences, reading_on
from streamlab.comparing.differences import Differences, Gathered, spot
from streamlab.comparing.member_changes import trait_of
from streamlab.comparing.parity import request_body
from streamlab.comparing.reading import EMPTY, Item, Reading, read_both
from streamlab.comparing.verdict import faults, verdict
from streamlab.comparing.wording import number_of, shown
from streamlab.exchange import Ending, Exchange
from streamlab.judging.analyzer import analyze
from streamlab.judging.report import Report
from streamlab.rules.finding import Repairability, Severity
from streamlab.wire import reading
from streamlab.wire.payload import JsonObject
from streamlab.wire.visible import visible

#: An ending that says nothing about the hop: the client went, or we stopped.
_NOT_ITS_DOING = (Ending.CLIENT_LEFT, Ending.INTERRUPTED)


@dataclass(frozen=True, slots=True)
class Names:
    """What the two sides are called in the verdict."""

    a: str
    b: str


def compare_exchanges(
    a: Exchange,
    b: Exchange,
    *,
    names: Names | None = None,
    reports: tuple[Report, Report] | None = None,
) -> Comparison:
    """What the hop between ``a`` (nearer to the model) and ``b`` (nearer to the client) did.

    ``reports`` are their analyses, made here when not given. Never raises; memory follows the two bodies, and events
    beyond `compared.MAX_EVENTS` are said not to be compared.
    """
    names = names or names_of(a, b)
    report_a, report_b = reports or (analyze(a), analyze(b))
    mine, theirs = read_both(a, b)
    told = _without_torn_off(b, mine.items, theirs.items)
    rows = _aligned(mine, theirs, told)
    # Where it is safe to repair, the end is told on the wire in another way: nothing was cut.
    faults_a = faults(report_a)
    ended = {rule for rule, one in faults_a.items() if one.repairability is Repairability.SAFE}
    unfinished = "unfinished" in facts_of(faults_a.keys() - ended) - facts_of(faults(report_b))
    found = _Comparing(a, b, mine, theirs, rows, unfinished=unfinished).differences()
    for at in range(len(told), len(theirs.items)):
        end = len(mine.items)
        rows.append(Row(Relation.ADDED, end, end, at, at + 1, None, theirs.items[at].offset_us))
    ordered = tuple(sorted(found, key=lambda one: (one.severity.rank, _first_event(one))))
    return Comparison(
        _side(a, mine, names.a),
        _side(b, theirs, names.b),
        tuple(rows),
        ordered,
        verdict(names.a, names.b, ordered, report_a, report_b, answers_of(a, b, mine.items, told)),
        report_a,
        report_b,
    )


def _aligned(mine: Reading, theirs: Reading, told: list[Item]) -> list[Row]:
    """Rows of both. A stream beside a whole answer is one row; translated events are found again by their text."""
    a, b = mine.items, told
    if a and b and [item.kind for item in a] != [item.kind for item in b]:
        for one, relation in ((b, Relation.MERGED), (a, Relation.SPLIT)):
            if [item.kind for item in one] == ["whole"]:
                return [Row(relation, 0, len(a), 0, len(b), a[-1].offset_us, b[-1].offset_us)]
    if mine.foreign or theirs.foreign:
        a, b = ([_by_text(item, side) for item in one] for one, side in ((a, "a"), (b, "b")))
    return align(a, b)


def _by_text(item: Item, side: str) -> Item:
    """An event of translated streams for their alignment: by its text, and where it means nothing, like none of the
    other stream: they would be anchors between which texts that were cut otherwise do not meet."""
    if item.texts:
        return replace(item, tags=())
    return replace(item, tags=(f"{EMPTY} {side}",)) if item.tags == (EMPTY,) else item


def _without_torn_off(b: Exchange, mine: Sequence[Item], theirs: list[Item]) -> list[Item]:
    """The events of b without a last one that was cut in the middle: that is no event but the place of the cut."""
    if b.ending is Ending.COMPLETE or not theirs or theirs[-1].sse.terminated:
        return theirs
    if mine and mine[-1].sse.raw == theirs[-1].sse.raw:
        return theirs
    return theirs[:-1]


def names_of(a: Exchange, b: Exchange) -> Names:
    """Taps where they tell the two apart, else the letters."""
    if a.tap and b.tap and a.tap != b.tap:
        return Names(visible(a.tap, 60), visible(b.tap, 60))
    return Names("A", "B")


def _says_something(item: Item) -> bool:
    """Whether an event adds to the answer or ends it; usage and ``[DONE]`` do neither."""
    return bool(item.texts) or item.kind == "error" or any(tag.startswith("finish_reason") for tag in item.tags)


def _first_event(one: Difference) -> int:
    if not one.pairs:
        return -1
    at = one.pairs[0].a or one.pairs[0].b
    return at.event if at is not None else -1


def _side(exchange: Exchange, reading: Reading, name: str) -> ComparedSide:
    return ComparedSide(
        name,
        exchange.id,
        exchange.head.status if exchange.head is not None else None,
        exchange.ending,
        len(reading.items),
        reading.characters,
        reading.reads,
        reading.bytes,
        reading.first_text_us,
        exchange.end_us,
    )


class _Comparing:
    """One comparison. What concerns the whole is found first, and its share of the rows is not said again."""

    def __init__(
        self, a: Exchange, b: Exchange, mine: Reading, theirs: Reading, rows: Sequence[Row], *, unfinished: bool
    ) -> None:
        self._a = a
        self._b = b
        self._mine = mine
        self._theirs = theirs
        self._rows = rows
        self._unfinished = unfinished  # rules say so of a, and not of b
        self._whole: list[Difference] = []

    def differences(self) -> list[Difference]:
        self._heads()
        rows = self._without_lost_end(self._without_all_lost(list(self._rows)))
        self._endings()
        foreign = self._mine.foreign or self._theirs.foreign
        mine, theirs = self._mine.items, self._theirs.items
        if foreign:
            mine, theirs = without_calls(mine), without_calls(theirs)
        events = Differences(mine, theirs, foreign=foreign)
        events.rows(rows)
        if foreign and Kind.CUT_SHORT not in {one.kind for one in self._whole}:
            events.whole_texts()
            events.finishes()
            self._answers()
        gathered = self._masked(events.gathered())
        for one in gathered:
            self._settle_severity(one)
        if not (self._mine.complete and self._theirs.complete):
            self._say(Kind.NOT_COMPARED, "sent more events than can be compared; the rest was left out")
        found = [*self._whole, *(one.finished() for one in gathered)]
        found += request_differences(self._a, self._b)
        found += reading_on(self._a, self._b, self._mine, self._rows)
        return [*found, *delivery_differences(self._a, self._b, self._mine, self._theirs, self._rows)]

    def _say(self, kind: Kind, message: str, severity: Severity | None = None, **more: object) -> None:
        self._whole.append(Difference(kind, severity or severity_of(kind), message, **more))  # type: ignore[arg-type]

    def _settle_severity(self, one: Gathered) -> None:
        """What is a gateway's good right is no fault of it."""
        asked_a, asked_b = request_body(self._a), request_body(self._b)
        repairs_end = one.kind is Kind.DONE_ADDED and self._a.ending is Ending.COMPLETE and self._finished()
        names_as_asked = one.kind is Kind.MODEL_CHANGED and one.b_value == asked_b.get("model") is not None
        own_usage = one.kind is Kind.EVENT_LOST and one.path == "usage"
        own_usage = own_usage and _wants_usage(asked_a) and not _wants_usage(asked_b)
        if own_usage:
            one.detail, one.trait = "usage, which it had asked for itself", ""
        reports_cut = one.kind is Kind.ERROR_ADDED and self._a.ending is not Ending.COMPLETE
        collapsed = one.kind is Kind.EVENTS_MERGED and one.detail == "whole" and not asked_b.get("stream")
        if repairs_end or names_as_asked or own_usage or reports_cut or collapsed:
            one.severity = Severity.INFO

    def _finished(self) -> bool:
        return any(tag.startswith("finish_reason") for item in self._mine.items for tag in item.tags)

    # -- the message around the stream ---------------------------------------------------------------------------------

    def _heads(self) -> None:
        mine, theirs = self._a.head, self._b.head
        was = mine.status if mine is not None else None
        now = theirs.status if theirs is not None else None
        if was != now and not (theirs is None and self._b.ending in _NOT_ITS_DOING):
            told = f"HTTP {was}" if was is not None else f"no answer ({self._a.ending})"
            became = f"HTTP {now}" if now is not None else f"no answer ({self._b.ending})"
            severity = Severity.INFO if self._failure_reported() else None
            self._say(Kind.STATUS_CHANGED, f"turned {told} into {became}", severity, a_value=was, b_value=now)
        if mine is None or theirs is None:
            return
        types = [_media_type(head.header("content-type")) for head in (mine, theirs)]
        if types[0] != types[1]:
            words = f"changed the content type from {shown(types[0])} to {shown(types[1])}"
            failed = (mine.status >= 400 and theirs.status >= 400) or self._failure_reported()
            severity = Severity.INFO if failed or self._mine.foreign else None
            self._say(Kind.CONTENT_TYPE_CHANGED, words, severity, a_value=types[0], b_value=types[1])

    # -- what is missing on a large scale ------------------------------------------------------------------------------

    def _without_all_lost(self, rows: list[Row]) -> list[Row]:
        """When nothing of what the model said came through, that is one thing to say."""
        said = [item for item in self._mine.items if item.kind not in ("comment", "done", "error")]
        heard = [item for item in self._theirs.items if item.kind not in ("comment", "done", "error")]
        if not said or heard or self._b.ending in _NOT_ITS_DOING:
            return rows
        characters = sum(item.characters for item in said)
        words = f"lost everything: {number_of(len(said), 'event')} with {number_of(characters, 'character')}"
        trait = trait_of(said, [])
        pair = Pair(spot(said[0]), None)
        severity = Severity.INFO if self._failure_reported() else None
        words = f"{words}: {trait}" if trait else words
        self._say(Kind.ALL_LOST, words, severity, pairs=(pair,), amount=characters)
        return [row for row in rows if row.relation is not Relation.LOST or self._item(row).kind == "error"]

    def _failure_reported(self) -> bool:
        """Whether a broke off, or never answered, and b says so with an error status: the honest thing to do."""
        status = self._b.head.status if self._b.head is not None else 0
        broke = self._a.head is None or self._a.ending not in (Ending.COMPLETE, *_NOT_ITS_DOING)
        return broke and status >= 500

    def _without_lost_end(self, rows: list[Row]) -> list[Row]:
        """Everything lost behind the last event that came through is a cut, unless it is but one event."""
        last = max((at for at, row in enumerate(rows) if row.a_events and row.b_events), default=-1)
        tail = rows[last + 1 :]
        broke = self._b.ending is not Ending.COMPLETE

        def fits(row: Row) -> bool:  # an error that is swallowed is told as such
            return broke or self._item(row).kind != "error"

        lost = [row for row in tail if row.relation is Relation.LOST and fits(row)]
        if not lost or last < 0 or any(row.b_events for row in tail):
            return rows
        if self._b.ending in _NOT_ITS_DOING:
            return rows[: last + 1]
        if self._theirs.foreign and not broke and not any(map(_says_something, map(self._item, lost))):
            return rows[: last + 1]  # its protocol ends otherwise; usage is compared with the answers
        cut = broke and self._a.ending is Ending.COMPLETE
        if len(lost) < 2 and not cut:
            return rows
        self._cut_short([self._item(row) for row in lost], rows[last])
        return [*rows[: last + 1], *(row for row in tail if row.relation is not Relation.LOST or not fits(row))]

    def _item(self, row: Row) -> Item:
        return self._mine.items[row.a_start]

    def _cut_short(self, lost: list[Item], last: Row) -> None:
        characters = sum(item.characters for item in lost)
        parts = [number_of(len(lost), "event"), number_of(characters, "character")]
        tags = [tag for item in lost for tag in item.tags if tag.startswith("finish_reason")]
        parts += ["finish_reason"] if tags else []
        parts += ["[DONE]"] if any(item.kind == "done" for item in lost) else []
        how = "" if self._b.ending is Ending.COMPLETE else f" ({self._b.ending})"
        trait = trait_of(lost, self._mine.items[: lost[0].number])
        words = f"stopped after event {last.a_stop - 1}{how}: {', '.join(parts)} missing"
        pair = Pair(spot(lost[0]), None)
        self._say(Kind.CUT_SHORT, f"{words}; {trait}" if trait else words, pairs=(pair,), amount=characters)

    def _answers(self) -> None:
        """Calls and usage of answers whose protocol was translated, where the answer came through at all."""
        said = {one.kind for one in self._whole}
        if Kind.ALL_LOST in said or self._b.ending in _NOT_ITS_DOING:
            return
        usage = self._theirs.foreign or _wants_usage(request_body(self._b))
        self._whole += answer_differences(self._mine.items, self._theirs.items, usage=usage)

    # -- how it ended --------------------------------------------------------------------------------------------------

    def _endings(self) -> None:
        a, b = self._a.ending, self._b.ending
        said = {one.kind for one in self._whole}
        if a is b or b in _NOT_ITS_DOING or self._b.head is None:
            return
        if a is Ending.COMPLETE and Kind.CUT_SHORT not in said:
            self._say(Kind.CUT_SHORT, f"broke off behind the last event ({b}) instead of ending properly")

    def _masked(self, gathered: list[Gathered]) -> list[Gathered]:
        """What is left to say where a has no end and b ends as if whole: the end that b made is told with it."""
        a = self._a.ending
        done = any(item.kind == "done" for item in self._mine.items)
        cut = a is not Ending.COMPLETE or self._unfinished
        if not cut or done or self._b.ending is not Ending.COMPLETE or self._told_of_failure():
            return gathered
        made = [one for one in gathered if _is_end_made(one)]
        if a is Ending.COMPLETE and not made:
            return gathered
        ends = [f"finish_reason {shown(one.b_value)}" for one in made if one.kind is Kind.FINISH_REASON_CHANGED]
        ends += [visible(one.detail, 60) for one in made if one.kind is Kind.EVENT_ADDED]
        ends += ["[DONE]"] if any(one.kind is Kind.DONE_ADDED for one in made) else []
        its = f"{' and '.join(ends)} {'is' if len(ends) == 1 else 'are'} its own" if ends else ""
        pairs = tuple(pair for one in made for pair in one.pairs[:1])
        if a is Ending.CLIENT_LEFT:
            words = "stopped reading before the end, and ended the stream as if it were whole"
            self._say(Kind.HUNG_UP_EARLY, f"{words} ({its})" if its else words, pairs=pairs)
        else:
            how = "ended without an end to its answer" if a is Ending.COMPLETE else f"broke off ({a})"
            words = f"hid that the stream {how}: {its or 'it ends as if it were whole'}"
            self._say(Kind.CUT_MASKED, words, pairs=pairs, a_value=str(a), b_value=str(self._b.ending))
        return [one for one in gathered if one not in made]

    def _told_of_failure(self) -> bool:
        """Whether b says in its own way that something went wrong."""
        head = self._b.head
        errors = [item for item in self._theirs.items if item.kind == "error"]
        return head is None or head.status >= 400 or bool(errors)


def _is_end_made(one: Gathered) -> bool:
    """Whether a difference is an end that a did not have: a finish reason, or the end of the stream."""
    if one.kind is Kind.FINISH_REASON_CHANGED:
        return one.a_value in (None, ABSENT)
    finishes = one.kind is Kind.EVENT_ADDED and (one.path or "").endswith(".finish_reason")
    return finishes or one.kind is Kind.DONE_ADDED


def _wants_usage(body: JsonObject) -> bool:
    return bool(reading.as_object(body.get("stream_options")).get("include_usage"))


def _media_type(value: str | None) -> str | None:
    return value.partition(";")[0].strip().lower() if value is not None else None
