"""How an event differs from what OpenAI would have sent in its place: the data that event_diff.py works out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class How(StrEnum):
    """What became of one member."""

    SAME = "same"
    CHANGED = "changed"
    ADDED = "added"  # OpenAI sends it, this server did not
    DROPPED = "dropped"  # this server sent it, OpenAI does not
    BROKEN = "broken"  # not as OpenAI sends it, and nothing can mend it


class EventOutcome(StrEnum):
    """What became of one event."""

    KEPT = "kept"  # byte for byte
    CHANGED = "changed"
    SPLIT = "split"  # into several
    MERGED = "merged"  # its content goes out with a later event
    DROPPED = "dropped"
    ADDED = "added"  # an event that was missing


@dataclass(frozen=True, slots=True)
class FieldDiff:
    """One member: ``here`` as it came, ``there`` as OpenAI sends it; which of them is absent, ``how`` tells.

    ``path`` names a JSON member, or with the prefix ``sse.`` a trait of the framing. ``origin`` is copied, derived
    or invented: where ``there`` comes from. ``rule`` and ``why`` say which rule it is about, and the reason. A member
    that is ``told`` by a finding has None for a side of which the finding says nothing.
    """

    path: str
    how: How
    here: Any = None
    there: Any = None
    origin: str = "copied"
    rule: str | None = None
    why: str = ""
    told: bool = False

    @property
    def has_here(self) -> bool:
        """Whether ``here`` is a value that came."""
        return self.how is not How.ADDED and not (self.told and self.here is None)

    @property
    def has_there(self) -> bool:
        """Whether ``there`` is a value that would have been sent."""
        return self.how is not How.DROPPED and not (self.told and self.there is None)


@dataclass(frozen=True, slots=True)
class Output:
    """One event that goes out: its bytes, where it comes from, and its members beside those that came in."""

    raw: bytes
    origin: str
    fields: tuple[FieldDiff, ...]


@dataclass(frozen=True, slots=True)
class EventDiff:
    """One event beside what OpenAI would have sent.

    ``event`` is its number; an event that was missing has the number of the event it comes after (-1: before all),
    and ``outcome`` ADDED. ``broken`` are the members, or facts about the whole event, that nothing mends. ``into``
    is the event a merged one goes out with.
    """

    event: int
    outcome: EventOutcome
    outputs: tuple[Output, ...] = ()
    broken: tuple[FieldDiff, ...] = ()
    into: int | None = None

    @property
    def rules(self) -> tuple[str, ...]:
        """The rules it is about, each once."""
        fields = [field for output in self.outputs for field in output.fields] + list(self.broken)
        return tuple(dict.fromkeys(field.rule for field in fields if field.rule))
