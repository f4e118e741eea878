"""Tool calls as OpenAI streams them: id, type and name once, in the fragment that opens the call; a dense index;
arguments as text."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any

from streamlab.exchange import Ending
from streamlab.rules.repair import Change, Draft, Drafts, Origin, Repair, RepairState, Stage
from streamlab.wire import reading
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import Fact

_MARKS = re.compile(r'["\\{}\[\]]')
_STOP_TOKENS = ("</s>", "<|eot_id|>", "<|eom_id|>", "<|im_end|>", "<|endoftext|>")
_MAX_ARGUMENTS = 1 << 20
#: Calls whose arguments are still compared with what comes.
_REMEMBERED = 64


class Arguments:
    """The arguments of a call so far, and whether they are a complete JSON object; each character is read once."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self.length = 0
        self._depth = 0
        self._in_string = False
        self._escaped = False
        self._closed = False

    def add(self, piece: str) -> None:
        self.length += len(piece)
        if self.length <= _MAX_ARGUMENTS:
            self._pieces.append(piece)
        at = 0
        if self._escaped and piece:
            self._escaped, at = False, 1
        while match := _MARKS.search(piece, at):
            at = match.end()
            mark = match.group()
            if mark == '"':
                self._in_string = not self._in_string
            elif mark == "\\":
                self._escaped = at >= len(piece)
                at += 1
            elif not self._in_string:
                self._depth += 1 if mark in "{[" else -1
                self._closed = self._closed or self._depth == 0

    @property
    def complete(self) -> bool:
        """Whether a JSON object is there in full."""
        if not self._closed or self._depth or self._in_string or self.length > _MAX_ARGUMENTS:
            return False
        try:
            return isinstance(json.loads(str(self)), dict)
        except (ValueError, RecursionError):
            return False

    def __str__(self) -> str:
        self._pieces = ["".join(self._pieces)]
        return self._pieces[0]


class _Call:
    """One call as it goes out."""

    def __init__(self, came_as: Any) -> None:
        self.index = -1  # as it goes out; known when it opens
        self.misplaced = ""  # the rule by which its index is another than it came with
        self.came_as = came_as  # the index it came with
        self.id: str | None = None
        self.ids: set[str] = set()
        self.name = ""
        self.opened = False
        self.arguments = Arguments()
        self.waiting = ""  # arguments that came before the name
        self.repeat = ""  # what may be a second copy of the arguments
        self.first: Draft | None = None
        self.extra: JsonObject = {}


class _Calls:
    """The calls of one choice: in order, and by the index and the ids they came with."""

    def __init__(self) -> None:
        self.all: list[_Call] = []
        self.by_index: dict[int, _Call] = {}
        self.by_id: dict[str, _Call] = {}
        self.out: list[_Call] = []  # those that went out, by their index
        self.taken: set[str] = set()  # ids that went out
        self.waiting: list[_Call] = []  # without a name

    def open(self, came_as: int | None) -> _Call:
        call = _Call(came_as)
        self.all.append(call)
        if came_as is not None:
            self.by_index[came_as] = call
        if len(self.all) > _REMEMBERED:
            self.all[-_REMEMBERED - 1].arguments = Arguments()
        return call


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
    on = Fact.TOOL_CALLS | Fact.FUNCTION_CALL | Fact.FINISH
    holds_back = (
        "a call until its name is known; arguments {} until the next event; what looks like a second copy of "
        "complete arguments until the call ends"
    )

    def __init__(self, story: RepairState) -> None:
        super().__init__(story)
        self._calls: dict[int, _Calls] = {}
        self._braces: tuple[Draft, _Call, JsonObject] | None = None

    @property
    def holding(self) -> bool:
        return self._braces is not None

    # -- events ------------------------------------------------------------------------------------------------------

    def event(self, draft: Draft) -> Drafts:
        if not draft.is_chunk:
            return (*self._let_go(), *self._flush_all(), draft)
        return tuple(self._chunk(draft))

    def _chunk(self, draft: Draft) -> Iterator[Draft]:
        listed = reading.choices(draft.json)
        had_calls = False
        emptied = False
        for position, choice in enumerate(listed):
            delta = choice.get("delta")
            if type(delta) is not dict:
                continue
            path = f"choices[{position}].delta."
            self._legacy(draft, delta, path)
            if delta.get("tool_calls"):
                had_calls = True
                yield from self._fragments(draft, choice, delta, path)
                emptied = "tool_calls" not in delta
        if not had_calls:
            yield from self._let_go()
        for position, choice in enumerate(listed):
            if choice.get("finish_reason"):
                yield from self._finish(draft, choice, position)
        if emptied and _is_hollow(draft.json):
            self.story.account.drop(draft, "tool-call-function-missing")
            return
        if self._braces is not None and self._braces[0] is draft:
            self.awake = True
            return
        yield draft

    def end(self, ending: Ending) -> Drafts:
        return (*self._let_go(), *self._flush_all())

    def _flush_all(self) -> Iterator[Draft]:
        for index in self._calls:
            yield from self._flush(index)

    def release(self) -> Drafts:
        return tuple(self._let_go())

    def _let_go(self) -> Iterator[Draft]:
        """The held ``{}`` were the whole arguments after all."""
        if self._braces is not None:
            held, _, _ = self._braces
            self._braces = None
            self._settle_awake()
            yield held

    def _settle_awake(self) -> None:
        self.awake = self._braces is not None

    # -- fragments ---------------------------------------------------------------------------------------------------

    def _legacy(self, draft: Draft, delta: JsonObject, path: str) -> None:
        legacy = delta.get("function_call")
        if isinstance(legacy, dict) and self.story.tools and "functions" not in self.story.body:
            draft.drop("tool-call-legacy-function-call", delta, "function_call", path)
            delta.setdefault("tool_calls", [{"index": 0, "function": legacy}])

    def _fragments(self, draft: Draft, choice: JsonObject, delta: JsonObject, path: str) -> Iterator[Draft]:
        odd = self._into_array(draft, delta, path)
        kept: list[JsonObject] = []
        choice_index = reading.choice_index(choice)
        for position, fragment in enumerate(reading.tool_calls(delta)):
            spot = f"{path}tool_calls[{position}]."
            call = self._call_of(draft, choice_index, fragment, spot)
            calls = self._calls[choice_index]
            if self._braces is not None and self._braces[1] is call:
                yield from self._after_braces(fragment)
            elif self._braces is not None:
                yield from self._let_go()
            if self._mend(draft, calls, call, fragment, spot):
                kept.append(fragment)
        if odd:
            return
        if len(kept) != len(delta["tool_calls"]) or not kept:
            if kept:
                delta["tool_calls"] = kept
            else:
                del delta["tool_calls"]
            draft.note("tool-call-function-missing", path + "tool_calls")
        elif len(kept) == 1 and len(reading.choices(draft.json)) == 1 and not choice.get("finish_reason"):
            self._hold_braces(draft, choice_index, kept[0])

    def _into_array(self, draft: Draft, delta: JsonObject, path: str) -> bool:
        """Make ``tool_calls`` an array of objects where no guess is needed; whether something else is left in it."""
        listed = delta["tool_calls"]
        if type(listed) is dict:
            draft.put("tool-call-not-in-array", delta, "tool_calls", [listed], path)
        elif type(listed) is list and None in listed:
            draft.put("tool-call-not-in-array", delta, "tool_calls", [one for one in listed if one is not None], path)
        odd = type(delta["tool_calls"]) is not list or any(type(one) is not dict for one in delta["tool_calls"])
        if odd:
            self.story.account.cannot("tool-call-not-in-array", "what stands in tool_calls is no tool call")
        return odd

    def _call_of(self, draft: Draft, choice_index: int, fragment: JsonObject, spot: str) -> _Call:
        """The call a fragment belongs to, opened when it is new; its index is put right."""
        calls = self._calls.setdefault(choice_index, _Calls())
        raw, rule = fragment.get("index"), "tool-call-index-offset"
        index = raw if type(raw) is int else int(raw) if isinstance(raw, str) and _is_index(raw) else None
        if type(raw) is not int:
            rule = "tool-call-index-missing" if raw is None else "tool-call-index-negative"
        elif raw < 0:
            rule, index = "tool-call-index-negative", None
        call = self._known(calls, index, fragment)
        if call is None:
            if index in calls.by_index:
                rule = "tool-call-index-collision"
            call = calls.open(index)
            self.story.calls += 1
        call.misplaced = call.misplaced or rule
        if call.opened and (raw != call.index or type(raw) is not int):
            draft.put(rule, fragment, "index", call.index, spot)
        return call

    def _known(self, calls: _Calls, index: int | None, fragment: JsonObject) -> _Call | None:
        call_id, name = fragment.get("id"), reading.function(fragment).get("name")
        has_id = isinstance(call_id, str) and bool(call_id)
        has_name = isinstance(name, str) and bool(name)
        if index is not None:
            call = calls.by_index.get(index)
            if call is None or not has_name:
                return call
            other_id = has_id and call.id is not None and call_id not in call.ids
            if (other_id and (name != call.name or call.arguments.complete)) and call.opened:
                return None
            if not has_id and name != call.name and call.arguments.complete:
                return None
            return call
        last = calls.all[-1] if calls.all else None
        if has_id:
            return calls.by_id.get(str(call_id)) or (None if has_name else last)
        if has_name and last is not None and (last.arguments.complete or (last.name and last.name != name)):
            return None
        return last

    def _mend(self, draft: Draft, calls: _Calls, call: _Call, fragment: JsonObject, spot: str) -> bool:
        """Put a fragment right; False when nothing of it goes out now."""
        function = fragment.get("function")
        if type(function) is not dict:
            function = {}
            draft.put("tool-call-function-missing", fragment, "function", function, spot)
        arguments = self._arguments(draft, call, function, spot)
        call_id = fragment.get("id")
        if isinstance(call_id, str) and call_id:
            self._note_id(calls, call, call_id)
        if call.opened:
            return self._later(draft, call, fragment, function, arguments, spot)
        return self._opening(draft, calls, call, fragment, arguments, spot)

    def _arguments(self, draft: Draft, call: _Call, function: JsonObject, spot: str) -> str:
        value = function.get("arguments")
        spot += "function."
        if isinstance(value, str):
            return value
        if value is None:
            if "arguments" in function or (not call.opened and function.get("name")):
                draft.put("tool-call-arguments-null", function, "arguments", "", spot)
            return ""
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        draft.put("tool-call-arguments-object", function, "arguments", text, spot)
        return text

    @staticmethod
    def _note_id(calls: _Calls, call: _Call, call_id: str) -> None:
        calls.by_id.setdefault(call_id, call)
        if len(call.ids) < _REMEMBERED:
            call.ids.add(call_id)

    def _opening(
        self, draft: Draft, calls: _Calls, call: _Call, fragment: JsonObject, arguments: str, spot: str
    ) -> bool:
        function = fragment["function"]
        name = function.get("name")
        call_id = fragment.get("id")
        if call.id is None and isinstance(call_id, str) and call_id:
            call.id = call_id
        if isinstance(name, str):
            call.name = name if name.startswith(call.name) else call.name + name
        rule = "tool-call-args-before-name" if not call.name else "tool-call-name-split"
        if not call.name or self._is_part_of_a_name(call.name):
            call.waiting += arguments
            if call.first is None:
                calls.waiting.append(call)
            call.first = draft
            call.extra.update({key: value for key, value in fragment.items() if key not in _OWN_KEYS})
            return False
        if call.first is not None:
            arguments = call.waiting + arguments
            call.waiting, call.first = "", None
            fragment.update(call.extra)
            draft.put(
                rule if name != call.name else "tool-call-args-before-name", function, "arguments", arguments, spot
            )
        if name != call.name:
            draft.put("tool-call-name-split", function, "name", call.name, spot + "function.")
        self._identify(draft, calls, call, fragment, spot)
        call.opened = True
        call.arguments.add(arguments)
        return True

    def _is_part_of_a_name(self, name: str) -> bool:
        tools = self.story.tools
        return bool(tools) and name not in (tools or ()) and any(tool.startswith(name) for tool in tools or ())

    def _identify(self, draft: Draft, calls: _Calls, call: _Call, fragment: JsonObject, spot: str) -> None:
        """Id and type of the fragment that opens a call."""
        call.index = len(calls.out)
        calls.out.append(call)
        if type(fragment.get("index")) is not int or fragment["index"] != call.index:
            draft.put(call.misplaced or "tool-call-index-offset", fragment, "index", call.index, spot)
        taken = calls.taken
        if not call.id:
            call.id = (
                "call_" + hashlib.sha256(f"{draft.json.get('id')}/{call.index}/{call.name}".encode()).hexdigest()[:24]
            )
            draft.put("tool-call-id-missing", fragment, "id", call.id, spot, Origin.INVENTED)
        elif call.id in taken:
            number = len(taken) + 1
            while (other := f"{call.id}_{number}") in taken:
                number += 1
            call.id = other
            draft.put("tool-call-id-duplicate", fragment, "id", call.id, spot)
        elif fragment.get("id") != call.id:
            draft.put("tool-call-args-before-name", fragment, "id", call.id, spot)
        calls.taken.add(call.id)
        self._note_id(calls, call, call.id)
        if fragment.get("type") != "function":
            draft.put("tool-call-type-missing", fragment, "type", "function", spot)

    def _later(
        self, draft: Draft, call: _Call, fragment: JsonObject, function: JsonObject, arguments: str, spot: str
    ) -> bool:
        if "id" in fragment:
            value = fragment["id"]
            rule = "tool-call-id-empty-continuation"
            if value:
                rule = "tool-call-id-repeated" if value == call.id else "tool-call-id-unstable"
            draft.drop(rule, fragment, "id", spot)
        if "type" in fragment:
            draft.drop("tool-call-id-repeated", fragment, "type", spot)
        if "name" in function:
            rule = "tool-call-name-repeated" if function["name"] else "tool-call-name-empty-continuation"
            draft.drop(rule, function, "name", spot + "function.")
        if not arguments and "arguments" not in function:
            if set(fragment) - _OWN_KEYS or set(function):
                draft.put("tool-call-arguments-null", function, "arguments", "", spot + "function.")
                return True
            draft.note("tool-call-function-missing", spot + "function")
            return False
        fresh = self._without_copy(call, arguments)
        if fresh != arguments:
            draft.put("tool-call-arguments-duplicated", function, "arguments", fresh, spot + "function.")
            if not fresh:
                return False
        call.arguments.add(fresh)
        return True

    def _without_copy(self, call: _Call, arguments: str) -> str:
        """Arguments without what came before: a second copy of complete ones, or the text so far once more."""
        before = call.arguments
        if not arguments or not before.length or before.length > _MAX_ARGUMENTS:
            return arguments
        if call.repeat or (arguments.lstrip()[:1] == "{" and before.complete):
            candidate = call.repeat + arguments
            whole = str(before)
            if whole.startswith(candidate):
                call.repeat = "" if candidate == whole else candidate
                return ""
            call.repeat = ""
            return candidate
        if (
            len(arguments) > before.length
            and arguments.startswith(str(before))
            and _begins_again(str(before), arguments)
        ):
            return arguments[before.length :]
        return arguments

    # -- arguments that are {} and then something else ---------------------------------------------------------------

    def _hold_braces(self, draft: Draft, choice_index: int, fragment: JsonObject) -> None:
        function = reading.function(fragment)
        known = self._calls[choice_index].out
        call = known[fragment["index"]] if fragment["index"] < len(known) else None
        if (
            call is not None
            and call.opened
            and str(function.get("arguments")).strip() == "{}"
            and call.arguments.length == 2
        ):
            self._braces = (draft, call, function)

    def _after_braces(self, fragment: JsonObject) -> Iterator[Draft]:
        """More arguments after ``{}``: the braces were a placeholder."""
        assert self._braces is not None
        held, call, function = self._braces
        value = reading.function(fragment).get("arguments")
        if isinstance(value, str) and value.lstrip().startswith("{"):
            held.put("tool-call-arguments-empty-object-prefix", function, "arguments", "", "choices[0].delta.")
            call.arguments = Arguments()
        yield from self._let_go()

    # -- finishing ---------------------------------------------------------------------------------------------------

    def _finish(self, draft: Draft, choice: JsonObject, position: int) -> Iterator[Draft]:
        index = reading.choice_index(choice)
        yield from self._flush(index, draft)
        reason = choice["finish_reason"]
        path = f"choices[{position}]."
        calls = index in self._calls and bool(self._calls[index].all)
        if reason == "function_call" and calls:
            draft.put("tool-call-legacy-function-call", choice, "finish_reason", "tool_calls", path)
        elif reason == "stop" and calls and self._must_say_tool_calls():
            draft.put("tool-call-finish-stop", choice, "finish_reason", "tool_calls", path)
        elif reason == "tool_calls" and not calls and self.story.unsafe and self.story.texts.text(index) != "":
            draft.put("tool-call-finish-without-calls", choice, "finish_reason", "stop", path)

    def _must_say_tool_calls(self) -> bool:
        """OpenAI says ``stop`` after a call that a named tool_choice forced; unknown requests may have named one."""
        return self.story.request_known and not isinstance(self.story.body.get("tool_choice"), dict)

    def _flush(self, index: int, draft: Draft | None = None) -> Iterator[Draft]:
        """Calls whose name never came whole, and copies that never became whole."""
        calls = self._calls.get(index)
        if calls is None:
            return
        waiting, calls.waiting = calls.waiting, []
        for call in waiting:
            if call.first is not None:
                first, call.first = call.first, None
                made = self._nameless(calls, call, first, index)
                if made is not None:
                    yield made

    def _nameless(self, calls: _Calls, call: _Call, first: Draft, index: int) -> Draft | None:
        if not call.name and not call.waiting and not call.id:
            self.story.calls -= 1
            calls.all.remove(call)
            first.changes.append(Change("tool-call-ghost-sentinel", "choices[0].delta.tool_calls"))
            return None
        rule = "tool-call-name-split"
        if not call.name:
            rule = "tool-call-name-missing"
            _unwrap(call)
            if not call.name:
                self.story.account.cannot(rule, "no fragment of the call carries a name")
        function: JsonObject = {"name": call.name} if call.name else {}
        function["arguments"] = call.waiting
        fragment: JsonObject = {"index": len(calls.out), "function": function, **call.extra}
        draft = first.like(
            rule, {"index": index, "delta": {"tool_calls": [fragment]}, "finish_reason": None}, "choices[0]"
        )
        spot = "choices[0].delta.tool_calls[0]."
        if call.id:
            fragment["id"] = call.id
        self._identify(draft, calls, call, fragment, spot)
        call.opened = True
        call.arguments.add(call.waiting)
        call.waiting = ""
        return draft


def _unwrap(call: _Call) -> None:
    """TGI's form: the arguments hold ``{"function": {"_name": ..., arguments...}}``, a stop token may follow."""
    text = call.waiting
    for token in _STOP_TOKENS:
        text = text.removesuffix(token)
    try:
        inner = json.loads(text).get("function")
    except (ValueError, AttributeError, RecursionError):
        return
    if isinstance(inner, dict) and isinstance(inner.get("_name"), str):
        call.name = inner.pop("_name")
        call.waiting = json.dumps(inner, ensure_ascii=False)


def _begins_again(before: str, arguments: str) -> bool:
    """Whether arguments that begin with all that came before cannot continue it: ``{"`` and ``{":1}`` can."""
    return len(before) >= 4 or before == "{" or (before[:2] == '{"' and arguments[2:3] not in (":", " "))


def _is_index(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 9


_OWN_KEYS = frozenset({"index", "id", "type", "function"})


def _is_hollow(chunk: JsonObject) -> bool:
    """Whether nothing is left in a chunk whose only tool call fragment was taken out."""
    if chunk.get("usage"):
        return False
    return all(
        not choice.get("finish_reason") and not any(reading.delta(choice).values()) for choice in reading.choices(chunk)
    )
