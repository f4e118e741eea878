"""A body's repairs, run once for all of its cuttings that hand them the same events.

How a body is cut concerns what finds events in it (`repairing/front`), which runs for every cutting. The repairs behind
it are given events and runs of events, and never see where a read ended: of the same sequence they make the same.
`PipingMemory` keeps, as a tree, what they were handed and what they let go of at each step; a cutting whose sequence
was there before is told from it, and one with another sequence is run whole. A run is as many steps as it has events:
of it the repairs make what they make of these one by one, which tests/judging/by_runs.py holds them to. So where reads
end among events like one another makes no other sequence.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from functools import partial
from typing import Any

from streamlab.exchange import Ending, Exchange
from streamlab.judging.stream_reader import StreamReader
from streamlab.repairing.account import bytes_of
from streamlab.repairing.limits import MARK
from streamlab.repairing.normalizer import Normalizer
from streamlab.repairing.pipeline import Pipeline
from streamlab.rules.repair import ANYTHING, Draft, Drafts, RepairState, Stage
from streamlab.wire.bodies import coding_of
from streamlab.wire.content_coding import BodyDecoder
from streamlab.wire.events import StreamEvent
from streamlab.wire.runs import Run, Template
from streamlab.wire.sse import ServerSentEvent
from streamlab.wire.stream import raws_of, read_event
from streamlab.workflows.regression.machines import Ours, our_machine, run

_UNASKED = object()


class UnknownStepError(Exception):
    """The repairs were not handed this before."""


class PipingStep:
    """What the repairs were handed last, and what they made of it: bytes, and what they said."""

    __slots__ = ("answer", "chunks", "holding", "next", "out")

    def __init__(self, answer: Template | None = None, out: bytes = b"") -> None:
        self.answer = answer
        self.out = out
        self.chunks = 0  # that went out by then
        self.holding: Any = _UNASKED
        self.next: dict[Hashable, PipingStep] = {}


class PipingMemory:
    """The steps of all runs so far of one body's repairs."""

    def __init__(self) -> None:
        self.start = PipingStep()
        #: What was handed to the repairs, which may have changed it: of use to none but those who know what came of it.
        self.events: dict[Hashable, StreamEvent] = {}
        self.told: list[bytes] = []  # what the latest run of the repairs let go of, step by step
        self.sound = True  # whether the steps gave what the run as a whole did

    def key(self, pipeline: Pipeline, step: PipingStep, what: Hashable, ahead: int = 0) -> Hashable:
        """What is handed to the repairs, so many events behind the one at hand, and what else they could tell two runs
        by."""
        state = pipeline.state
        stray = state.no_answer.stray if step is self.start else None  # that the repairs know of no other way
        return state.at + ahead, pipeline.reader.came.name, stray, what


def _event_key(event: StreamEvent) -> Hashable:
    sse = event.sse
    return (sse.raw, sse.start, sse.terminated) if sse is not None else object()


def _run_keys(run: Run) -> Iterator[tuple[bytes, int, bool]]:
    """Those of its events."""
    start = run.start
    for raw in raws_of(run):
        yield raw, start, True
        start += len(raw)


def _draft_key(draft: Draft) -> Hashable:
    return _event_key(draft.event), tuple(change.rule for change in draft.changes)


class Remembering(Pipeline):
    """Runs the repairs, and remembers each step."""

    def __init__(self, state: RepairState, reader: StreamReader[Draft], memory: PipingMemory) -> None:
        super().__init__(state, reader)
        self._memory = memory
        self._step = memory.start
        memory.told = []

    def _note(self, key: Hashable, answer: Template | None, out: bytes, chunks: int) -> None:
        known = self._step.next.get(key)
        if known is None:
            known = self._step.next[key] = PipingStep(answer, out)
        elif known.out != out:
            self._memory.sound = False
        known.chunks = chunks
        self._step = known
        self._memory.told.append(out)

    def _note_let_go(self, key: Hashable, before: int, answer: Template | None = None) -> None:
        self._note(key, answer, bytes_of(self.out[before:]), self.state.chunks)

    def _note_passed(self, run: Run) -> None:
        """Each event of a run, all of which went by."""
        memory, behind, chunks = self._memory, len(run), self.state.chunks
        for what in _run_keys(run):
            behind -= 1
            self._note(memory.key(self, self._step, what, -behind), None, what[0], chunks - behind)

    @property
    def holding(self) -> bool:
        self._step.holding = super().holding
        return bool(self._step.holding)

    def take(self, event: StreamEvent) -> Template | None:
        key, before = self._memory.key(self, self._step, _event_key(event)), len(self.out)
        if event.sse is not None:
            self._memory.events[_event_key(event)] = event
        template = super().take(event)
        self._note_let_go(key, before, template)
        return template

    def start(self, draft: Draft) -> None:
        key, before = self._memory.key(self, self._step, _draft_key(draft)), len(self.out)
        super().start(draft)
        self._note_let_go(key, before)

    def take_run(self, run: Run) -> bool:
        passed = super().take_run(run)
        if passed:
            self._note_passed(run)
        return passed

    def passed_unseen(self, run: Run) -> None:
        super().passed_unseen(run)
        self._note_passed(run)

    def finish(self, ending: Ending) -> None:
        key, before = self._memory.key(self, self._step, ending), len(self.out)
        super().finish(ending)
        self._note_let_go(key, before)


class Recalling(Pipeline):
    """Runs no repair: tells what came of the same events before. Raises UnknownStepError at others."""

    def __init__(self, state: RepairState, reader: StreamReader[Draft], memory: PipingMemory) -> None:
        super().__init__(state, reader)
        self._memory = memory
        self._step = memory.start

    def read(self, sse: ServerSentEvent) -> StreamEvent:
        return self._memory.events.get((sse.raw, sse.start, sse.terminated)) or read_event(sse)

    def build(self, until: Stage = Stage.END) -> bool:
        self.built = self._is_ours()
        return self.built

    def _follow(self, what: Hashable, ahead: int = 0) -> Template | None:
        step = self._step.next.get(self._memory.key(self, self._step, what, ahead))
        if step is None:
            raise UnknownStepError
        self._step = step
        self.state.chunks = step.chunks
        if step.out:
            self.out.append(step.out)
        return step.answer

    @property
    def holding(self) -> bool:
        if self._step.holding is _UNASKED:
            raise UnknownStepError
        return bool(self._step.holding)

    def take(self, event: StreamEvent) -> Template | None:
        return self._follow(_event_key(event))

    def take_run(self, run: Run) -> bool:
        for ahead, what in enumerate(_run_keys(run), 1):
            self._follow(what, ahead)
        self.state.account.at += len(run)
        return True

    def start(self, draft: Draft) -> None:
        self._follow(_draft_key(draft))

    def finish(self, ending: Ending) -> None:
        self._follow(ending)

    def end(self, ending: Ending) -> None:
        raise UnknownStepError

    def pipe(self, drafts: Drafts, looked_for: int = ANYTHING) -> None:
        raise UnknownStepError

    def emit(self, drafts: Drafts) -> None:
        raise UnknownStepError

    def dismantle(self) -> None:
        raise UnknownStepError


class _Piped(Normalizer):
    """A normalizer with another pipeline."""

    def __init__(self, exchange: Exchange, pipeline: Callable[[RepairState, StreamReader[Draft]], Pipeline]) -> None:
        self._piped_by = pipeline
        super().__init__(exchange.request, exchange.head)

    def _new_pipeline(self, state: RepairState, reader: StreamReader[Draft]) -> Pipeline:
        return self._piped_by(state, reader)


class SharedRepairs:
    """Runs our normalizer over cuttings of one exchange's body."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        body = exchange.body
        # What undoes a content coding, and what looks at the stream as a whole, has a say in what is repaired.
        plain = BodyDecoder.of(exchange.head).identity and coding_of(body) is None and len(body) <= MARK
        self._memory = PipingMemory() if plain else None

    def run(self, pieces: Iterable[bytes]) -> tuple[bytes, str | None]:
        """What our normalizer makes of these pieces, and the error it raised, if it raised one."""
        memory, exchange = self._memory, self._exchange
        if memory is None or not memory.sound:
            return run(our_machine(exchange), pieces)
        if memory.start.next:
            machine = Ours(_Piped(exchange, partial(Recalling, memory=memory)), exchange.ending)
            made, error = run(machine, pieces)
            if error is None:
                return made, None
        normalizer = _Piped(exchange, partial(Remembering, memory=memory))
        made, error = run(Ours(normalizer, exchange.ending), pieces)
        memory.sound = memory.sound and error is None and b"".join(memory.told) == made
        return made, error
