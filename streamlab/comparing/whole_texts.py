"""Where the texts of two streams differ that were cut into other events: told by the whole text of each lane.

Events of a translated stream are cut otherwise, so that pieces which happen to be alike may be paired although they
are not the same words: what is lost then shows as more that is lost, added and changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import Final, NamedTuple

from streamlab.comparing.comparison import Kind
from streamlab.comparing.reading import Item, Lane, texts_of

#: What is said of texts.
TEXT_KINDS: Final = (Kind.TEXT_LOST, Kind.TEXT_ADDED, Kind.TEXT_CHANGED)
#: Characters between the equal ends of two texts that are compared one by one; more are one place.
_MOST: Final = 2000
#: Characters that have to be alike for two differences to be two.
_APART: Final = 4


class TextPlace(NamedTuple):
    """One place where the texts differ: what is gone, what is come instead, and the events it stands in, if any."""

    lane: Lane
    gone: str
    come: str
    a: Item | None
    b: Item | None


def partings(a: Sequence[Item], b: Sequence[Item]) -> Iterator[TextPlace]:
    """Every place where the texts of two streams differ, lane by lane."""
    mine, theirs = texts_of(a), texts_of(b)
    for lane in dict.fromkeys((*mine, *theirs)):
        was, now = mine.get(lane, ""), theirs.get(lane, "")
        if was != now:
            for a_at, a_end, b_at, b_end in _places(was, now):
                gone, come = was[a_at:a_end], now[b_at:b_end]
                there = _event_at(b, lane, b_at) if come or not gone else None
                yield TextPlace(lane, gone, come, _event_at(a, lane, a_at) if gone else None, there)


def _places(was: str, now: str) -> Iterator[tuple[int, int, int, int]]:
    head = _alike(was, now)
    tail = _alike(was[head:][::-1], now[head:][::-1])
    a_end, b_end = len(was) - tail, len(now) - tail
    if max(a_end, b_end) - head > _MOST or a_end == head or b_end == head:
        yield head, a_end, head, b_end
        return
    matcher = SequenceMatcher(None, was[head:a_end], now[head:b_end], autojunk=False)
    a_at = b_at = 0
    for block in matcher.get_matching_blocks():
        if block.size >= _APART or block.a == a_end - head:
            if block.a > a_at or block.b > b_at:
                yield head + a_at, head + block.a, head + b_at, head + block.b
            a_at, b_at = block.a + block.size, block.b + block.size


def _alike(was: str, now: str) -> int:
    """How many characters two texts begin with alike."""
    return next(
        (at for at, (one, other) in enumerate(zip(was, now, strict=False)) if one != other), min(len(was), len(now))
    )


def _event_at(items: Sequence[Item], lane: Lane, at: int) -> Item | None:
    """The event in which a character of a lane stands."""
    last = None
    for item in items:
        for name, text in item.texts:
            if name == lane:
                last = item
                at -= len(text)
                if at < 0:
                    return item
    return last
