"""See the class."""

from __future__ import annotations

from collections.abc import Iterator

from streamlab.apis.chat.repairs.call_arguments import CallArguments
from streamlab.apis.chat.repairs.call_fragments import said_first
from streamlab.apis.chat.repairs.emptied import answers, note_finishes
from streamlab.exchange import Ending
from streamlab.rules.base import Findings, Rule
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.repair import LONGEST, Added, Draft, Drafts, Repair, RepairState, Stage
from streamlab.rules.sources import OBSERVED
from streamlab.wire import reading
from streamlab.wire.events import Done, StreamEvent
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import Fact


class OneCallAfterAnother(Repair):
    """One fragment per chunk; a call that begins before the one before it is complete waits for that."""

    rules = ("tool-call-parallel-lost", "tool-call-arguments-empty-object-prefix")
    stage = Stage.TOOL_CALL
    minds = 0
    on = Fact.TOOL_CALLS
    holds_back = "a tool call, and the finish, while the call before it is not complete (4,096 fragments at most)"

    def __init__(self, state: RepairState) -> None:
        super().__init__(state)
        self._calls: dict[tuple[int, int], CallArguments] = {}  # those that are not complete
        self._complete: set[tuple[int, int]] = set()
        self._current: dict[int, int] = {}
        self._waiting: dict[tuple[int, int], list[Draft]] = {}  # by call, in the order in which they began
        self._in_place: dict[tuple[int, int], list[Draft]] = {}  # those of them that nothing went before yet
        self._held_count = 0
        self._ending: list[Draft] = []  # from the finish on, while a call waits

    @property
    def holding(self) -> bool:
        return bool(self._waiting or self._ending)

    @property
    def done(self) -> bool:
        return any(isinstance(one.event, Done) for one in self._ending)

    def passes(self, added: Added) -> bool:
        """The call whose turn it is goes on, and none waits."""
        key = _call_of(added)
        if key is None or self._waiting or self._current.get(key[0]) != key[1]:
            return False
        return key in self._complete or (key in self._calls and self._calls[key].goes_on(added.texts, added.text))

    def unseen(self, added: Added) -> int:
        key = _call_of(added)
        call = self._calls.get(key) if key is not None else None
        return LONGEST if key in self._complete else call.unseen if call is not None else 0

    def passed(self, added: Added) -> None:
        key = _call_of(added)
        if key is not None and key not in self._complete:
            self._calls[key].extend(added.text)

    def event(self, draft: Draft) -> Drafts:
        if isinstance(draft.event, Done) and self._waiting and not self.done:  # too early: calls may go on behind it
            self._ending.append(draft)
            return ()
        if not draft.is_chunk:
            return (*self._let_go(), draft)
        out: list[Draft] = []
        if self.state.restarted_at in draft.sources:  # what waits is of the answer before
            out += self._let_go()
        for one in self._split(draft):
            out += self._in_turn(one)
        if not self._waiting:
            out += self._let_go()
        self.awake = self.holding
        return out

    def end(self, ending: Ending) -> Drafts:
        return tuple(self._let_go())

    def release(self) -> Drafts:
        return tuple(self._let_go())

    def _split(self, draft: Draft) -> Iterator[Draft]:
        """A chunk for each fragment; what else the chunk holds stays in the first, its finish goes to the last."""
        listed = reading.choices(draft.json)
        fragments = reading.tool_calls(reading.delta(listed[0])) if len(listed) == 1 else []
        if len(fragments) < 2 or len(fragments) != len(reading.delta(listed[0])["tool_calls"]):  # some are none
            yield draft
            return
        choice, path = listed[0], "choices[0].delta.tool_calls"
        reason = choice.get("finish_reason")
        reading.delta(choice)["tool_calls"] = fragments[:1]
        draft.note(self.rules[0], "", f"{len(fragments)} fragments", "1 fragment")
        if reason is not None:
            draft.put(self.rules[0], choice, "finish_reason", None, "choices[0].")
        yield draft
        for fragment in fragments[1:]:
            last = fragment is fragments[-1]
            part = {**choice, "delta": {"tool_calls": [fragment]}, "finish_reason": reason if last else None}
            yield draft.like(self.rules[0], part, path)

    def _in_turn(self, draft: Draft) -> Iterator[Draft]:
        listed = reading.choices(draft.json)
        fragments = reading.tool_calls(reading.delta(listed[0])) if len(listed) == 1 else []
        if len(fragments) != 1 or type(fragments[0].get("index")) is not int:
            yield from self._beside_calls(draft, listed)
            return
        choice, index = reading.choice_index(listed[0]), fragments[0]["index"]
        current = self._current.setdefault(choice, index)
        if index != current and (choice, index) not in self._complete:
            if (choice, current) not in self._complete:
                waiting = self._waiting.setdefault((choice, index), [])
                if len(waiting) == 1 and _arguments(draft).lstrip().startswith("{"):
                    _clear_placeholder(waiting[0])
                waiting.append(draft)
                self._in_place.setdefault((choice, index), []).append(draft)
                self._held_count += 1
                self._overtake((choice, index))
                if self._held_count > _MAX_WAITING:
                    yield from self._let_go()
                return
            self._current[choice] = index
        self._add(choice, index, draft)
        self._overtake()
        yield draft
        while self._waiting and (choice, self._current[choice]) in self._complete:
            ready = self._next(choice)
            yield from ready
            if not ready:
                return

    def _beside_calls(self, draft: Draft, listed: list[JsonObject]) -> Iterator[Draft]:
        """What is no fragment: the end waits with the calls, all else goes out."""
        finishes = any(choice.get("finish_reason") for choice in listed)
        if self._ending and not finishes and any(map(_says, listed)):
            draft.note(self.rules[0], "choices")  # before what waits, as where it comes before the finish
            self._overtake()
            yield draft
        elif (self._ending and not self._is_no_end(listed)) or (self._waiting and finishes):
            if not self._ending:
                yield from said_first(draft, self.rules[0])
            self._ending.append(draft)
            note_finishes(self.state.finished, listed)
            if len(self._ending) > _MAX_WAITING:
                yield from self._let_go()
        else:
            self._overtake()
            yield draft

    def _overtake(self, by: tuple[int, int] | None = None) -> None:
        """Something goes before what waits, or before what waits of the calls that began after ``by``: only that is
        out of its place, and not what waited for nothing."""
        keys = list(self._in_place) if by is None else list(self._waiting)
        for key in keys[0 if by is None else keys.index(by) + 1 :]:
            for draft in self._in_place.pop(key, ()):
                draft.note(self.rules[0], "choices[0].delta.tool_calls[0]")

    def _is_no_end(self, listed: list[JsonObject]) -> bool:
        """Whether choices say nothing, while nothing but a [DONE] that came too early is held of the end."""
        early = all(isinstance(one.event, Done) for one in self._ending)
        return early and bool(listed) and not any(one.get("finish_reason") or reading.delta(one) for one in listed)

    def _add(self, choice: int, index: int, draft: Draft) -> None:
        """Follow the arguments of a call until they are complete."""
        if (choice, index) in self._complete:
            return
        state = self._calls.setdefault((choice, index), CallArguments())
        state.add(_arguments(draft))
        if state.complete or _is_custom(draft):
            self._complete.add((choice, index))
            del self._calls[choice, index]

    def _next(self, choice: int) -> list[Draft]:
        """What waits of the call that began next; none when no call of this choice waits."""
        index = next((index for owner, index in self._waiting if owner == choice), None)
        if index is None:
            return []
        self._current[choice] = index
        ready = self._waiting.pop((choice, index))
        self._in_place.pop((choice, index), None)
        self._held_count -= len(ready)
        for draft in ready:
            self._add(choice, index, draft)
        return ready

    def _let_go(self) -> Iterator[Draft]:
        """The answer is over: what still waits goes out, call by call."""
        waiting, self._waiting, self._in_place, self._held_count = self._waiting, {}, {}, 0
        ending, self._ending = self._ending, []
        self.awake = False
        yield from (draft for drafts in waiting.values() for draft in drafts)
        yield from ending


_MAX_WAITING = 4096
_PLACEHOLDER = "tool-call-arguments-empty-object-prefix"


def _function(draft: Draft) -> JsonObject:
    """The function of a chunk's only fragment."""
    return reading.function(reading.tool_calls(reading.delta(reading.choices(draft.json)[0]))[0])


def _arguments(draft: Draft) -> str:
    arguments = _function(draft).get("arguments")
    return arguments if isinstance(arguments, str) else ""


def _says(choice: JsonObject) -> bool:
    """Whether a choice says something, and calls nothing."""
    delta = reading.delta(choice)
    return answers(choice) and not (delta.get("tool_calls") or delta.get("function_call"))


def _is_custom(draft: Draft) -> bool:
    """Whether a chunk's only fragment is of a custom tool, whose input says nowhere that it is complete."""
    fragment = reading.tool_calls(reading.delta(reading.choices(draft.json)[0]))[0]
    return type(fragment.get("custom")) is dict and "function" not in fragment


def _clear_placeholder(draft: Draft) -> None:
    """Take out ``{}`` that the next fragment of its call, which comes right behind it from now on, begins anew."""
    if _arguments(draft).strip() == "{}":
        draft.put(_PLACEHOLDER, _function(draft), "arguments", "", "choices[0].delta.tool_calls[0].function.")


def _call_of(added: Added) -> tuple[int, int] | None:
    """The choice and the index of the call that goes on."""
    index = added.fragment.get("index")
    return (added.varying.choice, index) if type(index) is int else None


class ToolCallParallelLost(Rule):
    """Parallel tool calls come interleaved, or several in one chunk.

    ## What OpenAI does
    Sends one fragment per chunk and finishes one call before the next: 101 of 101 streams with parallel calls.

    ## Why it matters
    Several in one chunk are legal, and information: whoever reads one fragment per chunk loses the others, as
    LlamaIndex does. Interleaved calls are an error: who takes a new index for the end of the call before it parses half
    of the arguments, as the ``.stream()`` helpers of openai-python and openai-node do with strict tools, and raises
    ({clients: raises when the calls' deltas alternate} measured clients; {count: wrong when the calls' deltas
    alternate} others lose or swap calls).

    A call that is missing altogether cannot be seen in one stream; comparing it with the unstreamed answer shows
    it.

    ## Repair
    Fragments go into chunks of their own, call after call.
    """

    name = "tool-call-parallel-lost"
    severity = Severity.INFO
    source = OBSERVED
    answer_fact = "calls-interleaved"
    repairability = Repairability.SAFE
    repair = OneCallAfterAnother
    on = Fact.FRAGMENT
    alike = True
    variants = ("several calls come in one chunk", "the calls' deltas alternate")

    def event(self, at: int, event: StreamEvent) -> Findings:
        fragments = [one for one in self.ctx.fragments(at, event) if not one.call.ghost]
        resumed = [one for one in fragments if one.resumes]
        for fragment in resumed:
            yield self.found(
                f"the tool call with index {fragment.call.index} goes on after another was begun",
                at,
                path=fragment.path,
                expected="one call after the other",
                severity=Severity.ERROR,
                variant=self.variants[1],
            )
        if not resumed and len({id(fragment.call) for fragment in fragments}) > 1:
            yield self.found(
                "several tool calls in one chunk",
                at,
                path=fragments[0].path.rpartition("[")[0],
                expected="one fragment per chunk",
                actual=f"{len(fragments)} fragments",
                variant=self.variants[0],
            )
