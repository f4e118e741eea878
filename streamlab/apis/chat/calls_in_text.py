"""Calls that a model wrote into its text, read out of it: what a rule promises of them, and what the repair makes."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import NamedTuple

from streamlab.lazy_pattern import lazy_pattern
from streamlab.wire.accumulate import ChoiceState
from streamlab.wire.leaks import leaked_call
from streamlab.wire.payload import JsonObject

#: Marks that close a call.
_CLOSED = lazy_pattern(r"(?:\s*(?:</[^<>]*>|<\|\w*_end\|>|\[/[A-Z_]+\]))*\s*")
_TAGS = lazy_pattern(r"<[^<>]*>|\[/?[A-Z_]+\]|functions?[.:=]?|:\d+|```(?:json)?|[\s,;\[\]]")


class WrittenCall(NamedTuple):
    """A call that was read out of a text, and where it ends there, with the marks that close it."""

    name: str
    arguments: JsonObject
    end: int


def is_read(state: ChoiceState, choices: Collection[object], tools: frozenset[str] | None) -> bool:
    """Whether calls are read out of the text of a choice on request: it is the only one, and none came beside."""
    if state.calls or len(choices) > 1:
        return False
    text = str(state.content)
    start = min((at for at in map(text.find, "<[") if at >= 0), default=len(text))
    return bool(calls_in(text[start:], tools or frozenset())[1])


def calls_in(text: str, names: frozenset[str]) -> tuple[str, list[WrittenCall]]:
    """The text before the markup, and the calls in it; no calls when anything but markup follows the first marker."""
    if leaked_call(text, names) is None:
        return text, []
    start = min((at for at in (text.find(mark) for mark in "<[") if at >= 0), default=-1)
    if start < 0:
        return text, []
    rest, residue, at = text[start:], "", 0
    calls: list[WrittenCall] = []
    import json  # deferred: it compiles patterns, and few texts hold calls

    decoder = json.JSONDecoder()
    while (brace := rest.find("{", at)) >= 0:
        try:
            value, end = decoder.raw_decode(rest, brace)
        except (ValueError, RecursionError):
            return text, []
        head = rest[at:brace]
        named = _call(value, head, names)
        if named is None:
            return text, []
        closed = _CLOSED.match(rest, end)
        calls.append(WrittenCall(*named, start + (closed.end() if closed is not None else end)))
        residue += head.replace(named[0], "")
        at = end
    residue += rest[at:]
    return (text[:start], calls) if calls and not _TAGS.sub("", residue) else (text, [])


def _call(value: JsonObject, head: str, names: frozenset[str]) -> tuple[str, JsonObject] | None:
    name = value.get("name")
    arguments = value.get("arguments", value.get("parameters"))
    if name in names and isinstance(arguments, dict):
        return str(name), arguments
    found = [name for name in names if re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", head)]
    return (max(found, key=len), value) if found else None
