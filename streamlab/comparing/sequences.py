"""Two lists of keys: which places belong together, by the shortest edit or by what occurs once. Cost is bounded."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Hashable

#: Edits after which the search for the shortest way from one list to the other is given up.
_MAX_EDITS = 200
#: Keys that follow each other, when the search was given up and places are looked for that occur once.
_RUN = 3

#: The keys of both lists, and the places where they begin.
Keys = tuple[list[Hashable], list[Hashable], int, int]


def shortest_edit(keys: Keys) -> list[tuple[int, int]]:
    """Pairs of equal keys on the shortest way from one list to the other (Myers); [] when it is too long."""
    a, b, a_base, b_base = keys
    numbers: dict[Hashable, int] = {}
    a = [numbers.setdefault(key, len(numbers)) for key in a]
    b = [numbers.setdefault(key, len(numbers)) for key in b]
    reached = {1: 0}
    trail: list[dict[int, int]] = []
    for edits in range(min(_MAX_EDITS, len(a) + len(b)) + 1):
        trail.append(dict(reached) if edits else {})
        for diagonal in range(-edits, edits + 1, 2):
            down = diagonal == -edits or (
                diagonal != edits and reached.get(diagonal - 1, -1) < reached.get(diagonal + 1, -1)
            )
            x = reached.get(diagonal + 1, 0) if down else reached.get(diagonal - 1, 0) + 1
            y = x - diagonal
            while x < len(a) and y < len(b) and a[x] == b[y]:
                x, y = x + 1, y + 1
            reached[diagonal] = x
            if x >= len(a) and y >= len(b):
                return [(x + a_base, y + b_base) for x, y in _walk_back(trail, len(a), len(b))]
    return []


def _walk_back(trail: list[dict[int, int]], x: int, y: int) -> list[tuple[int, int]]:
    pairs: list[tuple[int, int]] = []
    for edits in range(len(trail) - 1, 0, -1):
        reached, diagonal = trail[edits], x - y
        down = diagonal == -edits or (
            diagonal != edits and reached.get(diagonal - 1, -1) < reached.get(diagonal + 1, -1)
        )
        before = diagonal + 1 if down else diagonal - 1
        x_before = reached.get(before, 0)
        y_before = x_before - before
        x_turn, y_turn = (x_before, y_before + 1) if down else (x_before + 1, y_before)
        while x > x_turn and y > y_turn:
            x, y = x - 1, y - 1
            pairs.append((x, y))
        x, y = x_before, y_before
    while x > 0 and y > 0:
        x, y = x - 1, y - 1
        pairs.append((x, y))
    pairs.reverse()
    return pairs


def unique_runs(keys: Keys) -> list[tuple[int, int]]:
    """Pairs of keys that, with the keys behind them, occur once on each side: as many as are in the same order."""
    a, b, a_base, b_base = keys
    a_runs, b_runs = _runs(a), _runs(b)
    a_count, b_count = Counter(a_runs), Counter(b_runs)
    places = {run: at for at, run in enumerate(b_runs) if b_count[run] == 1}
    candidates = [(at, places[run]) for at, run in enumerate(a_runs) if a_count[run] == 1 and run in places]
    return [(x + a_base, y + b_base) for x, y in longest_rising(candidates)]


def _runs(keys: list[Hashable]) -> list[Hashable]:
    if len(keys) <= _RUN:
        return keys
    return [tuple(keys[at : at + _RUN]) for at in range(len(keys) - _RUN + 1)]


def longest_rising(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest subsequence whose second members rise (patience sorting)."""
    tops: list[int] = []
    at_top: list[int] = []
    before: list[int] = []
    for number, (_, y) in enumerate(pairs):
        pile = bisect_left(tops, y)
        before.append(at_top[pile - 1] if pile else -1)
        tops[pile : pile + 1] = [y]
        at_top[pile : pile + 1] = [number]
    rising: list[tuple[int, int]] = []
    number = at_top[-1] if at_top else -1
    while number >= 0:
        rising.append(pairs[number])
        number = before[number]
    rising.reverse()
    return rising


# -- afterwards ------------------------------------------------------------------------------------------------------
