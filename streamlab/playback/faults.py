"""The grammar of faults on demand: ``at 7e: drop``, ``latency 2s±0.3``, ``429 retry-after=7 for 2 requests``.

    fault    = status | change | "latency" TIME ["±" TIME] | "rate" NUMBER "tok/s"
             | "keepalive comment every" TIME | "gzip" ["members" | "unfinished"] | "close-delimited" | "seed" WHOLE
    status   = THREE-DIGITS ["retry-after=" WHOLE] ["for" WHOLE "request(s)"]
    change   = "at" (WHOLE "e" | WHOLE ["b"]) ":" action
    action   = "cut" | "reset" | "stall" [TIME] | "corrupt" | "duplicate" | "drop" | "swap"
             | "split" WHOLE | "merge" WHOLE
    TIME     = NUMBER ["us" | "ms" | "s" | "m"]        without a unit: seconds

``7e`` is event 7, counted from 0 as everywhere: what cuts, resets, stalls does so before it; the rest happens to it.
``500`` or ``500b`` is a place in the body, in bytes after content decoding.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import ClassVar, NamedTuple

from streamlab.errors import UsageError
from streamlab.wire.visible import visible

_LARGEST = 10**9


class Action(StrEnum):
    """What happens at a place."""

    CUT = "cut"  # the connection is closed in order
    RESET = "reset"
    STALL = "stall"  # silence: for a while, or for good
    CORRUPT = "corrupt"  # a bit of one byte is flipped
    DUPLICATE = "duplicate"  # the event comes twice
    DROP = "drop"  # it does not come
    SWAP = "swap"  # it comes after its successor
    SPLIT = "split"  # it comes in so many reads
    MERGE = "merge"  # it and its successors, so many in all, come in one read


#: Actions that need no whole event.
_ANYWHERE = frozenset({Action.CUT, Action.RESET, Action.STALL, Action.CORRUPT})
_COUNTED = frozenset({Action.SPLIT, Action.MERGE})


class Change(NamedTuple):
    """One action at a place: ``at`` counts events, or bytes where ``in_bytes``. ``number`` is what split and merge
    count, or the microseconds of a stall; None is a stall for good."""

    action: Action
    at: int
    in_bytes: bool = False
    number: int | None = None


class StatusFault(NamedTuple):
    """An error instead of the answer, for the first ``requests`` (None: for all)."""

    code: int
    retry_after: int | None = None
    requests: int | None = None


class Gzip(StrEnum):
    """How a body is compressed: flushed at every event and closed behind the last, or otherwise."""

    CLOSED = ""
    MEMBERS = "members"  # each event by itself
    UNFINISHED = "unfinished"  # never closed


@dataclass(frozen=True, slots=True)
class Faults:
    """Everything asked for. Times are microseconds."""

    changes: tuple[Change, ...] = ()
    status: StatusFault | None = None
    latency_us: int = 0
    jitter_us: int = 0
    gap_us: int | None = None  # between two events
    keepalive_us: int | None = None
    gzip: Gzip | None = None
    close_delimited: bool = False
    seed: int = 0

    @property
    def timed(self) -> bool:
        """Whether these faults take time, which then passes as it is, however fast the rest is played."""
        stalls = any(one.action is Action.STALL and one.number for one in self.changes)
        return stalls or bool(self.latency_us or self.gap_us or self.keepalive_us)


def parse_faults(texts: Sequence[str]) -> Faults:
    """All of them together. Raises UsageError, which points at the column."""
    found = Faults()
    for text in texts:
        found = _Parser(text, found).parsed()
    return found


_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?)|(?P<word>[a-zµ][a-z-]*(?:/s)?)|(?P<sign>[:=±]|\+-))", re.IGNORECASE
)
_UNITS = {"us": 1, "µs": 1, "ms": 1_000, "s": 1_000_000, "m": 60_000_000}


@dataclass
class _Parser:
    text: str
    found: Faults
    at: int = field(default=0)

    def parsed(self) -> Faults:
        kind, value, column = self._next("a fault")
        if kind == "number":
            self.found = replace(self.found, status=self._status(value, column))
        elif value == "at":
            self.found = replace(self.found, changes=(*self.found.changes, self._change()))
        elif value in self._SIMPLE:
            self._SIMPLE[value](self)
        else:
            raise self._error(column, "a status (429), at, latency, rate, keepalive, gzip, close-delimited or seed")
        if self.text[self.at :].strip():
            raise self._error(self.at + len(self.text[self.at :]) - len(self.text[self.at :].lstrip()), "nothing more")
        return self.found

    # -- what a fault may be --

    def _status(self, value: str, column: int) -> StatusFault:
        if not (value.isdigit() and 400 <= int(value) <= 599):
            raise self._error(column, "a status from 400 to 599")
        retry_after = requests = None
        if self._peek() == "retry-after":
            self._word("retry-after")
            self._sign("=")
            retry_after = self._whole("seconds")
        if self._peek() == "for":
            self._word("for")
            requests = self._whole("a number of requests")
            self._word("request", "requests")
        return StatusFault(int(value), retry_after, requests)

    def _change(self) -> Change:
        at = self._whole("an event (7e) or a byte (500)")
        in_bytes = self._peek() != "e"
        if self._peek() in ("e", "b"):
            self._next("")
        self._sign(":")
        kind, value, column = self._next("an action")
        if kind != "word" or value not in set(Action):
            raise self._error(column, ", ".join(Action))
        action = Action(value)
        if in_bytes and action not in _ANYWHERE:
            raise self._error(column, f"{', '.join(sorted(_ANYWHERE))} at a byte; {action} happens to an event (7e)")
        number = None
        if action in _COUNTED:
            number = self._whole("how many, at least 2", least=2)
        elif action is Action.STALL and self._peek() is not None:
            number = self._time()
        return Change(action, at, in_bytes, number)

    def _latency(self) -> None:
        latency, jitter = self._time(), 0
        if self._peek() in ("±", "+-"):
            self._next("")
            jitter = self._time()
        self.found = replace(self.found, latency_us=latency, jitter_us=jitter)

    def _rate(self) -> None:
        kind, value, column = self._next("a number of tokens")
        if kind != "number" or not float(value):
            raise self._error(column, "a number of tokens")
        self._word("tok/s", "tokens/s")
        self.found = replace(self.found, gap_us=max(1, round(1_000_000 / float(value))))

    def _keepalive(self) -> None:
        self._word("comment")
        self._word("every")
        column = self.at
        every = self._time()
        if every < 1_000:
            raise self._error(column, "at least 1ms")
        self.found = replace(self.found, keepalive_us=every)

    def _gzip(self) -> None:
        how = next((one for one in (Gzip.MEMBERS, Gzip.UNFINISHED) if one == self._peek()), Gzip.CLOSED)
        if how:
            self._word(how)
        self.found = replace(self.found, gzip=how)

    def _close_delimited(self) -> None:
        self.found = replace(self.found, close_delimited=True)

    def _seed(self) -> None:
        self.found = replace(self.found, seed=self._whole("a whole number"))

    _SIMPLE: ClassVar[dict[str, Callable[[_Parser], None]]] = {
        "latency": _latency,
        "rate": _rate,
        "keepalive": _keepalive,
        "gzip": _gzip,
        "close-delimited": _close_delimited,
        "seed": _seed,
    }

    # -- words --

    def _peek(self) -> str | None:
        match = _TOKEN.match(self.text, self.at)
        return match[0].strip().lower() if match else None

    def _next(self, wanted: str) -> tuple[str, str, int]:
        match = _TOKEN.match(self.text, self.at)
        column = self.at + len(self.text[self.at :]) - len(self.text[self.at :].lstrip())
        if match is None or match.lastgroup is None:
            raise self._error(column, wanted)
        self.at = match.end()
        return match.lastgroup, match[match.lastgroup].lower(), column

    def _word(self, *words: str) -> None:
        kind, value, column = self._next(words[0])
        if kind != "word" or value not in words:
            raise self._error(column, words[0])

    def _sign(self, sign: str) -> None:
        _, value, column = self._next(f"{sign!r}")
        if value != sign:
            raise self._error(column, f"{sign!r}")

    def _whole(self, what: str, least: int = 0) -> int:
        kind, value, column = self._next(what)
        if kind != "number" or not value.isdigit() or not least <= int(value) < _LARGEST:
            raise self._error(column, what)
        return int(value)

    def _time(self) -> int:
        kind, value, column = self._next("a time (30s, 250ms)")
        if kind != "number" or float(value) > _LARGEST:
            raise self._error(column, "a time (30s, 250ms)")
        unit = 1_000_000
        if (named := self._peek()) in _UNITS:
            self._next("")
            unit = _UNITS[str(named)]
        return round(float(value) * unit)

    def _error(self, column: int, wanted: str) -> UsageError:
        shown = visible(self.text, 80)
        return UsageError(f"--fault {shown!r}, column {column + 1}: expected {wanted}")
