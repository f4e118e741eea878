"""Usage by Anthropic's names, its counts as integers, and what came in not forgotten."""

from __future__ import annotations

from typing import Any, Final

from streamlab.apis.anthropic.expectations import FOREIGN_USAGE, INPUT_TOKENS, USAGE_TOKENS
from streamlab.rules.repair import Draft
from streamlab.wire.payload import JsonObject

_RULE: Final = "messages-usage-wrong-shape"


def right_usage(draft: Draft, usage: JsonObject, path: str) -> bool:
    """Give usage, whose path begins with ``path``, Anthropic's names, and its counts their type. Whether that changed
    anything."""
    changed = False
    for foreign, own in FOREIGN_USAGE.items():
        if usage.get(foreign) is not None and usage.get(own) is None:
            count = usage[foreign]
            draft.drop(_RULE, usage, foreign, path)
            draft.put(_RULE, usage, own, count, path)
            changed = True
    for key in USAGE_TOKENS:
        count = integer(usage.get(key))
        if count is not None and type(usage[key]) is not int:
            draft.put(_RULE, usage, key, count, path)
            changed = True
    return changed


def keep_input(draft: Draft, usage: JsonObject, start: JsonObject) -> bool:
    """Give the usage of message_delta back the input tokens of message_start that it sets to 0. Whether it did."""
    wiped = wiped_input(start, usage)
    for key in wiped:
        draft.put("messages-usage-input-zero", usage, key, start[key], "usage.")
    return bool(wiped)


def wiped_input(start: JsonObject, usage: JsonObject) -> list[str]:
    """The input tokens of message_start that the usage of message_delta sets to 0.

    Those of the cache may fall, with compaction and where the server runs tools: then the others grow.
    """
    counts = {key: usage[key] for key in INPUT_TOKENS if type(usage.get(key)) is int}
    held = [key for key in INPUT_TOKENS if start.get(key)]
    if counts.get("input_tokens") == 0 and not any(counts.values()):
        return [key for key in held if usage.get(key) != start[key]]
    own, cache = "input_tokens", INPUT_TOKENS[1:]
    if counts.get(own) == 0 and start.get(own):
        return [own]
    same = counts.get(own) is not None and counts[own] == start.get(own)
    if not same or usage.get("iterations") or usage.get("server_tool_use") or any(counts.get(key) for key in cache):
        return []
    return [key for key in cache if start.get(key) and counts.get(key) == 0]


def are_counts(usage: JsonObject) -> bool:
    """Whether all that usage counts is a number, under whatever name and of whatever type."""
    counts = (usage.get(key) for key in (*USAGE_TOKENS, *FOREIGN_USAGE))
    return all(count is None or integer(count) is not None for count in counts)


def integer(value: Any) -> int | None:
    """A count that is written in another type; None where it is none."""
    if type(value) is str and value.strip().isdecimal() and len(value) < 19:
        return int(value)
    if type(value) is float and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return value if type(value) is int else None
