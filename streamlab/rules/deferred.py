"""For rules that need the whole stream before they may speak, and then point back at where it began."""

from __future__ import annotations

from typing import Any

from streamlab.record import Record, changed
from streamlab.rules.base import Rule, quote
from streamlab.rules.finding import Finding
from streamlab.wire.events import StreamEvent
from streamlab.wire.sse import ServerSentEvent


class Place(Record, frozen=True):
    """Where something was seen: event number, its frame, arrival, and the member that holds it. Most places are kept
    for nothing: which bytes that member has is looked up for a finding alone."""

    at: int
    sse: ServerSentEvent | None
    offset_us: int | None
    path: str | None


class Spell:
    """The chunks for which something holds, counted by one who is told only when it may have changed."""

    __slots__ = ("_counted", "_since", "other", "place", "value", "varies")

    def __init__(self) -> None:
        self.place: Place | None = None  # where it held first
        self.value: Any = None  # and with which value
        self.varies = False  # whether another came
        self.other: Any = None  # the latest of those
        self._counted = 0
        self._since: int | None = None

    def turn(self, holds: bool, before: int, value: Any = None) -> bool:
        """It holds (or not) from now on, with a value; ``before`` chunks came earlier. True the first time it holds."""
        if self._since is not None:
            self._counted += before - self._since
        self._since = before if holds else None
        if holds and self.place is not None and value != self.value:
            self.varies, self.other = True, value
        return holds and self.place is None

    def chunks(self, total: int) -> int:
        """For how many of the ``total`` chunks it held."""
        return self._counted + (total - self._since if self._since is not None else 0)


def _shown(value: Any) -> str:
    return "absent" if value == "(absent)" else quote(value)


class LateRule(Rule):
    """A rule that speaks in `end` about a place it has kept."""

    def keep(self, at: int, event: StreamEvent, path: str | None = None) -> Place:
        """The place of the event being judged."""
        return Place(at, event.sse, self.ctx.offset_us, path)

    def keep_last(self, path: str | None = None) -> Place | None:
        """The place of the chunk that came last before the event being judged; None where none came."""
        at = self.ctx.seen.last_chunk_at
        mark = self.ctx.seen.landmarks.of(at) if at is not None else None
        if at is None or mark is None:
            return None
        return Place(at, mark.sse, mark.offset_us, path)

    def found_at(self, place: Place | None, message: str, *, path: str | None = None, **details: Any) -> Finding:
        """A finding of this rule about a kept place; where there is none, about the whole stream, and its ``path``."""
        if place is None:
            return self.found(message, path=path, **details)
        span = self.ctx.span_of(place.sse, place.path) if place.sse is not None else None
        finding = self.found(message, place.at, path=place.path, span=span, **details)
        return changed(finding, offset_us=place.offset_us)

    @staticmethod
    def values(spell: Spell) -> str:
        """The value with which it holds, or two where there are several, for a message."""
        shown = _shown(spell.value)
        return f"{shown}, later {_shown(spell.other)}," if spell.varies else shown

    def share(self, spell: Spell, judged: Spell) -> str:
        """``in every chunk`` or ``in 3 of 12 chunks``, for a message."""
        total = self.ctx.seen.chunks
        held, of = spell.chunks(total), judged.chunks(total)
        return "in every chunk" if held >= of else f"in {held} of {of} chunks"
