"""The numbers of a response's events: whether each is the next, and whether an event comes a second time."""

from __future__ import annotations

from typing import Any

from streamlab.apis.responses.facts import Odd, ResponseFact
from streamlab.rules.base import quote
from streamlab.wire.payload import JsonObject, encode_json
from streamlab.wire.reading import Fact
from streamlab.wire.sse import ServerSentEvent

#: Events whose content is remembered, to know them again.
MOST_REMEMBERED = 65_536


def said_by(value: JsonObject, sse: ServerSentEvent | None) -> int:
    """A digest of what an event says, by which it is known again: a delta, wherever it belongs, or all of it."""
    delta = value.get("delta")
    if type(delta) is str:
        return hash(delta)
    return hash(encode_json(delta or value) if delta or sse is None else sse.data)


class Numbers:
    """``next`` is the number that should come; None while no event had one."""

    __slots__ = (
        "_later",
        "_repaired",
        "_size",
        "absent",
        "first",
        "first_absent",
        "given",
        "kind",
        "next",
        "said",
        "since",
    )

    def __init__(self) -> None:
        self.next: int | None = None
        self.given = 0  # events with a number
        self.absent = 0
        self.since = 0  # events without a number since the last one
        self.first: int | None = None
        self.first_absent: tuple[int, str] | None = None
        self.said: dict[int, int] = {}  # number -> digest of what the event said
        self._later: list[tuple[int, list[str]]] = []  # deltas in a row, from this number on, that belong in there
        self._size = 0  # how many they are
        self._repaired: dict[int, int] = {}  # number -> digest of what the event said when it went out repaired
        self.kind: Any = type(None)  # the type of the numbers: int, once one came

    def follow(self, digest: int) -> None:
        """The next event came, numbered as it should be."""
        if self.next is not None:
            if len(self.said) + self._size < MOST_REMEMBERED or len(self._known()) < MOST_REMEMBERED:
                self.said[self.next] = digest
            self.next += 1
            self.given += 1
        else:
            self.absent += 1
            self.since += 1

    def follow_all(self, deltas: list[str]) -> None:
        """The same for deltas in a row."""
        if self.next is None:
            self.absent += len(deltas)
            self.since += len(deltas)
            return
        if len(self.said) + self._size < MOST_REMEMBERED or len(self._known()) < MOST_REMEMBERED:
            self._later.append((self.next, deltas))
            self._size += len(deltas)
        self.next += len(deltas)
        self.given += len(deltas)

    def repaired(self, number: int, digest: int) -> None:
        """An event went out under the number that it came by, and said something else: it is known by both."""
        if len(self._repaired) < MOST_REMEMBERED:
            self._repaired[number] = digest

    def _known(self) -> dict[int, int]:
        """What events said, by their numbers; that of runs is worked out when somebody asks."""
        for first, deltas in self._later:
            self.said.update(zip(range(first, first + len(deltas)), map(hash, deltas), strict=True))
        self._later, self._size = [], 0
        return self.said

    def noted(self, at: int) -> int:
        """The fact that the number of event ``at`` is kept, where it is: it is the first without a number."""
        return Fact.NOTED if self.first_absent is not None and self.first_absent[0] == at else 0

    def take(self, number: Any, digest: int | None, *, at: int, kind: str, resumed: bool) -> Odd | None:
        """Take in the number of an event; what is odd about it."""
        known = self._known()
        if type(number) is not int:
            if number is not None:
                return Odd(
                    ResponseFact.NUMBER,
                    "sequence_number",
                    f"sequence_number of {quote(kind)} is {quote(number)}, no integer",
                    self.next,
                    number,
                )
            self.absent += 1
            self.since += 1
            if self.first_absent is None:
                self.first_absent = (at, kind)
            return None
        wanted = self.next
        if wanted is None:
            self.first = number
            wanted = number if self.absent or resumed else 0
        elif number < wanted and digest is not None and digest in (known.get(number), self._repaired.get(number)):
            said = f"{kind} comes again under its number {quote(number)}"
            return Odd(ResponseFact.REPLAYED, "sequence_number", said, wanted, number)
        skipped, self.since = self.since, 0
        self.kind, self.next = int, number + 1
        self.given += 1
        if digest is not None and len(known) < MOST_REMEMBERED:
            known[number] = digest
        if wanted <= number <= wanted + skipped:
            return None  # an event without a number may or may not have used one up
        said = f"sequence_number is {quote(number)} where {wanted} comes next"
        return Odd(ResponseFact.NUMBER, "sequence_number", said, wanted, number)
