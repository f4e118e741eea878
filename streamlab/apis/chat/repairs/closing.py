"""How a stream closes: each choice finishes once, after its last text; then usage in its own chunk; then [DONE]."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from streamlab.apis import api_names
from streamlab.apis.chat.asked_tools import names_tool
from streamlab.apis.chat.repairs.closing_chunks import (
    BESIDE,
    OFTEN,
    best_reason,
    counted_before,
    dropped_usage,
    early_finish,
    emptied_by,
    finish_anew,
    finish_chunk,
    holds_text,
    improve,
    move_last,
    note_nulls,
    parted,
    still_finishes,
    usage_draft,
    usage_rule,
    vendor_usage,
    without_finish,
)
from streamlab.apis.chat.repairs.emptied import answers, is_beyond, is_shell, nothing_else, says_anything
from streamlab.apis.chat.usage_numbers import counts
from streamlab.exchange import Ending
from streamlab.rules.repair import (
    Chunk,
    Comment,
    Done,
    Draft,
    Drafts,
    ErrorPayload,
    Repair,
    RepairState,
    Stage,
)
from streamlab.wire import reading
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import Fact

_MAX_HELD = 256
_RULES = (
    "finish-reason-every-chunk",
    "finish-reason-repeated",
    "finish-reason-on-content-chunk",
    "content-after-finish",
    "tool-call-finish-per-call",
    "usage-on-content-or-finish-chunk",
    "usage-on-every-chunk",
    "usage-in-choice",
    "usage-order",
    "done-duplicate-or-early",
)


class Closing(Repair):
    """Holds the end of the stream together until it is known to be the end.

    From the first ``finish_reason`` on, events are kept in order. Text that still comes for a finished choice sends
    its finish to the end; of several reasons the first known one that is not ``stop`` counts. Usage found elsewhere
    gets a chunk of its own, last. What follows ``[DONE]`` is moved before it; more text of a choice that had finished
    goes.
    """

    rules = _RULES
    stage = Stage.CLOSING
    apis = frozenset({api_names.CHAT, api_names.COMPLETIONS})
    on = Fact.FINISH | Fact.USAGE | Fact.DONE | Fact.ERROR
    holds_back = "from the first finish_reason on: until more text comes or the stream ends (256 events at most)"

    def __init__(self, state: RepairState) -> None:
        super().__init__(state)
        self._held: list[Draft] = []
        self._reasons: dict[int, str] = {}  # choice -> the reason to finish with
        self._placed: dict[int, Draft] = {}  # choice -> the held chunk that finishes it
        self._moved: dict[int, tuple[str, Draft]] = {}  # choice -> rule and chunk whose finish was taken away
        self._usage: tuple[JsonObject, Draft, str] | None = None  # usage without a chunk of its own
        self._usage_chunk: Draft | None = None
        self._done: Draft | None = None
        self._usage_key = False
        self._vendor_usage: tuple[JsonObject, Draft] | None = None  # Groq's x_groq.usage
        self._after_done: list[Draft] = []  # comments
        self._over: set[int] = set()  # choices that had finished before [DONE], or before an error
        self._failed: set[int] = set()  # those whose finish went out before an error
        self._lacks_calls = False  # whether a call was open, or promised and not there, at [DONE]
        self._running_usage = reading.wants_running_usage(state.body)  # asked for in every chunk

    @property
    def done(self) -> bool:
        """Whether ``[DONE]`` has come."""
        return self._done is not None

    def event(self, draft: Draft) -> Drafts:
        out = tuple(self._event(draft))
        self.awake = bool(self._held or self._reasons or self._usage or self._done or self._usage_chunk)
        return out

    def _event(self, draft: Draft) -> Iterator[Draft]:
        event = draft.event
        if isinstance(event, Comment) and self._done is not None and len(self._after_done) < _MAX_HELD:
            self._after_done.append(draft)
            return
        if isinstance(event, Done):
            if self._done is None:
                self._done = draft
                state = self.state
                self._over.update(state.finished)
                self._lacks_calls = state.calls_open or ("tool_calls" in state.finished.values() and not state.calls)
            else:
                self.state.account.drop(draft, "done-duplicate-or-early")
            return
        if self._done is not None and not isinstance(event, Comment):
            draft.note("done-duplicate-or-early", "", "after [DONE]", "before [DONE]")
        if isinstance(event, ErrorPayload):
            for index, (rule, moved) in self._moved.items():  # an answer that an error ends has no finish behind it
                self.state.finished.pop(index, None)
                if still_finishes(moved) and moved.json.get("usage"):
                    yield without_finish(moved, rule)
                elif still_finishes(moved):
                    self.state.account.drop(moved, rule)
            self._moved.clear()
            self._lift_vendor_usage()
            move_last(self._held, self._usage_chunk)
            self._usage_chunk = None
            self._over.update(self._placed)
            self._failed.update(self._placed)
            yield from self._release_held()
            yield from self._usage_left()
            yield draft
        elif isinstance(event, Chunk):
            yield from self._chunk(draft)
        elif self._held:
            yield from self._hold(draft)
        else:
            yield draft

    def _chunk(self, draft: Draft) -> Iterator[Draft]:
        chunk, listed = draft.json, reading.choices(draft.json)
        if self.state.restarted_at in draft.sources:
            yield from self._before_restart()
        if self._take_usage(draft, chunk, listed):
            if draft is not self._usage_chunk:
                self.state.account.drop(draft, dropped_usage(draft, listed))
            return
        if self._done is not None and is_beyond(listed, self._over, self._lacks_calls):
            self.state.account.drop(draft, "done-duplicate-or-early")
            return
        if self.state.api.name == api_names.COMPLETIONS:  # there, text and finish share a chunk
            yield from self._legacy_chunk(draft, listed)
            return
        late = finishing = False
        for position, choice in enumerate(listed):
            index = reading.choice_index(choice)
            answering = answers(choice)
            if answering and index in self._placed:
                self._unplace(index)
                late = True
            if choice.get("finish_reason"):
                finishing = self._take_finish(draft, choice, index, position, answering) or finishing
        if late and not self._placed:
            yield from self._release_held()
        if (
            listed
            and not finishing
            and draft.changes
            and is_shell(chunk, self.state.last)
            and not vendor_usage(chunk)
            and self._reasons.keys() >= set(map(reading.choice_index, listed))
        ):
            self.state.account.drop(draft, emptied_by(draft))
            return
        if finishing or self._held:
            yield from self._hold(draft)
        else:
            yield draft

    def _legacy_chunk(self, draft: Draft, listed: list[JsonObject]) -> Iterator[Draft]:
        """Legacy completions finish together with text, and OpenAI itself says ``length`` twice: left as it is."""
        for choice in listed:
            if isinstance(choice.get("finish_reason"), str) and choice["finish_reason"]:
                self.state.finished[reading.choice_index(choice)] = choice["finish_reason"]
        if self._held:
            yield from self._hold(draft)
        else:
            yield draft

    def _hold(self, draft: Draft) -> Iterator[Draft]:
        self._held.append(draft)
        if len(self._held) > _MAX_HELD:
            yield from self._release_held()

    def _before_restart(self) -> Iterator[Draft]:
        """What was held of the answer before, its usage included, where another one begins."""
        held, self._held, self._usage_chunk = self._held, [], None
        self._placed.clear()
        yield from (*held, *self._usage_left())

    def _release_held(self) -> Iterator[Draft]:
        """Let go of what was held; usage goes last, whatever comes before."""
        held, self._held = self._held, [one for one in self._held if one is self._usage_chunk]
        self._placed.clear()
        yield from (one for one in held if one is not self._usage_chunk)

    # -- finish ------------------------------------------------------------------------------------------------------

    def _take_finish(self, draft: Draft, choice: JsonObject, index: int, position: int, answering: bool) -> bool:
        """Note a reason to finish; True when this chunk itself finishes its choice."""
        reason: Any = choice["finish_reason"]
        path = f"choices[{position}].finish_reason"
        if not isinstance(reason, str):
            return False
        known = self._reasons.get(index)
        if answering and index in self._failed:
            return False  # the text goes on behind an error: no finish can be put behind that
        called, named = bool(self.state.calling[index]), names_tool(self.state.body)
        best = best_reason(known, reason, called=called, named=named, is_open=self.state.calls_open)
        self._reasons[index] = self.state.finished[index] = best
        if known is not None and (index in self._placed or (index in self._over and not answering)):
            draft.note("finish-reason-repeated", path, reason, None)
            choice["finish_reason"] = None
            if index in self._placed:
                improve(self._placed[index], index, best)
            return False
        if index in self._moved and not answering:  # it finishes here, as far as anybody knows
            rule, moved = self._moved.pop(index)
            if still_finishes(moved):
                if self._running_usage and moved.json.get("usage"):
                    moved.note("usage-on-every-chunk", "usage")  # a count that those behind it go on with
                self.state.account.drop(moved, rule)
            self._reasons[index] = finish_anew(self.state, draft, choice, best, rule, f"choices[{position}].")
            self._placed[index] = draft
            return True
        if answering or known is not None:
            rule, choice["finish_reason"] = early_finish(known, choice), None
            draft.note(rule, path, reason, None)
            self._moved[index] = (rule, self._moved[index][1] if index in self._moved else draft)
            return False
        self._placed[index] = draft
        return True

    def _unplace(self, index: int) -> None:
        """More text came after the finish: take the finish out of its place, to be put at the end."""
        placed = self._placed.pop(index)
        rule = "tool-call-finish-per-call" if self._reasons.get(index) == "tool_calls" else "content-after-finish"
        self._moved[index] = (rule, placed)
        choices = reading.choices(placed.json)
        if len(choices) > 1 or says_anything(choices[0]) or vendor_usage(placed.json):
            for position, choice in enumerate(choices):
                if reading.choice_index(choice) == index:
                    placed.put(rule, choice, "finish_reason", None, f"choices[{position}].")
        else:
            self._held = [draft for draft in self._held if draft is not placed]

    # -- usage -------------------------------------------------------------------------------------------------------

    def _take_usage(self, draft: Draft, chunk: JsonObject, listed: list[JsonObject]) -> bool:
        """Take usage out of a chunk; True when that leaves nothing of it, or it is a usage chunk and was put aside."""
        for position, choice in enumerate(listed):
            inner = choice.get("usage")
            if inner is not None and (not isinstance(inner, dict) or counts(inner)):
                draft.drop("usage-in-choice", choice, "usage", f"choices[{position}].")
                if isinstance(inner, dict) and inner:
                    self._set_usage(inner, draft, "usage-in-choice")
        if self._running_usage:  # the last count goes behind a finish that goes behind text
            last = self._moved and self._usage_chunk is None and chunk.get("choices") == [] and chunk.get("usage")
            return bool(last) and self._own_chunk(draft)
        if vendor := vendor_usage(chunk):
            self._vendor_usage = (vendor, draft)
        value = chunk.get("usage")
        self._usage_key = self._usage_key or "usage" in chunk
        if value is None:
            return False
        if not listed and isinstance(value, dict) and value and chunk.get("choices") == []:
            return self._own_chunk(draft)
        if not listed:
            return chunk.get("choices") == [] and not (isinstance(value, dict) and value) and nothing_else(chunk)
        rule = usage_rule(listed, self.state.finished, self._usage[1] if self._usage else self._usage_chunk)
        if rule == OFTEN:
            note_nulls(draft, chunk)
        if self.state.include_usage is False:
            draft.drop(rule, chunk, "usage", "")
        else:
            draft.put(rule, chunk, "usage", None, "")
        if isinstance(value, dict) and value:
            self._set_usage(value, draft, BESIDE)
        return is_shell(chunk, self.state.last)

    def _own_chunk(self, draft: Draft) -> bool:
        if self._usage_chunk is not None or self._usage is not None:
            counted_before(self._usage)
            self._forget_usage_chunk()
        self._usage, self._usage_chunk = None, draft
        self._held.append(draft)
        return True

    def _set_usage(self, value: JsonObject, draft: Draft, rule: str) -> None:
        self._forget_usage_chunk()
        self._usage = (value, draft, OFTEN if counted_before(self._usage) else rule)

    def _forget_usage_chunk(self) -> None:
        """Usage that came before was a running count."""
        chunk, self._usage_chunk = self._usage_chunk, None
        if chunk is not None:
            self._held = [one for one in self._held if one is not chunk]
            note_nulls(chunk, chunk.json)
            self.state.account.drop(chunk, OFTEN)

    # -- the end -----------------------------------------------------------------------------------------------------

    def end(self, ending: Ending) -> Drafts:
        return tuple(self._close(ending))

    def release(self) -> Drafts:
        return tuple(self._close(Ending.COMPLETE)) if self._done is not None else ()

    def _close(self, ending: Ending) -> Iterator[Draft]:
        whole = ending is Ending.COMPLETE or self._done is not None
        self._lift_vendor_usage()
        move_last(self._held, self._usage_chunk)
        before, after = parted(self._held, self._usage_chunk)
        yield from before
        if whole:
            for index, (rule, draft) in sorted(self._moved.items()):
                yield self._finish_chunk(index, rule, draft)
        else:
            for index in self._moved:
                self.state.finished.pop(index, None)
        yield from self._usage_left()
        yield from after
        if self._done is not None:
            yield self._done
            yield from self._after_done
        self._after_done = []
        self._held, self._placed, self._moved, self._usage, self._usage_chunk, self._done = [], {}, {}, None, None, None

    def _finish_chunk(self, index: int, rule: str, draft: Draft) -> Draft:
        made = finish_chunk(self.state, index, self._reasons[index], rule, draft, said=holds_text(self._held, index))
        if self._running_usage and still_finishes(draft) and "usage" in draft.json:
            made.json["usage"] = draft.json["usage"]
        elif self._usage_key and self.state.include_usage is not False:
            made.json["usage"] = None
        return made

    def _lift_vendor_usage(self) -> None:
        """Usage that only the vendor's member has; who did not ask finds it there, and nowhere else."""
        vendor, self._vendor_usage = self._vendor_usage, None
        known = self._usage or self._usage_chunk or self.state.include_usage is False
        if vendor is not None and not known:
            self._usage = (*vendor, "usage-in-choice")

    def _usage_left(self) -> Iterator[Draft]:
        """A chunk of its own for usage found elsewhere; where nobody asked, clients take it all the same."""
        usage, self._usage = self._usage, None
        if usage is not None:
            yield usage_draft(*usage, alone=self.state.account.drops(usage[1]))
