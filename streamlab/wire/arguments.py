"""Reads the arguments of tool calls: whether they are JSON and how they are broken."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any

from streamlab.lazy_pattern import lazy_pattern
from streamlab.record import Record
from streamlab.wire.payload import FaultKind, decode_payload

if TYPE_CHECKING:
    from streamlab.wire.call_reader import Call, Fragment

_MAX_COPIES = 64
_SPACE = lazy_pattern(r"[ \t\r\n]*")
_HARMLESS = {FaultKind.DUPLICATE_KEYS, FaultKind.LONE_SURROGATE}


class Arguments(Record, frozen=True):
    """Argument text read as JSON: ``ok`` and its ``value``; else whether it merely stops in the middle."""

    ok: bool
    value: Any = None
    truncated: bool = False


def read_arguments(text: str) -> Arguments:
    """Argument text as a strict client reads it. Doubled keys and lone surrogates parse everywhere, NaN does not."""
    payload = decode_payload(text.encode("utf-8", "surrogatepass"))
    kinds = {fault.kind for fault in payload.faults} - _HARMLESS
    if payload.ok and not kinds:
        return Arguments(True, payload.value)
    return Arguments(False, None, FaultKind.TRUNCATED in kinds)


def is_whole(fragment: Fragment) -> bool:
    """Whether a call is whole in this one fragment of it."""
    return fragment.opens and type(read_arguments(str(fragment.function.get("arguments"))).value) is dict


class ArgumentsFault(Enum):
    """What is wrong with the whole arguments of a call; at most one thing is said."""

    PREFIX = "an extra {} at the beginning"
    DUPLICATED = "the same arguments again, their end again, or all so far in every piece"
    DOUBLE_ENCODED = "JSON text inside a JSON string"
    NOT_JSON = "no JSON object"


def fault_of(call: Call) -> ArgumentsFault | None:
    """What is wrong with a call's arguments as they are now; None when they are a JSON object or empty."""
    text = str(call.arguments)
    if not text:
        return None
    read = read_arguments(text)
    if read.ok:
        if type(read.value) is dict:
            return None
        inner = read_arguments(read.value).value if type(read.value) is str else None
        return ArgumentsFault.DOUBLE_ENCODED if type(inner) is dict else ArgumentsFault.NOT_JSON
    if call.cumulative and call.pieces > 1 and read_arguments(call.last_piece).ok:
        return ArgumentsFault.DUPLICATED
    if ends_again(text, call.last_piece):
        return ArgumentsFault.DUPLICATED
    return _repetition(text) or ArgumentsFault.NOT_JSON


def is_open(call: Call) -> bool:
    """Whether a call's arguments are no JSON object, nor anything that can be made one; nothing is none."""
    return not call.ghost and (not call.arguments or fault_of(call) is ArgumentsFault.NOT_JSON)


def ends_again(text: str, last: str) -> bool:
    """Whether the last piece is nothing but the end of an object once more that was whole without it."""
    whole = text.removesuffix(last)
    again = bool(last.strip()) and whole.endswith(last)
    return again and type(read_arguments(whole).value) is dict


def _repetition(text: str) -> ArgumentsFault | None:
    """Whether text that is no JSON is JSON objects in a row: an empty one first, or the same again and again, as what
    they are or encoded once more."""
    values: list[Any] = []
    import json  # deferred: most streams have no arguments

    decoder, at = json.JSONDecoder(), 0
    try:
        while at < len(text) and len(values) < _MAX_COPIES:
            value, at = decoder.raw_decode(text, at)
            values.append(value)
            at = _SPACE.match(text, at).end()  # type: ignore[union-attr]
    except (ValueError, RecursionError):
        return None
    if at < len(text) or len(values) < 2:
        return None
    if type(values[0]) is str:
        again = type(read_arguments(values[0]).value) is dict and all(value == values[0] for value in values)
        return ArgumentsFault.DOUBLE_ENCODED if again else None
    if type(values[0]) is not dict:
        return None
    if all(value == values[0] for value in values):
        return ArgumentsFault.DUPLICATED
    # Where different objects follow the empty one, they are no JSON without it either.
    prefixed = values[0] == {} and type(values[1]) is dict and all(value == values[1] for value in values[1:])
    return ArgumentsFault.PREFIX if prefixed else None
