"""What can be wrong with the joined input of a tool: told apart here, for the rules and for the repair."""

from __future__ import annotations

import json
from collections.abc import Collection
from enum import StrEnum
from itertools import pairwise
from typing import Any

from streamlab.apis.anthropic.blocks import MOST_FRAGMENTS, Block


class InputFault(StrEnum):
    """Why the input of a tool is not the object it should be."""

    NONE = "none"
    EMPTY_OBJECT_PREFIX = "empty-object-prefix"
    REPEATED = "repeated"
    DOUBLE_ENCODED = "double-encoded"
    NOT_OBJECT = "not-object"
    NOT_JSON = "not-json"


def meant_tool(name: str, tools: Collection[str]) -> str | None:
    """The one offered tool whose name differs from a called one in case alone; None where there is none, or several."""
    alike = [tool for tool in tools if tool.lower() == name.lower()]
    return alike[0] if len(alike) == 1 else None


def fault_of(block: Block) -> InputFault:
    """What is wrong with a block's input; worked out once, when the block is closed."""
    if block.input_fault is None:
        block.input_fault = judge(str(block.text), block.fragments)
    fault: InputFault = block.input_fault
    return fault


def judge(text: str, fragments: list[str]) -> InputFault:
    """What is wrong with an input that came in these fragments."""
    if not text.strip():
        return InputFault.NONE
    known, value = _parsed(text)
    if known:
        if type(value) is dict:
            return InputFault.NONE
        inner = _parsed(value) if type(value) is str else (False, None)
        return InputFault.DOUBLE_ENCODED if inner[0] and type(inner[1]) is dict else InputFault.NOT_OBJECT
    return InputFault.NOT_JSON if repaired(text, fragments) is None else _kind(text)


def grows(block: Block) -> bool:
    """Whether each piece of a block's input holds all of it so far."""
    return len(set(block.fragments)) > 1 and _grow(block.fragments)


def is_cut(text: str) -> bool:
    """Whether an input that is no JSON is the beginning of an object of one level."""
    return any(_is_object(text + rest) for rest in ('"}', "}", ":null}", '":null}', "null}", '"":null}'))


def goes_on(text: str) -> bool:
    """Whether an input that is no JSON is an object with something else behind it."""
    try:
        value, _ = json.JSONDecoder().raw_decode(text.lstrip())
    except (ValueError, RecursionError):
        return False
    return type(value) is dict


def _kind(text: str) -> InputFault:
    rest = text.lstrip()
    empty = rest.startswith("{}") and rest[2:].lstrip().startswith("{") and not _repeats(rest)
    return InputFault.EMPTY_OBJECT_PREFIX if empty else InputFault.REPEATED


def repaired(text: str, fragments: list[str]) -> str | None:
    """The one object that an input says twice, step by step, or behind an empty one; None when it says none."""
    rest = text.strip()
    if rest.startswith("{}") and len(rest) > 2 and _is_object(rest[2:]):
        return rest[2:].strip()
    first = _repeats(rest)
    if first is not None:
        return first
    last = fragments[-1] if fragments else ""
    if len(fragments) > 1 and len(fragments) < MOST_FRAGMENTS and _grow(fragments) and _is_object(last):
        return last
    return _each_once(fragments)


def _each_once(fragments: list[str]) -> str | None:
    """The object that fragments are of which each came twice in a row; None where they are not."""
    said = [piece for piece in fragments if piece]
    if len(said) % 2 or len(said) < 4 or len(fragments) >= MOST_FRAGMENTS or said[::2] != said[1::2]:
        return None
    once = "".join(said[::2])
    return once if _is_object(once) else None


def decoded(text: str, *, twice: bool = False) -> str | None:
    """The text of the object that a string holds, read once, or once more; None when it holds none."""
    if twice:
        known, inner = _parsed(text)
        return decoded(inner) if known and type(inner) is str else None
    return text if _is_object(text) else None


def _grow(fragments: list[str]) -> bool:
    """Whether each fragment begins with the one before."""
    return all(later.startswith(earlier) for earlier, later in pairwise(fragments))


def _repeats(text: str) -> str | None:
    """The first object of a text that holds nothing but this object several times."""
    decoder = json.JSONDecoder()
    try:
        value, end = decoder.raw_decode(text)
        first = text[:end]
        at, times = end, 1
        while at < len(text):
            while at < len(text) and text[at] in " \t\r\n":
                at += 1
            if at == len(text):
                break
            again, at = decoder.raw_decode(text, at)
            times += 1
            if again != value:
                return None
    except (ValueError, RecursionError):
        return None
    return first if times > 1 and type(value) is dict else None


def _is_object(text: str) -> bool:
    known, value = _parsed(text)
    return known and type(value) is dict


def _parsed(text: str) -> tuple[bool, Any]:
    try:
        return True, json.loads(text, parse_int=_whole, parse_constant=_no_json)
    except (ValueError, RecursionError):
        return False, None


def _no_json(word: str) -> None:
    """NaN and Infinity, which Python reads and JSON does not know."""
    raise ValueError(word)


def _whole(digits: str) -> int | float:
    """Integers of any length; those too long for Python become floats, as in JavaScript."""
    return int(digits) if len(digits) < 4300 else float(digits)
