"""How a stream went of which repairs changed nothing, as steps; and a trial whether they let others pass that go so."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import Final, NamedTuple

from streamlab.apis import Api
from streamlab.exchange import Ending
from streamlab.repairing.course_steps import ROOM, Step, Walk, start
from streamlab.repairing.lane import Lane
from streamlab.repairing.normalizer import Normalizer
from streamlab.rules.api import Follower, Judged, Tracker
from streamlab.wire.events import Chunk, Done
from streamlab.wire.learnt import template_of
from streamlab.wire.runs import LONGEST, Run
from streamlab.wire.sse import parse_event
from streamlab.wire.stamps import SAME, Stamp, form_of
from streamlab.wire.stream import read_event

END: Final = b"\n\n"
_MOST_STEPS: Final = 32
#: What a course is tried with: three texts, which are an object together where they are arguments.
_TEXTS: Final = (b'{\\"a', b'b\\":\\"c', b'd\\"}')
#: And with what else, but for counts; ids end so.
_OTHERS: Final = {Stamp.TIME: b"1234567890", Stamp.NOISE: b"aZ09"}
_OTHER_ID: Final = b"0aZ1bY2c"


class Reads:
    """What a normalizer was fed, of which a course may be learnt."""

    def __init__(self) -> None:
        self._data: list[bytes] = []
        self._room = ROOM

    def add(self, data: bytes) -> None:
        """A read came."""
        self._room -= len(data)
        if self._room >= 0:
            self._data.append(data)
        else:
            self._data.clear()

    def steps(self, api: Api) -> list[Drawn]:
        """How the stream went, step by step; nothing where that cannot be told."""
        *events, rest = b"".join(self._data).split(END)
        lane: Lane | None = None
        steps: list[Drawn] = []
        tracker = api.tracker()
        for raw in (event + END for event in events):
            if lane is not None and lane.takes(raw):
                continue
            step = _drawn(raw, api, tracker)
            if step is None or len(steps) == _MOST_STEPS:
                return []
            steps.append(step)
            lane = step.lane()
        return [] if rest or not _is_of_one(steps) else steps


class Drawn(NamedTuple):
    """A step of a stream that went, and the values that it had there, by their paths."""

    step: Step
    values: dict[str, bytes]

    def lane(self) -> Lane | None:
        """What takes the events that go on with its texts."""
        known = {stamp: self.values[path] for stamp, path in self.step.form.same.items()}
        template = self.step.template(known)
        if template is None:
            return None
        return Lane(Run(template, b"", 0, [""], None, [0]), LONGEST, ROOM, lambda text: Judged.ALL_PASS)

    def events(self) -> list[bytes]:
        """Such events as another stream would have."""
        texts = (b"",) if self.step.varying is None else _TEXTS
        return [self.step.form.filled(partial(self._other, text)) for text in texts]

    def _other(self, text: bytes, path: str, stamp: Stamp) -> bytes:
        value = self.values[path]
        if stamp is Stamp.TEXT:
            return text or value
        if stamp is Stamp.ID:
            return value[:-8] + _OTHER_ID
        if stamp is Stamp.CALL:
            return value[:56] + _OTHER_ID
        return b"%d" % (2 * int(value)) if stamp is Stamp.COUNT else _OTHERS.get(stamp, value)


def _drawn(raw: bytes, api: Api, tracker: Tracker | None) -> Drawn | None:
    """An event as a step; None where it cannot be one."""
    event = read_event(parse_event(raw, 1))
    if type(event) is Done:
        found = form_of(raw, {})
        return Drawn(Step(found[0], {}), {}) if found is not None else None
    if type(event) is not Chunk:
        return None
    if tracker is not None:
        tracker.read(event)
    stamps, varying = api.stamps(event.json), (tracker or api).varying(event.json)
    if varying is None or Stamp.CALL in stamps.values():
        varying = None
    elif varying.choice or template_of(event, varying) is None:
        return None
    else:
        stamps = {**stamps, varying.path: Stamp.TEXT}
    found = form_of(raw, stamps)
    return Drawn(Step(found[0], event.json, varying), found[1]) if found is not None else None


def _is_of_one(steps: list[Drawn]) -> bool:
    """Whether all events have one id and one time, and these stand nowhere else."""
    known: dict[Stamp, set[bytes]] = {stamp: set() for stamp in SAME}
    for step, values in steps:
        for stamp, path in step.form.same.items():
            known[stamp].add(values[path])
    parts = b"\n".join(part for step, _ in steps for part in step.form.parts)
    return all(len(values) < 2 and not any(value in parts for value in values) for values in known.values())


def tried(steps: list[Drawn], normalizer: Normalizer, follower: Follower) -> list[Step]:
    """These steps, with what repairs let wait, where they let another stream pass that goes so; else none."""
    held: list[bytes] = []
    events = [(one.step, event) for one in steps for event in one.events()]
    for step, event in events:
        held.append(event)
        out = normalizer.feed(event)
        gone = out.count(END)
        if out != b"".join(held[:gone]):
            return []
        del held[:gone]
        step.waits, step.over = len(held), normalizer.done
        if held and step.varying is not None:
            return []
    path = [one.step for one in steps]
    over = normalizer.finish(Ending.COMPLETE) == b"".join(held) and is_clean(normalizer) and path[-1:] and path[-1].over
    if not over or any(before.over for before, _ in pairwise(path)):
        return []
    first = start()
    first.add(path)
    walk = Walk(first, follower)
    return path if all(walk.takes(event) for _, event in events) else []


def is_clean(normalizer: Normalizer) -> bool:
    """Whether it changed nothing, and nothing was to be changed."""
    return not (normalizer.changes or normalizer.unrepaired or normalizer.state.account.dropped or normalizer.failed)
