"""What differs between aligned events, gathered so that one habit of a hop is one `Difference`, however often."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

from streamlab.comparing.comparison import (
    ABSENT,
    MAX_PAIRS,
    Difference,
    Kind,
    Pair,
    Relation,
    Row,
    Spot,
    severity_of,
)
from streamlab.comparing.ends import error_in_words, finish_tags, finishes_of, same_word, told_finish
from streamlab.comparing.member_changes import frame_of, member_differences, member_kind, text_change, trait_of
from streamlab.comparing.reading import Item, Texts, texts_of
from streamlab.comparing.whole_texts import TEXT_KINDS, partings
from streamlab.comparing.wording import message
from streamlab.rules.finding import Severity
from streamlab.wire.payload import JsonObject
from streamlab.wire.sse import ServerSentEvent

#: Members of one pair of events that are told apart; more is a flood.
_MAX_MEMBERS = 200
#: Events of one protocol that are one of another without its being worth a word.
_CUTS = 8
#: Members of an envelope that merged events must still share.
_ENVELOPE = ("id", "created", "model", "object", "system_fingerprint", "service_tier")
_ONE_SIDED = {
    "done": (Kind.DONE_LOST, Kind.DONE_ADDED),
    "error": (Kind.ERROR_SWALLOWED, Kind.ERROR_ADDED),
    "comment": (Kind.COMMENT_LOST, Kind.COMMENT_ADDED),
}


@dataclass(slots=True)
class Gathered:
    """One difference while it grows. ``traits`` are what all events it is about have in common."""

    kind: Kind
    path: str | None
    pairs: list[Pair] = field(default_factory=list)
    count: int = 0
    events: int = 0
    amount: int = 0
    a_value: Any = None
    b_value: Any = None
    detail: str = ""
    what: str = ""  # which text it is, where it is not the answer's own
    trait: str = ""
    last: int = -1  # the event that was noted last
    severity: Severity | None = None

    def finished(self) -> Difference:
        """As it is reported."""
        return Difference(
            self.kind,
            self.severity or severity_of(self.kind),
            message(self),
            self.count,
            tuple(self.pairs),
            self.path,
            None if self.a_value is ABSENT else self.a_value,
            None if self.b_value is ABSENT else self.b_value,
            self.amount or None,
        )


class Differences:
    """Gathers what rows of an alignment differ in. ``foreign``: a was translated, so only meaning is compared."""

    def __init__(self, a: Sequence[Item], b: Sequence[Item], *, foreign: bool) -> None:
        self._a = a
        self._b = b
        self._foreign = foreign
        self._found: dict[tuple[Kind, str | None], Gathered] = {}
        self._lost: list[int] = []
        self._told: set[int] = set()  # errors of a that b reports

    def gathered(self) -> list[Gathered]:
        """Everything so far, in the order of first places."""
        for one in self._found.values():
            if one.kind in (Kind.TEXT_LOST, Kind.EVENT_LOST, Kind.ALL_LOST):
                one.trait = trait_of([self._a[at] for at in self._lost], self._kept())
        return list(self._found.values())

    def _kept(self) -> list[Item]:
        gone = set(self._lost)
        return [item for item in self._a if item.number not in gone and item.kind != "comment"]

    def note(self, kind: Kind, pair: Pair | None = None, path: str | None = None, **more: Any) -> Gathered:
        """One more place of a difference; ``more`` sets members at the first place, amounts are added up."""
        found = self._found.get((kind, path))
        if found is None:
            found = self._found[kind, path] = Gathered(kind, path)
            for name in ("a_value", "b_value", "detail", "severity", "what"):
                if name in more:
                    setattr(found, name, more[name])
        found.count += 1
        found.events += more.get("events", 1)
        found.amount += more.get("amount", 0)
        if pair is not None and len(found.pairs) < MAX_PAIRS:
            found.pairs.append(pair)
        return found

    # -- rows ------------------------------------------------------------------------------------------------------

    def rows(self, rows: Sequence[Row]) -> None:
        """Gather from these rows; lost and added events that follow each other are one place."""
        before: Row | None = None
        errors = self._errors_told(rows)
        for row, after in zip_longest(rows, rows[1:]):
            if row.relation is Relation.SAME or row in errors:
                pass
            elif self._reported(row, after) or (before is not None and self._reported(before, row)):
                if row.relation is Relation.LOST and after is not None:
                    self.note(Kind.ERROR_REPORTED, Pair(spot(self._a[row.a_start]), spot(self._b[after.b_start])))
            elif row.relation in (Relation.LOST, Relation.ADDED):
                self._one_sided(row, before)
            elif row.relation is Relation.REPEATED:
                self._repeated(row)
            elif row.relation is Relation.MOVED:
                self._moved(row)
            elif row.relation is Relation.CHANGED:
                self._changed(self._a[row.a_start], self._b[row.b_start])
            else:
                self._regrouped(row)
            before = row

    def _errors_told(self, rows: Sequence[Row]) -> set[Row]:
        """Rows of errors that b reports in words or in a place of its own: neither swallowed nor added."""
        lost = [row for row in rows if row.relation is Relation.LOST and self._a[row.a_start].kind == "error"]
        added = [row for row in rows if row.relation is Relation.ADDED and self._b[row.b_start].kind == "error"]
        pairs = list(zip(lost, added, strict=False))
        for mine, theirs in pairs:
            self._error_told(self._a[mine.a_start], self._b[theirs.b_start])
        return {row for pair in pairs for row in pair}

    def _error_told(self, a: Item, b: Item) -> None:
        self._told.add(a.number)
        was, now = error_in_words(a), error_in_words(b)
        self.note(Kind.ERROR_REPORTED, Pair(spot(a), spot(b)), a_value=was, b_value=now, detail="error")

    def _reported(self, row: Row, after: Row | None) -> bool:
        """Whether an event that is no JSON was lost, and an error event stands in its place."""
        return (
            after is not None
            and (row.relation, after.relation) == (Relation.LOST, Relation.ADDED)
            and self._a[row.a_start].kind == "undecodable"
            and self._b[after.b_start].kind == "error"
        )

    def _one_sided(self, row: Row, before: Row | None) -> None:
        lost = row.relation is Relation.LOST
        item = self._a[row.a_start] if lost else self._b[row.b_start]
        kinds = _ONE_SIDED.get(item.kind)
        if lost and item.kind == "error" and self._foreign and told_finish(finish_tags(item)):
            return  # the last word of the stream: `finishes` tells what became of it
        if kinds is None:
            kinds = (Kind.TEXT_LOST, Kind.TEXT_ADDED) if item.texts else (Kind.EVENT_LOST, Kind.EVENT_ADDED)
        if self._foreign and not item.texts and item.kind not in ("error", "undecodable"):
            return  # how an event of one protocol is spread over events of another is the gateway's choice
        if lost and not item.sse.terminated:
            return  # a broke off in the middle of it, so it was no event yet
        if lost:
            self._lost.append(row.a_start)
        pair = Pair(spot(item), None) if lost else Pair(None, spot(item))
        kind = kinds[0] if lost else kinds[1]
        path = None if item.texts or item.kind in _ONE_SIDED else _member_told(item)
        found = self._found.get((kind, path))
        goes_on = before is not None and before.relation is row.relation and found is not None
        if goes_on and found is not None and found.last == item.number - 1:
            found.pairs[-1] = _widened(found.pairs[-1], item, lost=lost)
            found.amount += item.characters
            found.events += 1
            found.last = item.number
            return
        severity = _severity_of_textless(item, path) if lost and not item.texts else None
        more = {"detail": told(item), "what": _what(item.texts), "severity": severity}
        self.note(kind, pair, path, amount=item.characters, **more).last = item.number

    def _repeated(self, row: Row) -> None:
        item = self._b[row.b_start]
        if self._foreign and not item.texts and item.kind not in ("error", "undecodable"):
            return  # a start or a stop of a block is like any other
        kind = Kind.DONE_REPEATED if item.kind == "done" else Kind.EVENT_REPEATED
        self.note(kind, Pair(None, spot(item)), detail=told(item))

    def _moved(self, row: Row) -> None:
        if row.a_events and not (self._foreign and not self._a[row.a_start].texts):
            there = spot(self._b[row.b_start]) if row.b_events else None
            self.note(Kind.EVENTS_REORDERED, Pair(spot(self._a[row.a_start]), there))

    # -- events that stand for several -------------------------------------------------------------------------------

    def _regrouped(self, row: Row) -> None:
        a = [self._a[at] for at in row.a_events]
        b = [self._b[at] for at in row.b_events]
        pair = Pair(spot(a[0]), spot(b[0]))
        if row.relation is Relation.TORN:
            self.note(Kind.EVENT_TORN, pair, amount=len(b))
            return
        kind = {Relation.MERGED: Kind.EVENTS_MERGED, Relation.SPLIT: Kind.EVENTS_SPLIT}.get(
            row.relation, Kind.EVENTS_REGROUPED
        )
        whole = b[0].kind == "whole" or a[0].kind == "whole"
        if not self._foreign or whole or (len(b) == 1 and len(a) > _CUTS):
            detail = "whole" if whole else ""
            self.note(kind, pair, events=len(a), amount=len(b), detail=detail)
        if whole:
            self._whole(a, b, pair)
        elif not self._foreign:
            self._tags(a, b, pair)
            self._envelopes(a, b, pair)

    def _whole(self, a: list[Item], b: list[Item], pair: Pair) -> None:
        """A stream beside a whole answer: what a client holds at the end is compared."""
        mine, theirs = texts_of(a), texts_of(b)
        for lane in dict.fromkeys((*mine, *theirs)):
            if mine.get(lane, "") != theirs.get(lane, ""):
                self._texts(".".join(map(str, lane)), mine.get(lane, ""), theirs.get(lane, ""), pair)
        finishes = [[tag for item in one for tag in finish_tags(item)] for one in (a, b)]
        if finishes[0] != finishes[1]:
            was, now = (told_finish(one) for one in finishes)
            self.note(Kind.FINISH_REASON_CHANGED, pair, "choices[0].finish_reason", a_value=was, b_value=now)

    def whole_texts(self) -> None:
        """Of translated streams whose texts part in several ways by their events: where the whole texts part."""
        if len({kind for kind, _ in self._found if kind in TEXT_KINDS}) < 2:
            return
        self._found = {key: one for key, one in self._found.items() if key[0] not in TEXT_KINDS}
        for one in partings(self._a, self._b):
            kind, amount = text_change(one.gone, one.come)
            spots = (spot(at) if at else None for at in (one.a, one.b))
            more = {"what": _what(((one.lane, ""),)), "a_value": one.gone, "b_value": one.come}
            self.note(kind, Pair(*spots), amount=amount, detail="in", **more)

    def finishes(self) -> None:
        """Every finish_reason of both, choice by choice: for streams that were translated, wherever they stand."""
        mine = finishes_of([item for item in self._a if item.number not in self._told])
        theirs = finishes_of(self._b)
        for name in dict.fromkeys((*mine, *theirs)):
            ours, others = mine.get(name, []), theirs.get(name, [])
            path = name.replace("finish_reason", "choices") + ".finish_reason"
            for at in range(max(len(ours), len(others))):
                was, here = ours[at] if at < len(ours) else (None, None)
                now, there = others[at] if at < len(others) else (None, None)
                if was != now and not same_word(was, now, here):
                    pair = Pair(spot(here) if here else None, spot(there) if there else None)
                    self.note(Kind.FINISH_REASON_CHANGED, pair, path, a_value=was, b_value=now)

    def _tags(self, a: list[Item], b: list[Item], pair: Pair) -> None:
        mine = Counter(tag for item in a for tag in item.tags)
        theirs = Counter(tag for item in b for tag in item.tags)
        for tag in mine - theirs:
            self._tag(tag, pair, lost=True, other=theirs)
        for tag in theirs - mine:
            self._tag(tag, pair, lost=False, other=mine)

    def _tag(self, tag: str, pair: Pair, *, lost: bool, other: Counter[str]) -> None:
        name, _, value = tag.partition("=")
        if name.startswith("finish_reason"):
            path = name.replace("finish_reason", "choices") + ".finish_reason"
            if lost:
                there = next((one.partition("=")[2] for one in other if one.startswith(name)), None)
                self.note(Kind.FINISH_REASON_CHANGED, pair, path, a_value=value, b_value=there)
            elif not any(one.startswith(name) for one in other):
                self.note(Kind.FINISH_REASON_CHANGED, pair, path, a_value=None, b_value=value)
        elif name in _ONE_SIDED:
            self.note(_ONE_SIDED[name][0 if lost else 1], pair, detail=name)

    def _envelopes(self, a: list[Item], b: list[Item], pair: Pair) -> None:
        for name in _ENVELOPE:
            mine = [value[name] for item in a for value in item.values() if name in value]
            theirs = [value[name] for item in b for value in item.values() if name in value]
            if theirs and any(value not in mine for value in theirs):
                self._member(name, mine[0] if mine else ABSENT, theirs[0], pair)

    # -- one event each ----------------------------------------------------------------------------------------------

    def _changed(self, a: Item, b: Item) -> None:
        pair = Pair(spot(a), spot(b))
        if a.kind == b.kind == "error" and a.sse.data != b.sse.data:
            self._error_told(a, b)
            return
        if self._foreign:
            self._text_lanes(a, b, pair)
            return
        mine, theirs = a.values(), b.values()
        if a.sse.data == b.sse.data:
            self._framing(a.sse, b.sse, pair)
        elif mine and theirs:
            if not self._members(mine[0], theirs[0], pair):
                self.note(Kind.JSON_REWRITTEN, pair)
            if "whole" not in (a.kind, b.kind):
                self._framing(a.sse, b.sse, pair)
        elif not mine and not theirs:
            self._texts("data", a.sse.text or "", b.sse.text or "", pair)
        else:
            self.note(Kind.EVENT_GARBLED, pair, detail="is JSON no more" if mine else "became JSON")

    def _text_lanes(self, a: Item, b: Item, pair: Pair) -> None:
        mine, theirs = dict(a.texts), dict(b.texts)
        for lane in dict.fromkeys((*mine, *theirs)):
            if mine.get(lane, "") != theirs.get(lane, ""):
                self._texts(".".join(map(str, lane)), mine.get(lane, ""), theirs.get(lane, ""), pair)

    def _texts(self, path: str, a: str, b: str, pair: Pair) -> None:
        kind, amount = text_change(a, b)
        found = self.note(kind, pair, amount=amount, a_value=a, b_value=b)
        found.detail = found.detail or "in"

    def _members(self, a: JsonObject, b: JsonObject, pair: Pair) -> bool:
        changed = False
        for number, (path, mine, theirs) in enumerate(member_differences(a, b)):
            if number >= _MAX_MEMBERS:
                break
            changed = True
            self._member(path, mine, theirs, pair)
        return changed

    def _member(self, path: str, a: Any, b: Any, pair: Pair) -> None:
        kind = member_kind(path, a, b)
        if kind is None:
            self._texts(path, a if isinstance(a, str) else "", b if isinstance(b, str) else "", pair)
        else:
            # Clients need the role once, and its absence everywhere is for the rules to tell.
            severity = Severity.INFO if path.endswith(".role") else None
            self.note(kind, pair, path, a_value=a, b_value=b, severity=severity)

    def _framing(self, a: ServerSentEvent, b: ServerSentEvent, pair: Pair) -> None:
        for comment in (Counter(a.comments) - Counter(b.comments)).elements():
            self.note(Kind.COMMENT_LOST, pair, detail=comment.decode("utf-8", "replace"))
        for comment in (Counter(b.comments) - Counter(a.comments)).elements():
            self.note(Kind.COMMENT_ADDED, pair, detail=comment.decode("utf-8", "replace"))
        mine, theirs = frame_of(a), frame_of(b)
        for name, was in mine.items():
            if was != theirs[name]:
                self.note(Kind.FRAMING_CHANGED, pair, name, a_value=was, b_value=theirs[name])


def spot(item: Item) -> Spot:
    """Where an event is."""
    return Spot(item.number, item.sse.span, item.offset_us)


def _severity_of_textless(item: Item, path: str | None) -> Severity | None:
    """The end of a choice is what clients wait for; an event that says nothing at all nobody misses."""
    if path is not None and path.endswith(".finish_reason"):
        return Severity.ERROR
    return Severity.INFO if item.tags == ("empty",) else None


def _member_told(item: Item) -> str | None:
    """The member that an event without text is there for; None when there is none."""
    for tag in item.tags:
        name = tag.partition("=")[0]
        if name.startswith("finish_reason"):
            return f"{name.replace('finish_reason', 'choices')}.finish_reason"
        if name.startswith("role"):
            return f"{name.replace('role', 'choices')}.delta.role"
        if name == "usage":
            return "usage"
    return None


def _what(texts: Texts) -> str:
    """Whose text this is, in words: "" for the answer itself."""
    lanes = {next((word for word in _LANES if word in lane), "content") for lane, _ in texts}
    return _LANES.get(lanes.pop(), "") if len(lanes) == 1 else ""


_LANES = {
    "call": " of a tool call",
    "function_call": " of a function call",
    "reasoning": " of reasoning",
    "refusal": " of the refusal",
}


def told(item: Item) -> str:
    """What an event without text says, in a word or two."""
    return ", ".join(tag.replace("[0]", "").replace("=", " ", 1) for tag in item.tags)


def _widened(pair: Pair, item: Item, *, lost: bool) -> Pair:
    """A place that goes on: its bytes reach to the end of this event's."""
    old = pair.a if lost else pair.b
    assert old is not None
    wide = Spot(old.event, (old.span[0], item.sse.span[1]), old.offset_us)
    return Pair(wide, None) if lost else Pair(None, wide)
