"""Usage by Anthropic's names, its counts as integers."""

from __future__ import annotations

from typing import Any, Final

from streamlab.apis.anthropic.expectations import FOREIGN_USAGE, USAGE_TOKENS
from streamlab.rules.repair import Draft
from streamlab.wire.payload import JsonObject

_RULE: Final = "messages-usage-wrong-shape"


def right_usage(draft: Draft, usage: JsonObject, path: str) -> bool:
    """Give usage, whose path begins with ``path``, Anthropic's names, and its counts their type. Whether that changed
    anything."""
    changed = False
    for foreign, own in FOREIGN_USAGE.items():
        if usage.get(foreign) is not None and usage.get(own) is None:
            draft.put(_RULE, usage, own, usage.pop(foreign), path)
            changed = True
    for key in USAGE_TOKENS:
        count = integer(usage.get(key))
        if count is not None and type(usage[key]) is not int:
            draft.put(_RULE, usage, key, count, path)
            changed = True
    return changed


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
