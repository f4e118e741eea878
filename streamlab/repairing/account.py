"""What a repaired stream is made of: its events with where each comes from, and the repaired exchange as a whole."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import count
from typing import NamedTuple

from streamlab.exchange import Exchange
from streamlab.rules.repair import Change, Draft, Dropped, Origin, Unrepaired
from streamlab.rules.repairs.framing import SEPARATORS, frame
from streamlab.wire.events import Done, ErrorPayload, StreamEvent
from streamlab.wire.runs import Run
from streamlab.wire.stream import encode, read_event
from streamlab.wire.stream import events_of as events_of_run


@dataclass(frozen=True, slots=True)
class RepairedEvent:
    """One event of the output. ``sources`` are the numbers of the input events it comes from."""

    event: StreamEvent
    raw: bytes
    origin: Origin
    sources: tuple[int, ...]
    changes: tuple[Change, ...]

    @property
    def repairs(self) -> tuple[str, ...]:
        """The rules by whose repairs it was changed, in order, each once."""
        return tuple(dict.fromkeys(change.rule for change in self.changes))


@dataclass(frozen=True, slots=True)
class Normalized:
    """A repaired exchange, the account of its events, how often each rule's repair acted, and what stays broken.

    ``left_alone`` says why the body passed as it came, in a phrase; None where it was read to be repaired.
    ``failed`` says that a repair of ours raised, and that the rest went by unrepaired. ``invented`` has what nothing
    upstream said, each with the rule whose repair made it. ``events`` is empty where each went to somebody else.
    """

    exchange: Exchange
    events: tuple[RepairedEvent, ...]
    changes: dict[str, int]
    unrepaired: tuple[Unrepaired, ...]
    dropped: tuple[Dropped, ...] = ()
    left_alone: str | None = None
    failed: bool = False
    invented: tuple[tuple[str, str], ...] = ()


class Invented:
    """Gathers what was made up, of events one after the other."""

    def __init__(self) -> None:
        self._found: set[tuple[str, str]] = set()

    def add(self, event: RepairedEvent) -> None:
        """What of one event nothing upstream said."""
        for change in event.changes:
            if change.origin is Origin.INVENTED:
                what = "error" if isinstance(event.event, ErrorPayload) else str(change.now)
                self._found.add((change.path.rpartition(".")[2] or what, change.rule))

    @property
    def found(self) -> tuple[tuple[str, str], ...]:
        """Each once, in order."""
        return tuple(sorted(self._found))


class PassedRun(NamedTuple):
    """Events in a row that passed untouched, where an account is kept; ``first`` is the number of the first."""

    first: int
    run: Run

    def __len__(self) -> int:
        """How many events there are."""
        return len(self.run)

    def events(self) -> list[RepairedEvent]:
        """Each of them with its account."""
        numbered = zip(events_of_run(self.run), count(self.first))
        return [RepairedEvent(one, encode(one), Origin.COPIED, (number,), ()) for one, number in numbered]


class WholeAnswer(NamedTuple):
    """A body that is no event stream and was made anew, and what was changed."""

    raw: bytes
    changes: tuple[Change, ...]

    def event(self) -> RepairedEvent:
        """It as the one event of the output."""
        return RepairedEvent(read_event(frame(b"")), self.raw, Origin.DERIVED, (), self.changes)


#: What goes out: an event, or bytes that passed untouched, or a whole body.
Output = Draft | bytes | PassedRun | WholeAnswer
#: The same with its account.
Outcome = RepairedEvent | PassedRun


def bytes_of(out: list[Output]) -> bytes:
    """Output as bytes."""
    return b"".join(map(_bytes_of, out))


def _bytes_of(one: Output) -> bytes:
    if isinstance(one, bytes):
        return one
    if isinstance(one, PassedRun):
        return one.run.raw
    return one.raw if isinstance(one, WholeAnswer) else _raw(one)


def outcomes_of(out: list[Output]) -> list[Outcome]:
    """Output with its account, runs as such."""
    return list(map(_outcome, out))


def events_of(out: list[Output]) -> list[RepairedEvent]:
    """Output as events with their account."""
    found: list[RepairedEvent] = []
    for one in outcomes_of(out):
        if isinstance(one, PassedRun):
            found += one.events()
        else:
            found.append(one)
    return found


def _raw(draft: Draft) -> bytes:
    event = draft.event
    raw = encode(event)
    if event.sse is None and not isinstance(event, Done):
        return SEPARATORS.sub(_escaped, raw)
    return raw


def _escaped(match: re.Match[bytes]) -> bytes:
    return b"\\u%04x" % ord(match.group().decode())


def _account(draft: Draft) -> RepairedEvent:
    origin = Origin.DERIVED if draft.changes else Origin.COPIED
    if draft.invented:
        origin = Origin.INVENTED
    return RepairedEvent(draft.event, _raw(draft), origin, draft.sources, tuple(draft.changes))


def _outcome(one: Output) -> Outcome:
    if isinstance(one, Draft):
        return _account(one)
    if isinstance(one, WholeAnswer):
        return one.event()
    return _opaque(one) if isinstance(one, bytes) else one


def _opaque(data: bytes) -> RepairedEvent:
    """Bytes that are no events here, and passed through."""
    return RepairedEvent(read_event(frame(data[:0])), data, Origin.COPIED, (), ())
