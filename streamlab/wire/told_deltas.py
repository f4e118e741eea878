"""A text in place of a delta: no client reads it, and what it says is known all the same."""

from __future__ import annotations

from streamlab.wire import reading
from streamlab.wire.keepalives import is_told_in
from streamlab.wire.payload import JsonObject, decode_payload

_MEMBERS = frozenset({"role", "content", "refusal", "tool_calls", "function_call", *reading.REASONING_KEYS})


def meant_delta(choice: JsonObject) -> JsonObject:
    """The delta of a choice, also where it is a text: that of the answer, or the JSON of a delta."""
    given = choice.get("delta")
    if isinstance(given, str) and is_told_in(given):
        return _encoded(given) or {"content": given}
    return reading.delta(choice)


def _encoded(text: str) -> JsonObject | None:
    """The delta that a text is the JSON of; None when it is a text like any other."""
    value = decode_payload(text.encode("utf-8", "replace")).value if text[:1] == "{" else None
    return value if type(value) is dict and value and _MEMBERS.issuperset(value) else None
