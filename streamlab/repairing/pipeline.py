"""The repairs of one stream, in order: an event that none of them waits for passes untouched, byte for byte."""

from __future__ import annotations

from collections.abc import Callable

from streamlab.apis.registry import repair_classes
from streamlab.exchange import Ending
from streamlab.judging.stream_reader import StreamReader
from streamlab.repairing.account import Output, PassedRun
from streamlab.repairing.foreign import Foreign, translator_of
from streamlab.repairing.limits import LARGE
from streamlab.repairing.told import added_by, added_of, remember, shape_matters
from streamlab.rules.api import Growing
from streamlab.rules.repair import (
    ANYTHING,
    LONGEST,
    Added,
    Change,
    Draft,
    Drafts,
    Origin,
    Repair,
    RepairState,
    Stage,
    error_event,
)
from streamlab.rules.repairs.framing import SEPARATORS
from streamlab.wire import reading
from streamlab.wire.events import Chunk, Comment, Done, StreamEvent
from streamlab.wire.reading import Fact
from streamlab.wire.runs import Run, Template
from streamlab.wire.stream import read_event

#: What is said of a stream whose repair raised; no rule, since the fault is ours.
FAILED = "repair-failed"
_MAX_COMMENTS = 256
#: Events whose bytes are kept until something of them went out; no repair holds as many.
_MAX_KEPT = 1024


class Pipeline:
    """The repairs of one stream and what they let go (``out``). ``accounting`` keeps passed events as events."""

    read = staticmethod(read_event)

    def __init__(self, state: RepairState, reader: StreamReader[Draft]) -> None:
        self.state = state
        self.out: list[Output] = []
        self.accounting = False
        self.built = False  # whether repairs were chosen: an API may have none
        self.to_chat = False  # whether what can be translated is translated
        self.translator: Foreign | None = None
        self.failed: Exception | None = None  # what a repair raised: from there on nothing is repaired
        self._kept: dict[int, bytes] = {}  # bytes of events that repairs have and nothing went out of
        self.reader = reader
        self._repairs: tuple[Repair, ...] = ()
        self._slow_shapes: set[reading.Shape] = set()
        self._on = 0
        self._facts = 0  # of the last chunk that came
        self._awake = False
        self._retirements = 0

    # -- which repairs -----------------------------------------------------------------------------------------------

    def build(self, until: Stage = Stage.END) -> bool:
        """Choose repairs for the API at hand, up to a stage, behind a translator where it is foreign; False: none."""
        state = self.state
        if not self._is_ours():
            return False
        self.built = True
        told, classes = self.translator is not None, repair_classes(state.unsafe, state.api)
        self._repairs = tuple([one(state) for one in classes if one.stage <= until and not (told and one.doubts_text)])
        self._look()
        return True

    def _is_ours(self) -> bool:
        """Whether what comes is repaired here, if need be when it is translated: then the translator is chosen."""
        judged = self.state.api.judged
        self.translator = translator_of(self.state, self.to_chat)
        return judged or self.translator is not None

    def dismantle(self) -> None:
        """Repair and translate nothing from here on."""
        self._repairs, self.translator = (), None

    def _look(self) -> None:
        """Work out which facts any repair waits for."""
        self._retirements = self.state.retirements
        self._on, self._awake = 0, False
        for repair in self._repairs:
            self._on |= repair.asks
            self._awake = self._awake or repair.awake

    # -- what is asked of them ---------------------------------------------------------------------------------------

    @property
    def holding(self) -> bool:
        """Whether an event is held back."""
        return any(repair.holding for repair in self._repairs)

    @property
    def done(self) -> bool:
        """Whether nothing of the answer is outstanding."""
        return any(repair.done for repair in self._repairs)

    def take(self, event: StreamEvent) -> Template | None:
        """One event of the stream: past the repairs untouched when none waits for it; what it is a template of."""
        if type(event) is Chunk:
            try:
                waited_for = self._waited_for(event)
            except Exception as error:
                self._fail(error)
                waited_for = False
        else:
            waited_for = True
            if self.reader.tracker is not None:
                self.reader.facts(event)  # it has to know of every event
        if waited_for:
            draft, before = Draft(event, (self.state.at,)), len(self.out)
            self.pipe((draft,), _looked_for(self, event))
            if not self._awake or draft.event is not event or draft.changes or self.out[before:] != [draft]:
                return None
            may = all(repair.takes_runs for repair in self._repairs if repair.awake)
        else:
            self._pass_chunk(event)  # type: ignore[arg-type]
            may = True
        facts = self._facts & ~Fact.SHAPE  # all who look at shapes have seen it
        may = may and type(event) is Chunk and self.failed is None and self.reader.may_teach(facts)
        return self.reader.template(event, facts) if may else None  # type: ignore[arg-type]

    def take_run(self, run: Run) -> bool:
        """A run of chunks, the first of which passed: past the repairs, or False where they have to see each."""
        facts, tracker = self.reader.facts_of(run), self.reader.tracker
        if facts is None or self.failed is not None:
            return False
        growing = tracker.growing(run) if tracker is not None else None
        awake = self._awoken()
        if (tracker is not None and growing is None) or not all(repair.passes_run(run) for repair in awake):
            return False
        if run.template.shape in self._slow_shapes or (facts & Fact.WIDE and SEPARATORS.search(run.raw)):
            return False
        facts &= ~Fact.WIDE
        if self.state.api.wants_a_look_at(run, self.state):
            return False
        if facts & self._on and not self._passes(added_by(run), facts):
            return False
        self.out.append(PassedRun(self.state.at + 1, run) if self.accounting else run.raw)
        self._note_run(run, awake, growing)
        return True

    def unseen(self, run: Run) -> int:
        """How long the text of events may be that are like this run, which just passed, so that they pass unseen, and
        `passed_unseen` is told of them; 0 where each is to be looked at."""
        if self.accounting or self.failed is not None:
            return 0
        added, takers = added_by(run), (*self._awoken(), *self._waiting(self.reader.facts_of(run) or 0))
        return min(self.state.api.unseen(run, self.state), *(one.unseen(added) for one in takers), LONGEST)

    def passed_unseen(self, run: Run) -> None:
        """Events of which `unseen` told went out."""
        facts, tracker, added = self.reader.facts_of(run), self.reader.tracker, added_by(run)
        for one in self._waiting(facts or 0):
            one.passed(added)
        self._note_run(run, self._awoken(), tracker.growing(run) if tracker is not None else None)

    def _awoken(self) -> list[Repair]:
        return [repair for repair in self._repairs if repair.awake] if self._awake else []

    def _waiting(self, facts: int) -> list[Repair]:
        """The repairs that wait for the facts of a chunk that adds text."""
        facts &= self._on & ~Fact.WIDE
        return [one for one in self._repairs if one.asks & facts] if facts else []

    def _note_run(self, run: Run, awake: list[Repair], growing: Growing | None) -> None:
        """Let all who are to know, know of a run that passed."""
        state, count = self.state, len(run.texts)
        if growing is not None:
            growing.extend(run.texts)
        for repair in awake:
            repair.run_passed(run)
        state.api.run_passed(run, state)
        state.chunks += count
        state.went = run
        state.account.at += count

    def pipe(self, drafts: Drafts, looked_for: int = ANYTHING) -> None:
        """Events through every repair; one that just came, with the facts ``looked_for``, through those it concerns."""
        drafts = tuple(drafts)
        try:
            for draft in drafts:
                self._keep(draft)
            self.emit(self._run(drafts, 0) if looked_for == ANYTHING else _came(self, drafts[0], looked_for))
            self._awake = any(repair.awake for repair in self._repairs)
            if self.state.retirements != self._retirements:
                self._look()
            if self._kept and not self._awake and not self.holding:
                self._kept.clear()
        except Exception as error:
            self._fail(error)

    def start(self, draft: Draft) -> None:
        """An event through the translator, where there is one, and through every repair."""
        translator = self.translator
        if translator is None:
            self.pipe((draft,))
        else:
            self._translate(lambda: translator.feed(draft))

    def _translate(self, made: Callable[[], Drafts]) -> None:
        """What a translator makes of events, through every repair; nothing once one of ours raised."""
        if self.failed is not None:
            return
        try:
            drafts = list(made())
        except Exception as error:
            self._fail(error)
        else:
            self.pipe(drafts)

    def finish(self, ending: Ending) -> None:
        """The stream came to its end, which the translator is told of, too."""
        translator = self.translator
        if translator is not None:
            self._translate(lambda: translator.finish(ending))
        self.end(ending)

    def end(self, ending: Ending) -> None:
        """The stream is over."""
        try:
            for at, repair in enumerate(self._repairs):
                if made := _ended(repair, ending):
                    self.emit(self._run(made, at + 1))
        except Exception as error:
            self._fail(error)

    def release(self) -> None:
        """Give up holding back what was held only in case more comes."""
        try:
            for at, repair in enumerate(self._repairs):
                self.emit(self._run(repair.release(), at + 1))
        except Exception as error:
            self._fail(error)

    def emit(self, drafts: Drafts) -> None:
        """Let events go, and note what was done to them."""
        for draft in drafts:
            self.out.append(draft)
            for source in draft.sources:
                self._kept.pop(source, None)
            self.state.account.went(draft)

    def taken(self) -> list[Output]:
        """What went out since it was last asked for."""
        out, self.out = self.out, []
        return out

    def _keep(self, draft: Draft) -> None:
        """Remember the bytes of an event until something of it went out."""
        sse = draft.event.sse
        if self.translator is None and sse is not None and len(draft.sources) == 1:
            self._kept[draft.sources[0]] = sse.raw
            if len(self._kept) > _MAX_KEPT:
                del self._kept[next(iter(self._kept))]

    def _fail(self, error: Exception) -> None:
        """A repair that raises costs nothing of the answer: what is held goes out as it came, and so does the rest.

        A foreign stream would be noise to the client: there an error event stands for what is not translated.
        """
        self.failed = error
        why = f"{type(error).__name__}: {error}"[:200]
        self.state.account.cannot(FAILED, f"a repair of ours raised {why}; from here on nothing is repaired")
        dropped = {at for one in self.state.account.dropped for at in one.sources}
        kept, self._kept = self._kept, {}
        if self.translator is None:
            self.out += [raw for at, raw in kept.items() if at not in dropped]
        else:
            message = "the upstream's answer could not be translated"
            change = Change(FAILED, "error", origin=Origin.INVENTED)
            self.out.append(Draft(error_event(message, "upstream_invalid_response"), (), [change], True))
        self._repairs, self._on, self._awake = (), 0, False
        self._slow_shapes.clear()

    # -- one event ---------------------------------------------------------------------------------------------------

    def _waited_for(self, event: Chunk) -> bool:
        facts = self._facts = self.reader.facts(event)
        shape = self.reader.shape
        # Asked of the first chunk of a shape only, so even while every chunk is waited for: later ones are not.
        shaped = facts & Fact.SHAPE and self.reader.tracker is None
        if shaped and (not shape or shape_matters(event.json, self._repairs)):
            self._slow_shapes.add(shape)
        if self._awake or shape in self._slow_shapes:
            return True
        if facts & Fact.WIDE and event.sse is not None and not SEPARATORS.search(event.sse.raw):
            facts &= ~Fact.WIDE
        added = added_of(self.state, event, facts) if facts & self._on else None
        if added is None and facts & self._on:
            return True
        if self.state.api.wants_a_look(event, facts, self.state):
            return True
        return added is not None and not self._passes(added, facts)

    def _passes(self, added: Added, facts: int) -> bool:
        """Whether all repairs that wait for such chunks let them pass, and know of it."""
        waiting = [one for one in self._repairs if one.asks & facts]
        if not all(one.passes(added) for one in waiting):
            return False
        for one in waiting:
            one.passed(added)
        if self.state.retirements != self._retirements:
            self._look()
        return True

    def _pass_chunk(self, event: Chunk) -> None:
        state, chunk = self.state, event.json
        state.chunks += 1
        state.went = chunk
        state.api.passed(chunk, state)
        if self.accounting or event.sse is None:
            self.out.append(Draft(event, (state.at,)))
        else:
            self.out.append(event.sse.raw)

    def _run(self, drafts: Drafts, start: int) -> Drafts:
        """Through the repairs from one on, event by event: each is remembered before the next is looked at."""
        drafts = list(drafts)
        repairs = self._repairs
        for at in range(start, len(repairs)) if drafts else ():
            if len(drafts) > 1:
                return [out for draft in drafts for out in self._run((draft,), at)]
            drafts = _past(repairs[at], drafts[0])
            if not drafts:
                return drafts
        for draft in drafts:
            if draft.is_chunk:
                remember(self.state, draft)
        return drafts


def _looked_for(pipeline: Pipeline, event: StreamEvent) -> int:
    """The facts by which repairs tell whether they have to do with an event for which some wait."""
    if pipeline.reader.tracker is not None or event.sse is None or len(event.sse.raw) > LARGE:
        return ANYTHING
    if type(event) is Done:
        return pipeline.reader.facts(event)
    return ANYTHING if type(event) is not Chunk or pipeline.reader.shape in pipeline._slow_shapes else pipeline._facts


def _came(pipeline: Pipeline, draft: Draft, facts: int) -> Drafts:
    """Through the repairs, as an event goes, but for those that have nothing to do with this one, as it came."""
    event, made = draft.event, [draft]
    for at, repair in enumerate(pipeline._repairs):
        if not (repair.asks | repair.minds) & facts and not repair.awake:
            continue
        made = _past(repair, draft)
        if draft.event is not event or draft.changes or made != [draft]:
            return pipeline._run(made, at + 1)
    if draft.is_chunk:
        remember(pipeline.state, draft)
    return made


def _past(repair: Repair, draft: Draft) -> list[Draft]:
    """What a repair makes of one event. A comment decides nothing about an answer, but keeps its place in it."""
    if type(draft.event) is Comment and Stage.ERROR <= repair.stage <= Stage.TOOL_CALL:
        if repair.holding and len(repair.comments) < _MAX_COMMENTS:
            repair.comments.append(draft)
            return []
        return [draft]
    made = list(repair.event(draft))
    if repair.comments:
        made = _in_place(repair, made)
        if repair.comments and not repair.holding:
            at = next((at for at, one in enumerate(made) if one is draft), len(made))
            made[at:at], repair.comments = repair.comments, []
    return made


def _in_place(repair: Repair, made: Drafts) -> list[Draft]:
    """Comments that came before all of an event that goes out go before it."""
    placed: list[Draft] = []
    for one in made:
        since = min(one.sources, default=-1)
        while repair.comments and max(repair.comments[0].sources, default=-1) < since:
            placed.append(repair.comments.pop(0))
        placed.append(one)
    return placed


def _ended(repair: Repair, ending: Ending) -> list[Draft]:
    """What a repair lets go at the end, with the comments that waited."""
    made = _in_place(repair, repair.end(ending))
    left, repair.comments = repair.comments, []
    return [*made, *left]
