"""See the class."""

from __future__ import annotations

from collections.abc import Iterator

from streamlab.apis import api_names
from streamlab.exchange import Ending
from streamlab.rules.base import Findings
from streamlab.rules.deferred import LateRule, Place
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.repair import Draft, Drafts, Repair, RepairState, Stage
from streamlab.rules.sources import CHAT_CHUNK_CHOICES
from streamlab.rules.state import RuleState
from streamlab.wire import reading
from streamlab.wire.choice_parts import begins_part, kinds_of, one_answer
from streamlab.wire.events import Done, StreamEvent
from streamlab.wire.reading import Fact


class OneChoiceAChunk(Repair):
    """Chunks of several choices are taken apart; others wait until choice 0 has opened, unless one was asked for."""

    rules = ("n-greater-1-interleaving",)
    stage = Stage.CHOICE
    on = Fact.MANY_CHOICES | Fact.FIRST
    holds_back = "choices that open before choice 0, until it opens (64 events at most)"
    apis = frozenset({api_names.CHAT, api_names.COMPLETIONS})

    def __init__(self, state: RepairState) -> None:
        super().__init__(state)
        self._early: list[Draft] = []
        self._opened = False

    def event(self, draft: Draft) -> Drafts:
        parts = list(self._apart(draft))
        if self._opened:
            return parts
        out: list[Draft] = []
        for part in parts:
            out += self._in_order(part)
        self.awake = bool(self._early)
        return out

    def end(self, ending: Ending) -> Drafts:
        early, self._early = self._early, []
        return early

    @property
    def done(self) -> bool:
        return any(isinstance(one.event, Done) for one in self._early)

    def release(self) -> Drafts:
        return self.end(Ending.COMPLETE)

    def _in_order(self, draft: Draft) -> list[Draft]:
        indexes = list(map(reading.choice_index, reading.choices(draft.json) if draft.is_chunk else ()))
        if not indexes and not self._early:
            return [draft]  # it is no answer yet: a chunk of a gateway's own, a [DONE] before all
        decides_nothing = draft.is_chunk or isinstance(draft.event, Done)  # usage, a [DONE] too early
        if 0 not in indexes and decides_nothing and len(self._early) < _MOST_EARLY:
            self._early.append(draft)
            return []
        self._opened, self.minds = True, 0
        early, self._early = self._early, []
        if 0 not in indexes or self._are_parts(draft, early):
            return [*early, draft]
        for late in early:
            if late.is_chunk and reading.choices(late.json):
                late.note(self.rules[0], "", "before choice 0", "after it")
        return [draft, *early]

    def _are_parts(self, draft: Draft, early: list[Draft]) -> bool:
        """Whether what came before choice 0 would read as the next part of its answer, once it stood behind it."""
        if not early or not draft.is_chunk:
            return False
        if 0 in self.state.no_answer.choices:
            return False  # it stood before them, until the keep-alive went that opened it
        if self.state.n == 1:
            return True  # the index may count what there is of the one answer
        if self.state.api.name != api_names.CHAT:
            return False
        first, second = (kinds_of(reading.delta(reading.choices(one.json)[0])) for one in (draft, early[0]))
        told = {"told_role": True, "finishes": True}
        return any(begins_part(first, second, asked=self.state.n, has_role=role, **told) for role in (False, True))

    def _apart(self, draft: Draft) -> Iterator[Draft]:
        listed = reading.choices(draft.json) if draft.is_chunk else []
        if len(listed) < 2:
            yield draft
            return
        usage = draft.json.pop("usage", None)
        draft.json["choices"] = listed[:1]
        draft.note(self.rules[0], "", f"{len(listed)} choices", "1 choice")
        yield draft
        for position, choice in enumerate(listed[1:], 1):
            one = draft.like(self.rules[0], choice, f"choices[{position}]")
            if usage is not None and position == len(listed) - 1:
                one.json["usage"] = usage
            yield one


_MOST_EARLY = 64


class NGreater1Interleaving(LateRule):
    """Alternatives come that were not asked for, in the wrong order, or several in a chunk.

    ## What OpenAI does
    With ``n`` above 1 the choices interleave, one in each chunk; choice 0 opens first and each has its own finish.

    ## Why it matters
    Choices that nobody asked for are merged into one text by most clients. openai-python's ``.stream()`` fails with an
    index error when choice 1 opens before choice 0: an error. Two choices in one chunk are legal but raise in Haystack
    and TensorZero, measured, because OpenAI never sends them so. LiteLLM 1.110.2 passes on the first finish alone and
    says it of every choice, of lawful streams too.

    ## Repair
    One choice a chunk; where several were asked for, or may have been, choice 0 opens first. Surplus choices stay.
    """

    name = "n-greater-1-interleaving"
    severity = Severity.WARNING
    source = CHAT_CHUNK_CHOICES
    repairability = Repairability.SAFE
    repair = OneChoiceAChunk
    apis = frozenset({api_names.CHAT, api_names.COMPLETIONS})
    on = Fact.MANY_CHOICES | Fact.ROLE | Fact.FIRST | Fact.FINISH
    alike = True

    _together: Place | None = None
    _surplus: Place | None = None
    _surplus_index = 0
    _opened: tuple[int, Place] | None = None  # the choice that opened first

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._asked = ctx.n

    def event(self, at: int, event: StreamEvent) -> None:
        asked = self._asked
        for position, choice in enumerate(reading.choices(reading.chunk_of(event))):
            index = reading.choice_index(choice)
            if self._opened is None:
                self._opened = index, self.keep(at, event, f"choices[{position}]")
            if position and self._together is None:
                self._together = self.keep(at, event, f"choices[{position}]")
            if asked is not None and index >= asked and self._surplus is None:
                self._surplus, self._surplus_index = self.keep(at, event, f"choices[{position}].index"), index

    def end(self, ending: Ending) -> Findings:
        ctx = self.ctx
        indexes = list(ctx.accumulator.choices)
        if len(indexes) < 2:
            return
        if self._asked in (1, None) and one_answer(ctx.accumulator.choices, ctx.seen.finish_values, self._asked):
            return
        if self._surplus is not None:
            asked = "one was" if self._asked == 1 else f"{self._asked} were"
            yield self.found_at(
                self._surplus,
                f"choice {self._surplus_index} comes although {asked} asked for",
                expected=f"index below {self._asked}",
                actual=self._surplus_index,
                repairability=Repairability.NONE,
            )
        real = [index for index in indexes if index >= 0]
        if real and real[0] != min(real):
            opened, place = self._opened or (None, None)
            yield self.found_at(
                place if opened == real[0] else None,
                f"choice {real[0]} opens before choice {min(real)}",
                path="choices[0]",
                severity=Severity.ERROR,
                expected=min(real),
                actual=real[0],
            )
        if self._together is not None:
            yield self.found_at(self._together, "one chunk holds several choices", severity=Severity.INFO)
