"""Streams that nobody wrote, of an API whose events are JSON objects with a ``type``.

A `Mutator` takes perfect, lawful and deviating streams and puts a few random mutations on top. What it bends: whole
events, members, and the framing of one event or of all; an API adds its own. A number always makes the same stream.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from streamlab.exchange import Ending, Exchange

Events = list[dict[str, Any]]
Mutation = Callable[[Events, int, random.Random], None]
Frame = Callable[..., bytes]

#: Cases that came when numbers of mutants were kept already: a number goes on making the stream that it made.
LATER = frozenset({"text-literal-escapes", "text-done-marker", "text-nested-event"})
#: Numbers from here on have what one server does to all of its events, before what else happens to them.
SERVERS = 10**9
_FRAMES = ("no name", "message", "no type", "CRLF", "no space", "comment", "stray line", "text", "")
_ENDS = (*[b""] * 9, b"data: [DONE]\n\n", b"event: data\ndata: [DONE]\n\n")


def events_of(exchange: Exchange) -> Events:
    """The events of an exchange that can be read line by line."""
    found = []
    for line in exchange.body.splitlines():
        try:
            value = json.loads(line.removeprefix(b"data: "))
        except ValueError:
            continue
        if isinstance(value, dict):
            found.append(value)
    return found


@dataclass(frozen=True)
class Mutator:
    """What mutates the streams of one API.

    ``strange`` are events to put anywhere, ``junk`` values for members, ``keys`` names for members that do not belong
    there, ``own`` mutations of this API. ``frame`` writes an event with an event name (None: without, "": its type).
    ``servers`` are mutations that came later, of all events or of all behind one: numbers from `SERVERS` on have one of
    them before the others.
    """

    streams: Sequence[Events]
    strange: Events
    junk: Sequence[Any]
    keys: Sequence[str]
    own: Sequence[Mutation]
    frame: Frame
    exchange: Callable[..., Exchange]
    servers: Sequence[Mutation] = ()

    def mutated(self, number: int) -> Exchange:
        """The exchange of a number."""
        rng = random.Random(number)
        events = deepcopy(rng.choice(self.streams))
        if number >= SERVERS and events:
            rng.choice((*self.servers, _start_over))(events, rng.randrange(len(events)), rng)
        mutations = self._mutations()
        for _ in range(rng.choice((1, 1, 1, 2, 2, 3))):
            if events:
                rng.choice(mutations)(events, rng.randrange(len(events)), rng)
        ending = rng.choice((*[Ending.COMPLETE] * 6, Ending.UPSTREAM_CUT, Ending.TIMED_OUT))
        return self.exchange(self._framed(events, rng), ending=ending)

    def _mutations(self) -> tuple[Mutation, ...]:
        junk = self._junk
        return (_drop, _double, _move, *[self._insert] * 2, _cut, self._follow, *[junk] * 3, _remove, self._add, _swap,
                *self.own)  # fmt: skip

    def _insert(self, events: Events, at: int, rng: random.Random) -> None:
        events.insert(at, deepcopy(rng.choice(self.strange)))

    def _follow(self, events: Events, at: int, rng: random.Random) -> None:
        events.extend(deepcopy(rng.choice(self.streams)))

    def _junk(self, events: Events, at: int, rng: random.Random) -> None:
        for holder, key in _member(events[at], rng):
            holder[key] = deepcopy(rng.choice(self.junk))

    def _add(self, events: Events, at: int, rng: random.Random) -> None:
        for holder, _ in _member(events[at], rng):
            if isinstance(holder, dict):
                holder[rng.choice(self.keys)] = deepcopy(rng.choice(self.junk))

    def _framed(self, events: Events, rng: random.Random) -> bytes:
        how = rng.choice(_FRAMES) if rng.random() < 0.25 else ""
        one = rng.choice((None, rng.randrange(len(events) or 1)))
        body = b"".join(self._frame(event, how if one in (None, at) else "") for at, event in enumerate(events))
        body += rng.choice(_ENDS)
        if body and rng.random() < 0.05:
            at = rng.randrange(len(body))
            body = body[:at] + rng.choice((b"", b"{", b'"', b"\n", b"\\", b"\xff")) + body[at + rng.randrange(3) :]
        return body

    def _frame(self, event: dict[str, Any], how: str) -> bytes:
        if how == "no type":
            name = event.get("type")
            rest = {key: value for key, value in event.items() if key != "type"}
            return self.frame(rest, name if isinstance(name, str) else None)
        framed = self.frame(event, {"no name": None, "message": "message"}.get(how, ""))
        if how == "CRLF":
            return framed.replace(b"\n", b"\r\n")
        if how == "no space":
            return framed.replace(b": ", b":", 2)
        return {"comment": b": keep\n\n", "stray line": b"junk\n", "text": b"data: x\n\n"}.get(how, b"") + framed


def _drop(events: Events, at: int, rng: random.Random) -> None:
    del events[at]


def _double(events: Events, at: int, rng: random.Random) -> None:
    events.insert(at, deepcopy(events[at]))


def _move(events: Events, at: int, rng: random.Random) -> None:
    events.insert(rng.randrange(len(events)), events.pop(at))


def _cut(events: Events, at: int, rng: random.Random) -> None:
    del events[at + 1 :]


def _remove(events: Events, at: int, rng: random.Random) -> None:
    for holder, key in _member(events[at], rng):
        del holder[key]


def _swap(events: Events, at: int, rng: random.Random) -> None:
    other = rng.choice(events)
    for key in [key for key in events[at] if key in other][:1]:
        events[at][key], other[key] = other[key], events[at][key]


def _start_over(events: Events, at: int, rng: random.Random) -> None:
    """What came comes once more, with the ids that it had or with others."""
    start = rng.randrange(at + 1)
    again = deepcopy(events[start : at + 1])
    if rng.random() < 0.5:
        for holder, key in [pair for event in again for pair in _members(event)]:
            if key in ("id", "item_id", "call_id") and isinstance(holder[key], str):
                holder[key] += "9"
    events[at + 1 : at + 1] = again


def _member(event: dict[str, Any], rng: random.Random) -> Iterator[tuple[Any, Any]]:
    found = list(_members(event))
    if found:
        yield rng.choice(found)


def _members(value: Any) -> Iterator[tuple[Any, Any]]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in pairs:
        yield value, key
        yield from _members(member)
