"""The account of a repair: what each change was, what was dropped, and what could not be mended."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from streamlab.record import Record

if TYPE_CHECKING:
    from streamlab.rules.repair import Draft


class Origin(StrEnum):
    """Where an output event or member comes from."""

    COPIED = "copied"  # exactly the bytes that came
    DERIVED = "derived"  # changed, moved, split or joined; every value in it came from the upstream or the request
    INVENTED = "invented"  # nothing the upstream said: an error event, a generated id, [DONE]


class _Absent:
    def __repr__(self) -> str:
        return "(absent)"

    def __reduce__(self) -> str:
        return "ABSENT"  # pickled and copied it is the same one, for which everybody looks


ABSENT: Final = _Absent()


class Change(Record, frozen=True):
    """One change: by which rule's repair, where, from what to what (`ABSENT` when there was or is none). Where ``path``
    names a member, they are its values; where it is empty they are of the whole event, or words about it."""

    rule: str
    path: str
    was: Any = ABSENT
    now: Any = ABSENT
    origin: Origin = Origin.DERIVED


class Unrepaired(Record, frozen=True):
    """A deviation that could not be mended, and why."""

    rule: str
    event: int | None
    why: str


class Dropped(Record, frozen=True):
    """Input events of which nothing went out, by which rule's repair, and which had changed them before."""

    rule: str
    sources: tuple[int, ...]
    before: frozenset[str] = frozenset()


#: Dropped events that are remembered one by one; beyond that they are only counted.
MAX_DROPPED = 10_000
#: So many events that were dropped may still be followed by one that stands for them.
_MOST_LATEST = 256


#: For `Account.cannot`: it is about the whole stream, and no event of it.
WHOLE: Final = -1


class Account:
    """What repairs did and could not do, rule by rule."""

    def __init__(self) -> None:
        self.changes: dict[str, int] = {}  # rule -> how many events its repair changed or dropped
        self._dropped: dict[int, Dropped] = {}
        self._latest: dict[tuple[int, ...], tuple[int, list[Change]]] = {}  # of which something may still go out
        self.unrepaired: dict[str, Unrepaired] = {}
        self.at = -1  # the number of the input event being repaired
        self._number = 0  # of what was dropped

    @property
    def dropped(self) -> list[Dropped]:
        """The events of which nothing went out."""
        return list(self._dropped.values())

    def drop(self, draft: Draft, rule: str) -> None:
        """Note that nothing of an event goes out, as far as is known by now."""
        before = dict.fromkeys(change.rule for change in draft.changes)
        self._count(dict.fromkeys((rule, *before)), 1)
        if len(self._dropped) < MAX_DROPPED:
            self._number += 1
            self._dropped[self._number] = Dropped(rule, draft.sources, frozenset(before))
            self._latest.pop(draft.sources, None)
            self._latest[draft.sources] = self._number, draft.changes
            if len(self._latest) > _MOST_LATEST:
                del self._latest[next(iter(self._latest))]

    def drops(self, draft: Draft) -> bool:
        """Whether this draft of an event was dropped, lately."""
        return self._latest.get(draft.sources, (0, None))[1] is draft.changes

    def went(self, draft: Draft) -> None:
        """Note that an event goes out. One that the repair which dropped another made of that stands for it: it has
        its changes, and the other was not dropped."""
        number, before = self._latest.get(draft.sources, (0, []))
        rules = dict.fromkeys(change.rule for change in draft.changes)
        if number and self._dropped[number].rule in rules:
            gone = self._dropped.pop(number)
            del self._latest[draft.sources]
            self._count({gone.rule, *gone.before}, -1)
            draft.changes[:0] = [change for change in before if change.rule not in rules]
            rules = dict.fromkeys(change.rule for change in draft.changes)
        self._count(rules, 1)

    def _count(self, rules: Iterable[str], more: int) -> None:
        for rule in rules:
            self.changes[rule] = self.changes.get(rule, 0) + more

    def cannot(self, rule: str, why: str, at: int | None = None) -> None:
        """Note that a deviation stays, and why; once per rule. It stands in event ``at``, in the one at hand, or, with
        `WHOLE`, in none of them: where the finding says that it stands."""
        if rule not in self.unrepaired:
            event = self.at if at is None else at
            self.unrepaired[rule] = Unrepaired(rule, event if event >= 0 else None, why)
