"""Which events of two exchanges belong together: by meaning, and by where their text lies in the whole text.

Cost is linear in the number of events where the streams agree but for few places, or tell the same text cut in other
places. Where they differ much, work is bounded: the search for the shortest edit is given up (sequences.py), and
what is left is matched by events that occur once, then by their outline.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence

from streamlab.comparing.comparison import Relation, Row
from streamlab.comparing.reading import Item, Lane, texts_of
from streamlab.comparing.sequences import shortest_edit, unique_runs

#: Events in which texts that parted are brought together again, and how much text must be the same.
_WINDOW, _PROBE, _MIN_PROBE = 500, 24, 4
#: Events in one place only, beyond which nothing is said to have moved: too much differs to tell.
_MAX_MOVES = 200

Items = Sequence[Item]
Block = tuple[int, int, int, int]  # a_start, a_stop, b_start, b_stop
Key = Callable[[Item], Hashable]


def align(a: Items, b: Items) -> list[Row]:
    """Rows that cover every event of both, in order."""
    rows = list(_Aligner(a, b).resolve((0, len(a), 0, len(b))))
    return [_row(a, b, relation, block) for relation, block in _with_moves(a, b, rows)]


def _row(a: Items, b: Items, relation: Relation, block: Block) -> Row:
    a_start, a_stop, b_start, b_stop = block
    return Row(
        relation,
        *block,
        a[a_stop - 1].offset_us if a_stop > a_start else None,
        b[b_stop - 1].offset_us if b_stop > b_start else None,
    )


def _meaning(item: Item) -> Hashable:
    return item.key


def _outline(item: Item) -> Hashable:
    return item.outline


class _Aligner:
    """Works on blocks: a range of a against a range of b."""

    def __init__(self, a: Items, b: Items) -> None:
        self._a = a
        self._b = b

    def resolve(self, block: Block) -> Iterator[tuple[Relation, Block]]:
        """The rows of a block: equal ends first, then what is between."""
        head, middle, tail = self._trimmed(block)
        yield from self._one_to_one(head)
        yield from self._between(middle)
        yield from self._one_to_one(tail)

    def _between(self, block: Block) -> Iterator[tuple[Relation, Block]]:
        a_start, a_stop, b_start, b_stop = block
        if a_start == a_stop or b_start == b_stop:
            yield from self._one_sided(block)
        elif self._same_text(block):
            yield from self._by_text(block)
        elif anchors := shortest_edit(self._keys(block, _meaning)):
            yield from self._anchored(block, anchors, self._gap)
        else:
            yield from self._anchored(block, unique_runs(self._keys(block, _meaning)), self._small_between)

    def _small_between(self, block: Block) -> Iterator[tuple[Relation, Block]]:
        """What lies between two runs that occur once: again by the shortest edit, but no deeper."""
        anchors = shortest_edit(self._keys(block, _meaning)) if not self._same_text(block) else []
        yield from self._anchored(block, anchors, self._gap)

    def _gap(self, block: Block) -> Iterator[tuple[Relation, Block]]:
        """A block in which no meaning is the same: torn events, text cut elsewhere, events that were changed."""
        head, (a_at, a_stop, b_at, b_stop), tail = self._trimmed(block)
        yield from self._one_to_one(head)
        for torn in self._torn((a_at, a_stop, b_at, b_stop)):
            yield from self._by_text((a_at, torn[0], b_at, torn[2]))
            yield Relation.TORN, torn
            _, a_at, _, b_at = torn
        yield from self._by_text((a_at, a_stop, b_at, b_stop))
        yield from self._one_to_one(tail)

    def _by_text(self, block: Block) -> Iterator[tuple[Relation, Block]]:
        """Rows of the same text cut in other places; where the texts part, they are brought together again."""
        while True:
            rows, rest = self._grouped(block)
            yield from rows
            a_at, a_stop, b_at, b_stop = rest
            if a_at == a_stop or b_at == b_stop:
                yield from self._one_sided(rest)
                return
            met = self._meeting(rest)
            if met is None:
                yield from self._by_outline(rest)
                return
            yield from self._by_outline((a_at, met[0], b_at, met[1]))
            block = (met[0], a_stop, met[1], b_stop)

    def _meeting(self, block: Block) -> tuple[int, int] | None:
        """The nearest pair of events, behind the first of the block, from which on the same text follows."""
        a_start, a_stop, b_start, b_stop = block
        lane = next((lane for item in self._a[a_start:a_stop] for lane, _ in item.texts), None)
        a_text, a_events = _lane_text(self._a, a_start, min(a_stop, a_start + _WINDOW), lane)
        b_text, b_events = _lane_text(self._b, b_start, min(b_stop, b_start + _WINDOW), lane)
        starts = dict(zip(a_events.values(), a_events, strict=True))
        for event, at in b_events.items():
            probe = b_text[at : at + _PROBE]
            if len(probe) < _MIN_PROBE:
                return None
            found = a_text.find(probe)
            while found >= 0 and found not in starts:
                found = a_text.find(probe, found + 1)
            if found >= 0 and (starts[found], event) != (a_start, b_start):
                return starts[found], event
        return None

    def _by_outline(self, block: Block) -> Iterator[tuple[Relation, Block]]:
        """The last resort: events of the same outline are one event that was changed."""
        a_start, a_stop, b_start, b_stop = block
        if a_start == a_stop or b_start == b_stop:
            yield from self._one_sided(block)
            return
        anchors = shortest_edit(self._keys(block, _outline)) or unique_runs(self._keys(block, _outline))
        yield from self._anchored(block, anchors, self._changed_or_not)

    def _changed_or_not(self, block: Block) -> Iterator[tuple[Relation, Block]]:
        """As many events on both sides, of the same kinds: they were changed. Else they were lost and added."""
        a_start, a_stop, b_start, b_stop = block
        pairs = zip(self._a[a_start:a_stop], self._b[b_start:b_stop], strict=False)
        if a_stop - a_start == b_stop - b_start and all(
            one.kind == other.kind and bool(one.texts) == bool(other.texts) for one, other in pairs
        ):
            yield from self._one_to_one(block)
        else:
            yield from self._one_sided(block)

    def _anchored(
        self, block: Block, anchors: list[tuple[int, int]], gap: Callable[[Block], Iterator[tuple[Relation, Block]]]
    ) -> Iterator[tuple[Relation, Block]]:
        a_at, a_stop, b_at, b_stop = block
        for a_next, b_next in anchors:
            yield from gap((a_at, a_next, b_at, b_next))
            yield from self._one_to_one((a_next, a_next + 1, b_next, b_next + 1))
            a_at, b_at = a_next + 1, b_next + 1
        yield from gap((a_at, a_stop, b_at, b_stop))

    def _keys(self, block: Block, key: Key) -> tuple[list[Hashable], list[Hashable], int, int]:
        a_start, a_stop, b_start, b_stop = block
        return (
            [key(one) for one in self._a[a_start:a_stop]],
            [key(one) for one in self._b[b_start:b_stop]],
            a_start,
            b_start,
        )

    # -- rows ------------------------------------------------------------------------------------------------------

    def _one_to_one(self, block: Block) -> Iterator[tuple[Relation, Block]]:
        a_start, a_stop, b_start, _ = block
        for step in range(a_stop - a_start):
            a_at, b_at = a_start + step, b_start + step
            same = self._a[a_at].sse.raw == self._b[b_at].sse.raw
            yield Relation.SAME if same else Relation.CHANGED, (a_at, a_at + 1, b_at, b_at + 1)

    def _one_sided(self, block: Block) -> Iterator[tuple[Relation, Block]]:
        a_start, a_stop, b_start, b_stop = block
        for at in range(a_start, a_stop):
            yield Relation.LOST, (at, at + 1, b_start, b_start)
        for at in range(b_start, b_stop):
            yield Relation.ADDED, (a_stop, a_stop, at, at + 1)

    def _trimmed(self, block: Block) -> tuple[Block, Block, Block]:
        """Equal ends: first what is equal byte for byte, so that of several that mean the same the right one goes."""
        a_start, a_stop, b_start, b_stop = block
        a_at, b_at, a_end, b_end = a_start, b_start, a_stop, b_stop
        for alike in (_same_bytes, _same_meaning):
            while a_at < a_end and b_at < b_end and alike(self._a[a_at], self._b[b_at]):
                a_at, b_at = a_at + 1, b_at + 1
            while a_end > a_at and b_end > b_at and alike(self._a[a_end - 1], self._b[b_end - 1]):
                a_end, b_end = a_end - 1, b_end - 1
        return (a_start, a_at, b_start, b_at), (a_at, a_end, b_at, b_end), (a_end, a_stop, b_end, b_stop)

    def _torn(self, block: Block) -> Iterator[Block]:
        """Events of a with several lines of data whose lines are events of their own in b."""
        a_start, a_stop, b_at, b_stop = block
        several = [at for at in range(a_start, a_stop) if b"\n" in (self._a[at].sse.data or b"")]
        places: dict[bytes, list[int]] = {}
        for at in range(b_at, b_stop) if several else ():
            places.setdefault((self._b[at].sse.data or b"").strip(), []).append(at)
        for at in several:
            lines = [line.strip() for line in (self._a[at].sse.data or b"").split(b"\n")]
            # The first line may be missing, as an empty one may; a torn event begins with one of the first two.
            starts = [_next(places.get(line, []), b_at) for line in lines[:2]]
            found = min((one for one in starts if one is not None), default=None)
            count = self._lines_told(lines, found, b_stop) if found is not None else 0
            at_the_end = found is not None and found + count == len(self._b)  # the rest may not have been waited for
            if found is not None and (count > 1 or (count == 1 and (len(lines) == 2 or at_the_end))):
                yield at, at + 1, found, found + count
                b_at = found + count

    def _lines_told(self, lines: list[bytes], b_at: int, b_stop: int) -> int:
        """How many events of b from here on are nothing but these lines, in order; some may be missing."""
        left, count = lines, 0
        for item in self._b[b_at : min(b_stop, b_at + len(lines))]:
            data = None if item.sse.data is None else item.sse.data.strip()
            if data not in left:
                break
            left, count = left[left.index(data) + 1 :], count + 1
        return count

    # -- the same text, cut in other places ------------------------------------------------------------------------

    def _same_text(self, block: Block) -> bool:
        a_start, a_stop, b_start, b_stop = block
        text = texts_of(self._a[a_start:a_stop])
        return bool(text) and text == texts_of(self._b[b_start:b_stop])

    def _grouped(self, block: Block) -> tuple[list[tuple[Relation, Block]], Block]:
        """Rows of events whose texts are equal when joined, from the front as far as that goes; and the rest."""
        a_at, a_stop, b_at, b_stop = block
        rows: list[tuple[Relation, Block]] = []
        while True:
            a_free, b_free = self._free(self._a, a_at, a_stop), self._free(self._b, b_at, b_stop)
            group = self._group(a_free, a_stop, b_free, b_stop)
            if group is None:
                break
            _, a_next, _, b_next = group
            a_next, b_next = self._absorbed(group, a_stop, b_stop)
            group = (a_free, a_next, b_free, b_next)
            rows += self.resolve((a_at, a_free, b_at, b_free))
            rows.append((self._relation(group), group))
            a_at, b_at = a_next, b_next
        return rows, (a_at, a_stop, b_at, b_stop)

    @staticmethod
    def _free(items: Items, at: int, stop: int) -> int:
        """The first event from here on that has text."""
        while at < stop and not items[at].texts:
            at += 1
        return at

    def _group(self, a_at: int, a_stop: int, b_at: int, b_stop: int) -> Block | None:
        """The shortest group from here whose lanes are balanced; None when the texts disagree or one side ends."""
        if a_at == a_stop or b_at == b_stop:
            return None
        a_start, b_start = a_at, b_at
        ahead: dict[Lane, str] = {}  # what a has said and b has not
        behind: dict[Lane, str] = {}
        while a_at == a_start or ahead or behind:
            if not ahead:
                if a_at == a_stop:
                    return None
                taken, owing, mine = self._a[a_at], behind, ahead
                a_at += 1
            else:
                if b_at == b_stop:
                    return None
                taken, owing, mine = self._b[b_at], ahead, behind
                b_at += 1
            for lane, text in taken.texts:
                if not _settle(lane, text, owing, mine):
                    return None
        return a_start, a_at, b_start, b_at

    def _absorbed(self, group: Block, a_stop: int, b_stop: int) -> tuple[int, int]:
        """The end of a group, with the textless events behind it whose tags the other side has in its last event."""
        a_start, a_at, b_start, b_at = group
        mine = _tags(self._a, a_start, a_at)
        theirs = _tags(self._b, b_start, b_at)
        surplus = theirs - mine
        while surplus and a_at < a_stop and _all_of(self._a[a_at], surplus):
            surplus -= Counter(self._a[a_at].tags)
            a_at += 1
        surplus = mine - theirs
        while surplus and b_at < b_stop and _all_of(self._b[b_at], surplus):
            surplus -= Counter(self._b[b_at].tags)
            b_at += 1
        return a_at, b_at

    def _relation(self, group: Block) -> Relation:
        a_start, a_stop, b_start, b_stop = group
        a_count, b_count = a_stop - a_start, b_stop - b_start
        if a_count == b_count == 1:
            same = self._a[a_start].sse.raw == self._b[b_start].sse.raw
            return Relation.SAME if same else Relation.CHANGED
        if b_count == 1:
            return Relation.MERGED
        if a_count == 1:
            return Relation.SPLIT
        keys = Counter(one.key for one in self._a[a_start:a_stop])
        if keys == Counter(one.key for one in self._b[b_start:b_stop]):
            return Relation.MOVED
        return Relation.REGROUPED


def _next(places: list[int], at: int) -> int | None:
    """The first of these rising places that is not before ``at``."""
    index = bisect_left(places, at)
    return places[index] if index < len(places) else None


def _same_bytes(a: Item, b: Item) -> bool:
    return a.sse.raw == b.sse.raw


def _same_meaning(a: Item, b: Item) -> bool:
    return a.key == b.key


def _settle(lane: Lane, text: str, owing: dict[Lane, str], mine: dict[Lane, str]) -> bool:
    """Pay ``text`` off against what the other side is ahead; what is more is owed in return. False: they disagree."""
    debt = owing.get(lane, "")
    if text.startswith(debt):
        owing.pop(lane, None)
        if len(text) > len(debt):
            mine[lane] = mine.get(lane, "") + text[len(debt) :]
        return True
    if debt.startswith(text):
        owing[lane] = debt[len(text) :]
        return True
    return False


def _tags(items: Items, start: int, stop: int) -> Counter[str]:
    return Counter(tag for item in items[start:stop] for tag in item.tags)


def _all_of(item: Item, surplus: Counter[str]) -> bool:
    return not item.texts and bool(item.tags) and not Counter(item.tags) - surplus


def _lane_text(items: Items, start: int, stop: int, lane: Lane | None) -> tuple[str, dict[int, int]]:
    """The text of one lane, and for each event that has such text, where in it that begins."""
    pieces: list[str] = []
    at, starts = 0, dict[int, int]()
    for number in range(start, stop):
        for one, text in items[number].texts:
            if one == lane:
                starts[number] = at
                pieces.append(text)
                at += len(text)
    return "".join(pieces), starts


def _with_moves(a: Items, b: Items, rows: list[tuple[Relation, Block]]) -> Iterator[tuple[Relation, Block]]:
    """The rows, where what is lost in one place and added in another has moved, and what b has twice is repeated."""
    lost: dict[Hashable, list[int]] = {}
    for at, (relation, block) in enumerate(rows):
        if relation is Relation.LOST and a[block[0]].tags != ("empty",):  # one nothing is like another
            lost.setdefault(a[block[0]].key, []).append(at)
    alone = sum(relation in (Relation.LOST, Relation.ADDED) for relation, _ in rows)
    moved: set[int] = set()
    repeated: set[int] = set()
    for at, (relation, block) in enumerate(rows):
        if relation is not Relation.ADDED:
            continue
        item = b[block[2]]
        if alone <= _MAX_MOVES and (waiting := lost.get(item.key)):
            moved |= {at, waiting.pop(0)}
        elif _beside_itself(b, block[2]):
            repeated.add(at)
    for at, (relation, block) in enumerate(rows):
        if at in moved:
            yield Relation.MOVED, block
        else:
            yield (Relation.REPEATED if at in repeated else relation), block


def _beside_itself(items: Items, at: int) -> bool:
    """Whether the event before or after is the same."""
    near = [items[one] for one in (at - 1, at + 1) if 0 <= one < len(items)]
    return any(_same_bytes(one, items[at]) or _same_meaning(one, items[at]) for one in near)
