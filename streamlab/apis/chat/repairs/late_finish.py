"""Legacy completions whose text goes on after a chunk that only finishes: the finish goes behind it."""

from __future__ import annotations

from streamlab.apis import api_names
from streamlab.exchange import Ending
from streamlab.rules.repair import Comment, Draft, Drafts, Repair, RepairState, Stage
from streamlab.wire import reading
from streamlab.wire.reading import Fact

_MAX_HELD = 256


class LateFinish(Repair):
    """Holds a chunk that says nothing but the finish of its choice until it is known that no more text comes."""

    rules = ("content-after-finish",)
    stage = Stage.CLOSING
    apis = frozenset({api_names.COMPLETIONS})
    on = Fact.FINISH
    holds_back = "from a chunk on that only finishes its choice: until [DONE] or the end (256 events at most)"

    def __init__(self, state: RepairState) -> None:
        super().__init__(state)
        self._held: list[Draft] = []
        self._finishes: dict[int, list[Draft]] = {}  # choice -> the held chunks that finish it
        self._late: list[Draft] = []  # those after which text came
        self._opened_by: list[tuple[Draft, Draft]] = []  # a finish that opened its choice, and the first text behind it

    def event(self, draft: Draft) -> Drafts:
        if not draft.is_chunk:
            if not isinstance(draft.event, Comment):
                return (*self._let_go(), draft)
            if not self._held:
                return (draft,)
        listed = reading.choices(draft.json) if draft.is_chunk else []
        for choice in listed:
            index = reading.choice_index(choice)
            if choice.get("text") and not choice.get("finish_reason") and index in self._finishes:
                finishes = self._finishes.pop(index)
                self._late += finishes
                if index not in self.state.opened:
                    self._opened_by.append((finishes[0], draft))
        if len(listed) == 1 and isinstance(listed[0].get("finish_reason"), str) and not listed[0].get("text"):
            self._finishes.setdefault(reading.choice_index(listed[0]), []).append(draft)
        if not self._held and not self._finishes:
            return (draft,)
        self._held.append(draft)
        self.awake = True
        return tuple(self._let_go()) if len(self._held) > _MAX_HELD else ()

    def end(self, ending: Ending) -> Drafts:
        return tuple(self._let_go())

    def release(self) -> Drafts:
        return tuple(self._let_go())

    def _let_go(self) -> list[Draft]:
        held, late = self._held, self._late
        for finish, text in self._opened_by:  # choices open in the order in which they came
            at = next(at for at, one in enumerate(held) if one is finish)
            held = [one for one in held if one is not text]
            held.insert(at, text)
        self._held, self._finishes, self._late, self._opened_by, self.awake = [], {}, [], [], False
        for draft in late:
            draft.note(self.rules[0], "", "finished before text", "after it")
        kept = [draft for draft in held if not any(draft is one for one in late)]
        at = max((at + 1 for at, one in enumerate(kept) if one.is_chunk and reading.choices(one.json)), default=0)
        return [*kept[:at], *late, *kept[at:]]
