"""One fragment of a tool call as it goes out: its index, its arguments as text, and nothing said twice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from streamlab.apis.chat.repairs.call_arguments import CallArguments
from streamlab.apis.chat.repairs.call_opening import OWN_KEYS, OutCall
from streamlab.apis.chat.repairs.emptied import says_anything
from streamlab.rules.repair import Draft
from streamlab.wire import reading
from streamlab.wire.calls import Placed, arguments_text
from streamlab.wire.payload import JsonObject

_SAID = frozenset({"content", "refusal", "tool_calls", *reading.REASONING_KEYS})
_MOST_BEHIND = 64


def put_index(draft: Draft, placed: Placed[OutCall], fragment: JsonObject, spot: str) -> None:
    """Give a later fragment the index with which its call went out."""
    raw, call = fragment.get("index"), placed.call
    rule = "tool-call-index-offset"
    if placed.collides:
        rule = "tool-call-index-collision"
    elif type(raw) is not int:
        rule = "tool-call-index-missing" if raw is None else "tool-call-index-negative"
    elif raw < 0:
        rule = "tool-call-index-negative"
    call.misplaced = call.misplaced or rule
    if rule == "tool-call-index-offset":
        rule = call.misplaced  # what put the call elsewhere puts its later fragments there too
    if call.opened and (raw != call.place or type(raw) is not int):
        draft.put(rule, fragment, "index", call.place, spot)


def put_arguments(draft: Draft, call: OutCall, function: JsonObject, spot: str) -> str:
    """Make the arguments of a fragment text."""
    value: Any = function.get("arguments")
    spot += "function."
    if isinstance(value, str):
        return value
    text = arguments_text(value)
    if value is None:
        if "arguments" in function or (not call.opened and function.get("name")):
            draft.put("tool-call-arguments-null", function, "arguments", text, spot)
        return text
    draft.put("tool-call-arguments-object", function, "arguments", text, spot)
    return text


def continued(
    draft: Draft, call: OutCall, fragment: JsonObject, function: JsonObject, arguments: str, spot: str
) -> bool:
    """A fragment of a call that went out: nothing but arguments. False when it adds none."""
    value = fragment.get("id")
    if type(value) is str and value and not call.sent_id:
        call.sent_id = value  # it went out without one
    elif "id" in fragment:
        rule = "tool-call-id-empty-continuation"
        if value:
            rule = "tool-call-id-repeated" if value == call.sent_id else "tool-call-id-unstable"
            if call.made_id and value == call.id:
                rule = "tool-call-id-missing"  # it came late: the call had gone out with one of ours
        draft.drop(rule, fragment, "id", spot)
    if "type" in fragment:
        draft.drop("tool-call-type-missing", fragment, "type", spot)
    if call.sent_name != (call.name or ""):
        call.sent_name = call.name or ""  # one more piece of the name: who joins pieces needs it
    elif "name" in function:
        rule = "tool-call-name-repeated" if function["name"] else "tool-call-name-empty-continuation"
        draft.drop(rule, function, "name", spot + "function.")
    if not arguments and "arguments" not in function:
        if set(fragment) - OWN_KEYS or set(function):
            draft.put("tool-call-arguments-null", function, "arguments", "", spot + "function.")
            return True
        draft.note("tool-call-function-missing", spot + "function")
        return False
    fresh = call.arguments.without_copy(arguments)
    if fresh != arguments:
        draft.put("tool-call-arguments-duplicated", function, "arguments", fresh, spot + "function.")
        if not fresh and not function.get("name"):
            return False
    call.arguments.add(fresh)
    return True


def said_first(draft: Draft, rule: str) -> Iterator[Draft]:
    """Role, text and calls of a chunk that has to wait, in a chunk of their own: what comes meanwhile goes out behind
    them."""
    for position, choice in enumerate(reading.choices(draft.json)):
        delta = reading.delta(choice)
        said = {key: delta[key] for key in delta if key == "role" or (key in _SAID and delta[key])}
        if said:
            path = f"choices[{position}].delta."
            part = {"index": reading.choice_index(choice), "delta": said, "finish_reason": None}
            yield draft.like(rule, part, path + next(iter(said)))
            for key in (*said, *(key for key, value in delta.items() if value is None)):  # null stands for no text
                draft.drop(rule, delta, key, path)


def is_braces(call: OutCall, fragment: JsonObject) -> bool:
    """Whether ``{}`` is all the arguments that a call has so far, and this fragment brought them."""
    text = str(reading.function(fragment).get("arguments")).strip()
    return call.opened and text == "{}" and call.arguments.length == 2


class Braces:
    """``{}`` that may be but a placeholder for the arguments of a call, which begin with the next fragment then."""

    def __init__(self, draft: Draft, call: OutCall, function: JsonObject) -> None:
        self.held = [draft]  # and what says nothing behind it
        self._call, self._function = call, function

    def holds(self, draft: Draft) -> bool:
        """Whether a chunk waits with them: it may go to the end, and what comes behind it goes on with the call."""
        if len(self.held) > _MOST_BEHIND or any(map(says_anything, reading.choices(draft.json))):
            return False
        self.held.append(draft)
        return True

    def go_on(self, call: OutCall, fragment: JsonObject) -> bool:
        """Whether a fragment adds arguments to the same call; where these begin anew, the braces go."""
        text = arguments_text(reading.function(fragment).get("arguments")) if call is self._call else ""
        if text.lstrip().startswith("{"):
            rule = "tool-call-arguments-empty-object-prefix"
            self.held[0].put(rule, self._function, "arguments", "", "choices[0].delta.tool_calls[0].function.")
            call.arguments = CallArguments()
        return bool(text)
