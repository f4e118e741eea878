"""The JSON of one event, with its faults kept: duplicate keys, NaN, text after the value, bytes that are not UTF-8.

A fast decoder reads the common case; Python's own is asked only where a fault has to be seen. Nothing here raises.
"""

from __future__ import annotations

import json
import re
from enum import StrEnum
from typing import Any, NamedTuple

import msgspec

JsonObject = dict[str, Any]

#: Deeper nesting than any client accepts is a fault, not a crash. msgspec and json stop near the recursion limit.
MAX_DEPTH = 200


class FaultKind(StrEnum):
    """What is wrong with a payload as JSON (RFC 8259)."""

    EMPTY = "empty"
    NOT_JSON = "not-json"
    TRUNCATED = "truncated"  # a JSON value that stops in the middle
    TRAILING_TEXT = "trailing-text"  # text after a complete value
    DUPLICATE_KEYS = "duplicate-keys"
    NAN = "nan"  # NaN, Infinity or -Infinity
    INVALID_UTF8 = "invalid-utf8"
    LONE_SURROGATE = "lone-surrogate"  # half of a surrogate pair, escaped: legal JSON, not legal Unicode
    TOO_DEEP = "too-deep"


class Fault(NamedTuple):
    """One thing wrong with a payload; ``at`` is the byte offset in the payload (0 when it is about the whole)."""

    kind: FaultKind
    at: int = 0
    detail: str = ""


class Payload(NamedTuple):
    """A decoded payload. ``ok`` is False when there is no value at all."""

    ok: bool
    value: Any
    faults: tuple[Fault, ...] = ()


_decode = msgspec.json.Decoder().decode
_SURROGATE = re.compile("[\ud800-\udfff]")


def decode_payload(data: bytes) -> Payload:
    """The value of a payload and everything that is wrong with it."""
    try:
        value = _decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError):
        return _decode_faulty(data)
    if type(value) is dict and data.count(b'":') == _key_count(value, 0):
        return Payload(True, value)
    return _decode_watching(data, value)


def _key_count(value: Any, depth: int) -> int:
    """How many keys all objects inside ``value`` have: the number of ``":`` when none is doubled."""
    if depth > MAX_DEPTH:
        return -1_000_000_000
    count = 0
    if type(value) is dict:
        count = len(value)
        for member in value.values():
            kind = type(member)
            if kind is dict or kind is list:
                count += _key_count(member, depth + 1)
    else:
        for member in value:
            kind = type(member)
            if kind is dict or kind is list:
                count += _key_count(member, depth + 1)
    return count


def _decode_watching(data: bytes, value: Any) -> Payload:
    """The fast decoder read it, but a key may be there twice (or a string holds ``":``): look closer."""
    if b'"' not in data or type(value) not in (dict, list):
        return Payload(True, value)
    doubled: list[str] = []
    try:
        json.loads(data, object_pairs_hook=lambda pairs: _note_doubled(pairs, doubled))
    except RecursionError:
        return Payload(False, None, (Fault(FaultKind.TOO_DEEP, 0, "nested deeper than any client reads"),))
    except ValueError:
        return Payload(True, value)
    if _depth_exceeds(value):
        return Payload(False, None, (Fault(FaultKind.TOO_DEEP, 0, f"nested deeper than {MAX_DEPTH} levels"),))
    return Payload(True, value, tuple(_doubled_fault(data, key) for key in doubled))


def _doubled_fault(data: bytes, key: str) -> Fault:
    quoted = json.dumps(key, ensure_ascii=False).encode("utf-8", "surrogatepass")
    return Fault(FaultKind.DUPLICATE_KEYS, max(0, data.rfind(quoted)), key)


def _note_doubled(pairs: list[tuple[str, Any]], doubled: list[str]) -> JsonObject:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen and key not in doubled:
                doubled.append(key)
            seen.add(key)
    return result


def _depth_exceeds(value: Any) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            member
            for outer in level
            for member in (outer.values() if type(outer) is dict else outer)
            if type(member) in (dict, list)
        ]
        if not level:
            return False
    return True


def _decode_faulty(data: bytes) -> Payload:
    """The fast decoder refused it: find out why, and read what can be read."""
    faults: list[Fault] = []
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        faults.append(Fault(FaultKind.INVALID_UTF8, error.start, data[error.start : error.start + 4].hex(" ")))
        text = data.decode("utf-8", "replace")
    if not text.strip():
        return Payload(False, None, (*faults, Fault(FaultKind.EMPTY)))
    doubled: list[str] = []
    constants: list[str] = []

    def constant(name: str) -> float:
        constants.append(name)
        return float(name)

    decoder = json.JSONDecoder(
        object_pairs_hook=lambda pairs: _note_doubled(pairs, doubled), parse_constant=constant, strict=True
    )
    leading = len(text) - len(text.lstrip(" \t\r\n"))
    try:
        value, end = decoder.raw_decode(text, leading)
    except RecursionError:
        return Payload(False, None, (*faults, Fault(FaultKind.TOO_DEEP, 0, "nested deeper than any client reads")))
    except ValueError as error:
        at = getattr(error, "pos", 0)
        kind = FaultKind.TRUNCATED if _stops_in_the_middle(text, at, str(error)) else FaultKind.NOT_JSON
        return Payload(False, None, (*faults, Fault(kind, len(text[:at].encode("utf-8", "replace")), str(error))))
    if type(value) in (dict, list) and _depth_exceeds(value):
        return Payload(False, None, (*faults, Fault(FaultKind.TOO_DEEP, 0, f"nested deeper than {MAX_DEPTH} levels")))
    for name in constants:
        faults.append(Fault(FaultKind.NAN, max(0, data.find(name.encode())), name))
    faults.extend(_doubled_fault(data, key) for key in doubled)
    if text[end:].strip(" \t\r\n"):
        at = len(text[:end].encode("utf-8", "replace"))
        return Payload(True, value, (*faults, Fault(FaultKind.TRAILING_TEXT, at, text[end : end + 40])))
    if b"\\u" in data and _SURROGATE.search(json.dumps(value, ensure_ascii=False)):
        faults.append(Fault(FaultKind.LONE_SURROGATE, 0))
    return Payload(True, value, tuple(faults))


def _stops_in_the_middle(text: str, at: int, message: str) -> bool:
    """Whether the decoder failed because the text ended, as opposed to being something else than JSON."""
    if text.lstrip()[:1] not in ("{", "["):
        return False
    return not text[at:].strip() or message.startswith("Unterminated string")


def encode_json(value: Any) -> bytes:
    """Compact JSON as OpenAI writes it: no spaces, UTF-8; what no UTF-8 can hold is escaped."""
    try:
        return msgspec.json.encode(value)
    except (UnicodeEncodeError, msgspec.ValidationError, ValueError, TypeError, RecursionError):
        return json.dumps(value, separators=(",", ":"), ensure_ascii=True).encode()
