"""The steps of streams that go alike, as bytes with stamps where they differ, and the walk of one stream along them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from streamlab.repairing.lane import Lane
from streamlab.rules.api import Follower
from streamlab.rules.repairs.framing import SEPARATORS
from streamlab.wire.payload import JsonObject
from streamlab.wire.runs import LONGEST, Run, Template, Varying
from streamlab.wire.stamps import Form, Stamp

#: Bytes of a stream that may follow a course; they are gone through again where it leaves it.
ROOM: Final = 128 * 1024


class Step:
    """One event, or, where texts vary (``varying``), one and more in a row. ``chunk`` is the JSON of one that came.

    ``waits``: how many events, this one last, repairs hold back then. ``over``: behind it nothing of the answer is
    outstanding. ``then``: what may come next.
    """

    __slots__ = ("chunk", "form", "over", "then", "varying", "waits")

    def __init__(self, form: Form, chunk: JsonObject, varying: Varying | None = None) -> None:
        self.form, self.chunk, self.varying = form, chunk, varying
        self.waits, self.over = 0, False
        self.then: list[Step] = []

    def is_like(self, other: Step) -> bool:
        """Whether the same events are one and the other."""
        return self.form == other.form and self.varying == other.varying

    def add(self, steps: Iterable[Step]) -> bool:
        """Remember that these may follow, one after the other; whether that was news."""
        at, news = self, False
        for step in steps:
            known = next((one for one in at.then if one.is_like(step)), None)
            if known is None:
                at.then.append(step)
                news = True
            at = known or step
        return news

    def template(self, known: dict[Stamp, bytes]) -> Template | None:
        """What events with texts look like in a stream of which so much is known; None where that is too little."""
        if self.varying is None or not self.form.same.keys() <= known.keys():
            return None
        parts, order = self.form.around(known)
        return Template(self.chunk, self.varying, parts, order)


def start() -> Step:
    """Where all streams are that have not begun."""
    return Step(Form([b""], [], []), {})


class Walk:
    """One stream on its way along the steps that others went."""

    def __init__(self, start: Step, follower: Follower) -> None:
        self.step = start
        #: Where texts come, what goes on with them.
        self.lane: Lane | None = None
        self._follower, self._room = follower, ROOM
        self._known: dict[Stamp, bytes] = {}
        self._past: list[bytes] = []

    def may_begin(self, rest: bytes) -> bool:
        """Whether the beginning of an event may be one of the course: before the first it may be of no event at all."""
        firsts = () if self._past else (step.form.parts[0] for step in self.step.then)
        return bool(self._past) or any(one[: len(rest)] == rest[: len(one)] for one in firsts)

    @property
    def raw(self) -> bytes:
        """All that came."""
        return b"".join((*self._past, self.lane.raw if self.lane is not None else b""))

    def takes(self, event: bytes) -> bool:
        """Whether the stream goes on with this event as others did, and repairs would let it pass."""
        if self.lane is not None and self.lane.takes(event):
            return True
        return any(self._enters(step, event) for step in self.step.then)

    def _enters(self, step: Step, event: bytes) -> bool:
        room = (self.lane.room if self.lane is not None else self._room) - len(event)
        lane = None
        if step.varying is not None:
            lane = self._lane(step, room + len(event))
            if lane is None or not lane.takes(event):
                return False
        elif room < 0 or not self._passes(step, event):
            return False
        self._past += [self.lane.raw] if self.lane is not None else []
        self._past += [event] if lane is None else []
        self.step, self.lane, self._room = step, lane, room
        return True

    def _passes(self, step: Step, event: bytes) -> bool:
        values, same = step.form.values(event, self._known), step.form.same
        if values is None or (not event.isascii() and SEPARATORS.search(event)):
            return False
        if not self._follower.event(step.chunk, values):
            return False
        if same.keys() - self._known.keys():
            self._known |= {stamp: values[path].encode() for stamp, path in same.items()}
        return True

    def _lane(self, step: Step, room: int) -> Lane | None:
        """What takes the texts of a step; None where they may not come now."""
        template, varying, follower = step.template(self._known), step.varying, self._follower
        if template is None or varying is None or not follower.goes_on(step.chunk):
            return None
        return Lane(Run(template, b"", 0, [""], None, [0]), LONGEST, room, follower.judge(varying))
