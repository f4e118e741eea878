"""Streams that are another one but in one place: an event or a member of one, by a number that decides everything."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from typing import Any

from tests.examples import RANDOM

Payload = dict[str, Any]
_GONE = object()
#: What stands in a place instead: among it what calls, blocks and ends are told by.
_VALUES = (
    _GONE, None, "", "x", -1, 0, 7, 1.5, True, [], {}, "{}", '{"a":1}', "get_w", "call_a1B2c3D10", "tool_calls", "stop",
    "text", "tool_use", "end_turn",
)  # fmt: skip
_EVENTS = 4
#: Of how many numbers one is taken.
_SELDOM = 41


def numbered(kinds: Iterable[str], most: int = 3000) -> Iterator[tuple[str, int]]:
    """Of each kind of streams some numbers, all with ``STREAMLAB_EXAMPLES=random``."""
    for at, kind in enumerate(kinds):
        yield from ((kind, number) for number in range(at, most, 1 if RANDOM else _SELDOM))


def changed_in_one_place(payloads: list[Payload], number: int) -> list[Payload]:
    """The stream with this number; behind the last they come again."""
    ways = [(at, way) for at, payload in enumerate(payloads) for way in _places(payload)]
    number %= _EVENTS * len(payloads) + len(_VALUES) * len(ways)
    if number < _EVENTS * len(payloads):
        at, how = divmod(number, _EVENTS)
        before, payload, behind = payloads[:at], payloads[at], payloads[at + 1 :]
        gone, again, last = [*before, *behind], [*before, payload, payload, *behind], [*before, *behind, payload]
        return (gone, again, last, [*before, *behind[:1], payload, *behind[1:]])[how]
    place, value = divmod(number - _EVENTS * len(payloads), len(_VALUES))
    at, way = ways[place]
    return [*payloads[:at], _changed(payloads[at], way, _VALUES[value]), *payloads[at + 1 :]]


def _places(value: Any, way: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The ways to all members of a payload."""
    if way:
        yield way
    inside = value.items() if type(value) is dict else enumerate(value) if type(value) is list else ()
    for key, inner in inside:
        yield from _places(inner, (*way, key))


def _changed(payload: Payload, way: tuple[str | int, ...], value: Any) -> Payload:
    payload = copy.deepcopy(payload)
    holder: Any = payload
    for step in way[:-1]:
        holder = holder[step]
    if value is _GONE:
        del holder[way[-1]]
    else:
        holder[way[-1]] = value
    return payload
