"""Tool calls as OpenAI streams them: id, type and name once, in the fragment that opens the call; a dense index;
arguments as text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from streamlab.apis.chat.repairs.call_fragments import (
    Braces,
    continued,
    is_braces,
    put_arguments,
    put_index,
    said_first,
)
from streamlab.apis.chat.repairs.call_opening import OutCall, OutCalls, finishes_without_calls, reason_with_calls
from streamlab.apis.chat.repairs.emptied import note_finishes, stops
from streamlab.exchange import Ending
from streamlab.rules.repair import Added, Done, Draft, Drafts, ErrorPayload, Repair, RepairState, Stage, Undecodable
from streamlab.wire import reading
from streamlab.wire.calls import CallTracker, is_no_name
from streamlab.wire.finish_reasons import meaning_of
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import Fact

_MOST_LATE = 64


class ToolCalls(Repair):
    """Makes every fragment an opening one (once a call) or one that only adds arguments."""

    rules = (
        "tool-call-index-missing",
        "tool-call-index-collision",
        "tool-call-index-offset",
        "tool-call-index-negative",
        "tool-call-id-repeated",
        "tool-call-id-unstable",
        "tool-call-id-missing",
        "tool-call-id-empty-continuation",
        "tool-call-id-duplicate",
        "tool-call-name-repeated",
        "tool-call-name-split",
        "tool-call-name-empty-continuation",
        "tool-call-args-before-name",
        "tool-call-type-missing",
        "tool-call-not-in-array",
        "tool-call-function-missing",
        "tool-call-ghost-sentinel",
        "tool-call-arguments-object",
        "tool-call-arguments-null",
        "tool-call-arguments-empty-object-prefix",
        "tool-call-arguments-duplicated",
        "tool-call-legacy-function-call",
        "tool-call-finish-stop",
        "tool-call-finish-without-calls",
    )
    stage = Stage.TOOL_CALL
    minds = 0
    on = Fact.TOOL_CALLS | Fact.FUNCTION_CALL | Fact.FINISH | Fact.DONE
    holds_back = (
        "a call until its name is known, and what finishes the answer with it; arguments {} until the next event that "
        "says something; what looks like a second copy of complete arguments until the call ends"
    )

    def __init__(self, state: RepairState) -> None:
        super().__init__(state)
        self._tracker = CallTracker(OutCall)
        self._calls: dict[int, OutCalls] = {}
        self._braces: Braces | None = None
        self._late: list[Draft] = []  # from the finish on, while a call waits for its name
        self._custom: set[int] = set()  # choices that call a custom tool
        self._nameless: set[int] = set()  # those that call what is no function, in the old form

    @property
    def holding(self) -> bool:
        return self._braces is not None or bool(self._late)

    def passes(self, added: Added) -> bool:
        """A call that went out as it came, and goes on with nothing but arguments."""
        call = self._continued(added)
        if call is None or self._braces is not None or not call.opened or call.dropped:
            return False
        right = call.place == call.index and call.sent_name == (call.name or "")
        return right and call.arguments.goes_on(added.texts, added.text)

    def unseen(self, added: Added) -> int:
        call = self._continued(added)
        return call.arguments.unseen if call is not None else 0

    def passed(self, added: Added) -> None:
        call = self._continued(added)
        if call is not None:
            call.add_text(added.text)
            call.arguments.extend(added.text)

    def _continued(self, added: Added) -> OutCall | None:
        return self._tracker.plain(added.varying.choice, added.fragment)

    def event(self, draft: Draft) -> Drafts:
        if not draft.is_chunk:
            return tuple(self._other(draft))
        out = tuple(self._chunk(draft))
        self.awake = self.holding
        return out

    @property
    def done(self) -> bool:
        return any(isinstance(late.event, Done) for late in self._late)

    def _other(self, draft: Draft) -> Iterator[Draft]:
        """What is no chunk. A call that waits for its name is given up only where nothing can go on with it."""
        yield from self._let_go()
        if isinstance(draft.event, Done):
            self._look_for_open_calls()
        waits = any(calls.waits for calls in self._calls.values())
        open_ended = waits and self._under_way  # then the call that waits cannot go out before the other goes on
        may_end = isinstance(draft.event, Done | ErrorPayload)  # but the answer may go on behind it
        late = open_ended or (may_end and (waits or bool(self._late)))
        if late and not isinstance(draft.event, Undecodable) and len(self._late) < _MOST_LATE:
            self._late += (*self.comments, draft)
            self.comments = []
            self.awake = self.holding
            return
        if not isinstance(draft.event, Undecodable):
            yield from self._flush_all()
        yield draft

    @property
    def _under_way(self) -> bool:
        """Whether a call that went out is not complete: another may not begin before it is."""
        return any(calls.out and calls.out[-1].arguments.open for calls in self._calls.values())

    def _chunk(self, draft: Draft) -> Iterator[Draft]:
        listed = reading.choices(draft.json)
        if self.state.restarted_at in draft.sources:  # what waits is of the answer before
            yield from self._let_go()
            yield from self._flush_all()
        had_calls = emptied = False
        for position, choice in enumerate(listed):
            delta = choice.get("delta")
            if type(delta) is not dict:
                continue
            path = f"choices[{position}].delta."
            self._legacy(draft, choice, delta, path)
            if self._of_custom_tools(choice, delta):
                had_calls = True
            elif delta.get("tool_calls"):
                had_calls = True
                yield from self._fragments(draft, choice, delta, path)
                emptied = "tool_calls" not in delta
        if self._braces is not None and not (had_calls or self._late) and self._braces.holds(draft):
            self._finish_choices(draft)
            return
        if not had_calls:
            yield from self._let_go()
        if self._comes_late(listed, had_calls):
            yield from self._let_go()
            yield from said_first(draft, "tool-call-args-before-name")
            note_finishes(self.state.finished, listed)
            self._late += (*self.comments, draft)
            self.comments = []
            return
        self._finish_choices(draft)
        if emptied and _is_hollow(draft.json):
            self.state.account.drop(draft, draft.changes[-1].rule)
            return
        if self._braces is None or self._braces.held[0] is not draft:
            yield from self._let_go()
            yield draft

    def _of_custom_tools(self, choice: JsonObject, delta: JsonObject) -> bool:
        """Whether a delta is one of a choice that calls tools without a schema: they have an ``input`` and no
        ``function``, and with one of them among the calls their numbers are as they came."""
        index = choice.get("index")
        calls = map(reading.as_object, reading.as_list(delta.get("tool_calls")))
        if type(index) is int and any(type(one.get("custom")) is dict and "function" not in one for one in calls):
            self._custom.add(index)
        return index in self._custom and bool(delta.get("tool_calls"))

    def _comes_late(self, listed: list[JsonObject], had_calls: bool) -> bool:
        """Whether a chunk waits with the finish for the name of a call."""
        if self._late:
            return not had_calls and len(self._late) < _MOST_LATE
        ends = any(choice.get("finish_reason") for choice in listed)
        return ends and any(calls.waits for calls in self._calls.values())

    def _finish_choices(self, draft: Draft) -> None:
        for position, choice in enumerate(reading.choices(draft.json)):
            if choice.get("finish_reason"):
                self._finish(draft, choice, position)

    def end(self, ending: Ending) -> Drafts:
        return (*self._let_go(), *self._flush_all())

    def _flush_all(self) -> Iterator[Draft]:
        """The calls whose name never came, then what waited with the finish."""
        for index in self._calls:
            yield from self._flush(index)
        self._look_for_open_calls()
        late, self._late = self._late, []
        for draft in late:
            if draft.is_chunk:
                self._finish_choices(draft)
            yield draft

    def _look_for_open_calls(self) -> None:
        out = (call for calls in self._calls.values() for call in calls.out if not call.dropped)
        self.state.calls_open = any(call.arguments.open or not call.arguments.length for call in out)

    def release(self) -> Drafts:
        return (*self._let_go(), *self._flush_all())

    def _let_go(self) -> Iterator[Draft]:
        """The held ``{}`` were the whole arguments after all."""
        braces, self._braces = self._braces, None
        if braces is not None:
            self.awake = self.holding
            yield from braces.held

    # -- fragments ---------------------------------------------------------------------------------------------------

    def _legacy(self, draft: Draft, choice: JsonObject, delta: JsonObject, path: str) -> None:
        legacy = delta.get("function_call")
        if not isinstance(legacy, dict) or not self.state.tools or "functions" in self.state.body:
            return
        name = legacy.get("name")
        if isinstance(name, str) and is_no_name(name):  # no id can be made for it
            self.state.account.cannot("tool-call-legacy-function-call", "what stands in its name is no function")
            self._nameless.add(reading.choice_index(choice))
        if reading.choice_index(choice) not in self._nameless:
            rule = "tool-call-legacy-function-call"
            draft.drop(rule, delta, "function_call", path)
            if "tool_calls" not in delta:
                draft.put(rule, delta, "tool_calls", [{"index": 0, "function": legacy}], path)

    def _fragments(self, draft: Draft, choice: JsonObject, delta: JsonObject, path: str) -> Iterator[Draft]:
        odd = self._into_array(draft, delta, path)
        if odd and _holds_name(delta["tool_calls"]):  # nobody can say whose it is not
            yield from self._let_go()
            yield from self._flush_all()
        kept: list[JsonObject] = []
        choice_index = reading.choice_index(choice)
        calls = self._calls.setdefault(choice_index, OutCalls(self.state))
        before: Braces | None = None  # a fragment of this chunk that may be but a placeholder
        for position, fragment in enumerate(reading.tool_calls(delta)):
            spot = f"{path}tool_calls[{position}]."
            placed = self._tracker.place(choice_index, fragment)
            calls.came(placed.call, placed.opens)
            put_index(draft, placed, fragment, spot)
            if self._braces is not None and self._braces.go_on(placed.call, fragment):
                yield from self._let_go()
            if before is not None:
                before.go_on(placed.call, fragment)
            before = None
            if self._repaired(draft, calls, placed.call, fragment, spot):
                yield from self._let_go()  # of another call: this one goes out
                kept.append(fragment)
                if is_braces(placed.call, fragment):
                    before = Braces(draft, placed.call, fragment["function"])
        if odd:
            return
        if len(kept) != len(delta["tool_calls"]) or not kept:
            if kept:
                delta["tool_calls"] = kept
            else:
                del delta["tool_calls"]
                if "role" in delta and delta.get("content", "") is None:
                    draft.drop(_emptied_by(draft, path), delta, "content", path)  # null was right beside a call
            draft.note(_emptied_by(draft, path), path + "tool_calls")
        elif len(kept) == 1 and len(reading.choices(draft.json)) == 1 and not meaning_of(choice.get("finish_reason")):
            self._hold_braces(draft, calls, kept[0])

    def _into_array(self, draft: Draft, delta: JsonObject, path: str) -> bool:
        """Make ``tool_calls`` an array of objects where no guess is needed; whether something else is left in it."""
        listed, rule = delta["tool_calls"], "tool-call-not-in-array"
        if type(listed) is dict or (type(listed) is list and None in listed):
            put = [listed] if type(listed) is dict else [one for one in listed if one is not None]
            draft.put(rule, delta, "tool_calls", put, path)
        odd = type(delta["tool_calls"]) is not list or any(type(one) is not dict for one in delta["tool_calls"])
        if odd:
            self.state.account.cannot(rule, "what stands in tool_calls is no tool call")
        return odd

    def _repaired(self, draft: Draft, calls: OutCalls, call: OutCall, fragment: JsonObject, spot: str) -> bool:
        """Put a fragment right; False when nothing of it goes out now."""
        function = fragment.get("function")
        if type(function) is not dict:
            rule = "tool-call-function-missing"
            if function and not (type(function) is list and len(function) == 1 and type(function[0]) is dict):
                self.state.account.cannot(rule, "what stands in function is no function")
            function = reading.as_object(function[0]) if type(function) is list and len(function) == 1 else {}
            draft.put(rule, fragment, "function", function, spot)
        arguments = put_arguments(draft, call, function, spot)
        if call.opened:
            return continued(draft, call, fragment, function, arguments, spot)
        return calls.open(draft, call, fragment, arguments, spot)

    def _hold_braces(self, draft: Draft, calls: OutCalls, fragment: JsonObject) -> None:
        call = calls.out[fragment["index"]] if fragment["index"] < len(calls.out) else None
        if call is not None and is_braces(call, fragment):
            self._braces = Braces(draft, call, fragment["function"])

    # -- finishing ---------------------------------------------------------------------------------------------------

    def _finish(self, draft: Draft, choice: JsonObject, position: int) -> None:
        index, reason, path = reading.choice_index(choice), choice["finish_reason"], f"choices[{position}]."
        calls = index in self._calls and self._calls[index].live > 0
        self._look_for_open_calls()
        meant = reason_with_calls(self.state, reason) if calls else None
        if meant is not None:
            draft.put(meant, choice, "finish_reason", "tool_calls", path)
        elif finishes_without_calls(self.state, index, reason):
            draft.put("tool-call-finish-without-calls", choice, "finish_reason", "stop", path)

    def _flush(self, index: int) -> Iterator[Draft]:
        """Calls whose name never came whole."""
        calls = self._calls.get(index)
        if calls is None:
            return
        nameless = calls.nameless()
        for call in nameless:
            assert call.first is not None
            first, call.first = call.first, None
            joined = calls.join(call, first) if len(nameless) == 1 else None
            made = joined or calls.let_go(call, first)
            if made is not None:
                yield made


def _emptied_by(draft: Draft, path: str) -> str:
    """The rule by whose repair a fragment of this chunk went."""
    last = draft.changes[-1] if draft.changes else None
    return last.rule if last is not None and last.path.startswith(path) else "tool-call-function-missing"


def _holds_name(value: Any) -> bool:
    """Whether a name stands anywhere in what is no tool call."""
    if type(value) is dict and value.get("name"):
        return True
    inside = value.values() if type(value) is dict else reading.as_list(value)
    return any(map(_holds_name, inside))


def _is_hollow(chunk: JsonObject) -> bool:
    """Whether nothing is left in a chunk whose only tool call fragment was taken out."""
    if chunk.get("usage"):
        return False
    return all(not stops(choice) and not any(reading.delta(choice).values()) for choice in reading.choices(chunk))
