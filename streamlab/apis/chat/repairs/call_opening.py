"""A tool call as it goes out, and the fragment that opens it: index, id, type and name, each once and whole."""

from __future__ import annotations

import json
from typing import Any

from streamlab.apis.chat.repairs.call_arguments import CallArguments, unwrapped
from streamlab.rules.repair import ABSENT, Change, Draft, Origin, RepairState
from streamlab.wire.calls import TrackedCall, is_no_name
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import as_list, as_object

#: Calls whose arguments are still compared with what comes.
_REMEMBERED = 64
#: What a fragment of a function call has; anything else in it is passed on.
OWN_KEYS = frozenset({"index", "id", "type", "function"})


class OutCall(TrackedCall):
    """One call as it goes out. Tracked are index, id and name as they come."""

    def __init__(self, choice: int, index: int) -> None:
        super().__init__(choice, index)
        self.place = -1  # the index with which it goes out; known when it opens
        self.misplaced = ""  # the rule by which that is another than it came with
        self.sent_id = ""
        self.made_id = False  # by us, since none had come when the call opened
        self.sent_name = ""
        self.opened = False
        self.dropped = False  # nothing had come of it when the answer was over
        self.arguments = CallArguments()
        self.waiting = ""  # arguments that came before the name
        self.first: Draft | None = None  # where it waits for its name
        self.since: int | None = None  # the event with which that began
        self.typed = False  # while it waited
        self.extra: JsonObject = {}


class OutCalls:
    """The calls of one choice as they go out, and how each is opened."""

    def __init__(self, state: RepairState) -> None:
        self._state = state
        self.live = 0  # calls that came and were not dropped
        self._all: list[OutCall] = []
        self.out: list[OutCall] = []  # those that went out, by their index
        self._taken: set[str] = set()  # ids that went out
        self._waiting: list[OutCall] = []  # without a whole name

    def came(self, call: OutCall, opens: bool) -> None:
        """A fragment of a call came, the first or one more."""
        if opens or call.dropped:
            call.dropped = False
            self.live += 1
            self._state.calling[call.choice] += 1
        if opens:
            self._all.append(call)
            if len(self._all) > _REMEMBERED:
                self._all[-_REMEMBERED - 1].arguments = CallArguments()

    def drop(self, call: OutCall) -> None:
        """Nothing came of a call."""
        call.dropped = True
        self.live -= 1
        self._state.calling[call.choice] -= 1

    @property
    def waits(self) -> bool:
        """Whether a call waits for its name."""
        return any(call.first is not None for call in self._waiting)

    def nameless(self) -> list[OutCall]:
        """The calls that still wait for their name, in order; they wait no longer."""
        waiting, self._waiting = self._waiting, []
        return [call for call in waiting if call.first is not None]

    def join(self, call: OutCall, first: Draft) -> Draft | None:
        """Arguments under an index that nothing names, as those of the one call that has none; None where another
        reading is left."""
        owner = self.out[0] if len(self.out) == 1 else None
        if owner is None or owner.arguments.length or self._all.index(owner) > self._all.index(call):
            return None
        bare = not (call.id or call.name or call.extra) and call.arguments.complete
        if not bare or not self._may_take(owner, call.waiting):
            return None
        owner.arguments = call.arguments
        fragment = {"index": owner.place, "function": {"arguments": call.waiting}}
        self.drop(call)
        call.waiting = ""
        rule = "tool-call-name-missing"
        part = {"index": call.choice, "delta": {"tool_calls": [fragment]}, "finish_reason": None}
        return first.like(rule, part, "choices[0].delta.tool_calls[0].index")

    def _may_take(self, owner: OutCall, arguments: str) -> bool:
        """Whether no tool of the request says that these are not its arguments."""
        for tool in map(as_object, as_list(self._state.body.get("tools"))):
            function = as_object(tool.get("function"))
            known = as_object(function.get("parameters")).get("properties")
            if function.get("name") == owner.name and type(known) is dict:
                return set(json.loads(arguments)) <= set(known)
        return True

    def let_go(self, call: OutCall, first: Draft) -> Draft | None:
        """The chunk of a call whose name never came whole; None where nothing else came of it either."""
        if not call.name and not call.waiting and not call.id:
            self.drop(call)
            first.changes.append(Change("tool-call-ghost-sentinel", "choices[0].delta.tool_calls"))
            return None
        rule = "tool-call-name-split"
        if not call.name:
            rule = "tool-call-name-missing"
            found = unwrapped(call.waiting)
            if found is None:
                self._state.account.cannot(rule, "no fragment of the call carries a name", call.since)
            else:
                call.name, call.waiting = found
        function: JsonObject = {"name": call.name} if call.name else {}
        function["arguments"] = call.waiting
        fragment: JsonObject = {"index": len(self.out), "function": function, **call.extra}
        part = {"index": call.choice, "delta": {"tool_calls": [fragment]}, "finish_reason": None}
        draft = first.like(rule, part, "choices[0]")
        if call.id:
            fragment["id"] = call.id
        self.identify(draft, call, fragment, "choices[0].delta.tool_calls[0].")
        call.opened, call.sent_name = True, call.name or ""
        call.waiting = ""
        return draft

    def open(self, draft: Draft, call: OutCall, fragment: JsonObject, arguments: str, spot: str) -> bool:
        """Make a fragment the one that opens its call; False while the name is not whole, and nothing goes out."""
        function = fragment["function"]
        name = function.get("name")
        if not call.name or self._is_part_of_a_name(call.name):
            _gather(draft, call, arguments, spot)
            if call.first is None:
                self._waiting.append(call)
                call.since = min(draft.sources, default=None)
            call.first = draft
            call.typed = call.typed or fragment.get("type") == "function"
            call.extra.update({key: value for key, value in fragment.items() if key not in OWN_KEYS})
            rule = "tool-call-name-split" if call.name else "tool-call-args-before-name"
            draft.note(rule, spot.removesuffix("."), dict(fragment), ABSENT)
            return False
        if call.first is not None:
            _gather(draft, call, arguments, spot)
            arguments = call.waiting
            call.waiting, call.first = "", None
            fragment.update(call.extra)
            rule = "tool-call-name-split" if name != call.name else "tool-call-args-before-name"
            draft.put(rule, function, "arguments", arguments, spot + "function.")
        else:
            call.arguments.add(arguments)
        if name != call.name:
            draft.put("tool-call-name-split", function, "name", call.name, spot + "function.")
        self.identify(draft, call, fragment, spot)
        call.opened, call.sent_name = True, call.name
        return True

    def _is_part_of_a_name(self, name: str) -> bool:
        tools = self._state.tools
        return bool(tools) and name not in (tools or ()) and any(tool.startswith(name) for tool in tools or ())

    def identify(self, draft: Draft, call: OutCall, fragment: JsonObject, spot: str) -> None:
        """Index, id and type of the fragment that opens a call."""
        call.place = len(self.out)
        self.out.append(call)
        if type(fragment.get("index")) is not int or fragment["index"] != call.place:
            draft.put(call.misplaced or "tool-call-index-offset", fragment, "index", call.place, spot)
        odd = not call.id and is_no_name(call.name)  # scraps of a parser: an id would make a call of them
        call.sent_id = call.id or ("" if odd else _made_id(draft, call))
        if odd:
            self._state.account.cannot("tool-call-id-missing", "what stands in its name is no function")
        elif not call.id:
            call.made_id = True
            draft.put("tool-call-id-missing", fragment, "id", call.sent_id, spot, Origin.INVENTED)
        elif call.id in self._taken:
            call.sent_id = self._fresh_id(call.id)
            draft.put("tool-call-id-duplicate", fragment, "id", call.sent_id, spot, Origin.INVENTED)
        elif fragment.get("id") != call.id:
            draft.put("tool-call-args-before-name", fragment, "id", call.id, spot)
        self._taken.add(call.sent_id)
        if fragment.get("type") != "function":
            if call.typed:
                draft.put("tool-call-args-before-name", fragment, "type", "function", spot)
            else:
                draft.put("tool-call-type-missing", fragment, "type", "function", spot, Origin.INVENTED)

    def _fresh_id(self, taken: str) -> str:
        number = len(self._taken) + 1
        while (other := f"{taken}_{number}") in self._taken:
            number += 1
        return other


def _gather(draft: Draft, call: OutCall, piece: str, spot: str) -> None:
    """Arguments of a call that waits for its name: kept without placeholder and copies, as if they had gone out."""
    path = spot + "function.arguments"
    if call.waiting.strip() == "{}" and piece.lstrip().startswith("{"):
        draft.note("tool-call-arguments-empty-object-prefix", path, call.waiting, "")
        call.waiting, call.arguments = "", CallArguments()
    fresh = call.arguments.without_copy(piece)
    if fresh != piece:
        draft.note("tool-call-arguments-duplicated", path, piece, fresh)
    call.arguments.add(fresh)
    call.waiting += fresh


def _made_id(draft: Draft, call: OutCall) -> str:
    seed = f"{draft.json.get('id')}/{call.place}/{call.name or ''}"
    import hashlib  # deferred: it loads OpenSSL

    return "call_" + hashlib.sha256(seed.encode()).hexdigest()[:24]


def reason_with_calls(state: RepairState, reason: Any) -> str | None:
    """The rule by which an answer with calls may not finish for this reason.

    OpenAI says ``stop`` after a call that a named tool_choice forced; unknown requests may have named one.
    """
    if reason == "function_call":
        return "tool-call-legacy-function-call"
    must = state.request_known and not isinstance(state.body.get("tool_choice"), dict)
    return "tool-call-finish-stop" if reason == "stop" and must else None


def finishes_without_calls(state: RepairState, index: int, reason: Any, *, said: bool = False) -> bool:
    """Whether a choice with text and no call finishes for the sake of calls, where that may be guessed to be wrong.

    ``said`` tells of text that has not gone out yet.
    """
    called = reason != "tool_calls" or state.calling[index]
    return not called and state.unsafe and (said or state.texts.text(index) != "")
