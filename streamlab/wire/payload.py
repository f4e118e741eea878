"""The JSON of one event, with its faults kept: duplicate keys, NaN, text after the value, bytes that are not UTF-8.

A fast decoder reads the common case; Python's own is loaded where a fault has to be seen. Nothing here raises.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import Any

import msgspec

from streamlab.lazy_pattern import lazy_pattern
from streamlab.record import Record

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
    CONTROL_BYTE = "control-byte"  # a raw byte below 0x20 inside a string
    TOO_DEEP = "too-deep"


class PayloadFault(Record, frozen=True):
    """One thing wrong with a payload; ``at`` is the byte offset in the payload (0 when it is about the whole)."""

    kind: FaultKind
    at: int = 0
    detail: str = ""


class Payload(Record, frozen=True):
    """A decoded payload. ``ok`` is False when it is no JSON; ``value`` is then None, or, where only raw control bytes
    stand in the way, what a lenient reader makes of it."""

    ok: bool
    value: Any
    faults: tuple[PayloadFault, ...] = ()


_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode
_TOO_DEEP = PayloadFault(FaultKind.TOO_DEEP, 0, f"nested deeper than {MAX_DEPTH} levels")
#: Digits of the longest integer Python reads; longer ones become floats, as in JavaScript.
_MAX_DIGITS = 4300
_CONSTANT = lazy_pattern(r'"(?:[^"\\]|\\.)*"|NaN|-?Infinity', re.DOTALL)
_REPLACED = "\ufffd"
_ESCAPE = lazy_pattern(rb"\\(?:u([0-9a-fA-F]{4})|.)", re.DOTALL)
#: What is left of a number, a literal or an escape when the text ends inside it.
_BROKEN_OFF = lazy_pattern(
    r"(?:t|tr|tru|f|fa|fal|fals|n|nu|nul|N|Na|-?I[a-z]{0,6}|-|\.|[eE][+-]?|\\?u[0-9a-fA-F]{0,4})\s*\Z"
)


def decode_payload(data: bytes) -> Payload:
    """The value of a payload and everything that is wrong with it."""
    try:
        value = _decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError):
        return _decode_faulty(data)
    kind = type(value)
    if (kind is dict or kind is list) and not _keys_are_single(data, value):
        return _decode_watching(data, value)
    return Payload(True, value)


def _keys_are_single(data: bytes, value: Any) -> bool:
    """Whether no key can be doubled, and nothing is nested too deep; False when that takes a closer look.

    Written again, a value has each key once: where that gives the same bytes, as it does for nearly all events, no key
    was doubled. Otherwise, with no white space before a colon, every key ends in ``":``, and the only other ``":``
    follow a backslash, inside strings. Writing the value again keeps those (none but an escaped quote or colon could
    appear there), and writes a doubled key once: as many ``":`` as before mean that no key was doubled.
    """
    if data.count(b"{") + data.count(b"[") > MAX_DEPTH:
        return False
    try:
        again = _encode(value)
    except (ValueError, OverflowError, RecursionError):
        return False
    if again == data:
        return True
    if b" :" in data or b"\n" in data or b"\t" in data or b"\r" in data or b"\\u00" in data:
        return False
    return bool(data.count(b'":') == again.count(b'":'))


def _decode_watching(data: bytes, value: Any) -> Payload:
    """The fast decoder read it, but a key may be there twice: look closer."""
    if _depth_exceeds(value):
        return Payload(False, None, (_TOO_DEEP,))
    import json

    doubled: list[str] = []
    try:
        json.loads(data, object_pairs_hook=lambda pairs: _note_doubled(pairs, doubled), parse_int=len, parse_float=len)
    except (ValueError, RecursionError):
        return Payload(True, value)
    return Payload(True, value, tuple(_doubled_fault(data, key) for key in doubled))


def _doubled_fault(data: bytes, key: str) -> PayloadFault:
    import json

    quoted = json.dumps(key, ensure_ascii=False).encode("utf-8", "surrogatepass")
    return PayloadFault(FaultKind.DUPLICATE_KEYS, max(0, data.rfind(quoted)), key)


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
    for _ in range(MAX_DEPTH + 1):
        level = [
            member
            for outer in level
            for member in (outer.values() if type(outer) is dict else outer)
            if type(member) in (dict, list)
        ]
        if not level:
            return False
    return True


class _Found(Record, frozen=True):
    """What Python's decoder read: the value, where it ends, keys that are there twice, NaN and Infinity."""

    value: Any
    end: int
    doubled: list[str]
    constants: list[str]


def _read(text: str, strict: bool) -> _Found:
    """The first JSON value of ``text``; raises ValueError or RecursionError. Not strict: control bytes in strings."""
    doubled: list[str] = []
    constants: list[str] = []

    def constant(name: str) -> float:
        constants.append(name)
        return float(name)

    import json

    decoder = json.JSONDecoder(
        object_pairs_hook=lambda pairs: _note_doubled(pairs, doubled),
        parse_constant=constant,
        parse_int=_integer,
        strict=strict,
    )
    value, end = decoder.raw_decode(text, len(text) - len(text.lstrip(" \t\r\n")))
    return _Found(value, end, doubled, constants)


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= _MAX_DIGITS else float(digits)


def _decode_faulty(data: bytes) -> Payload:
    """The fast decoder refused it: find out why, and read what can be read."""
    faults: list[PayloadFault] = []
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        faults.append(PayloadFault(FaultKind.INVALID_UTF8, error.start, data[error.start : error.start + 4].hex(" ")))
        text = data.decode("utf-8", "replace")
    if not text.strip():
        return Payload(False, None, (*faults, PayloadFault(FaultKind.EMPTY)))
    control: PayloadFault | None = None
    try:
        try:
            found = _read(text, strict=True)
        except ValueError as error:
            control = _control_fault(data, text, error)
            if control is None:
                raise
            faults.append(control)
            found = _read(text, strict=False)
    except RecursionError:
        return Payload(False, None, (*faults, _TOO_DEEP))
    except ValueError as error:
        at, why = _place_and_reason(text, error)
        kind = FaultKind.TRUNCATED if _stops_in_the_middle(text, at, why) else FaultKind.NOT_JSON
        return Payload(False, None, (*faults, PayloadFault(kind, _byte_length(text[:at], data), why)))
    if type(found.value) in (dict, list) and _depth_exceeds(found.value):
        return Payload(False, None, (*faults, _TOO_DEEP))
    return Payload(control is None, found.value, (*faults, *_value_faults(data, text, found)))


def _place_and_reason(text: str, error: ValueError) -> tuple[int, str]:
    """Where the decoder stopped and why, the same in every Python: from 3.13 on a comma before a closing bracket is
    named itself, before that the bracket is what something else was expected at."""
    import json

    at: int = getattr(error, "pos", 0)
    close = text[at : at + 1]
    before = text[:at].rstrip(" \t\r\n")
    named = {"}": ("Expecting property name", "object"), "]": ("Expecting value", "array")}.get(close)
    if named is None or not before.endswith(",") or not str(error).startswith(named[0]):
        return at, str(error)
    comma = json.JSONDecodeError(f"Illegal trailing comma before end of {named[1]}", text, len(before) - 1)
    return comma.pos, str(comma)


def _control_fault(data: bytes, text: str, error: ValueError) -> PayloadFault | None:
    """The fault when a raw control byte in a string is what the strict decoder stumbled over."""
    at = getattr(error, "pos", 0)
    if not str(error).startswith("Invalid control character") or at >= len(text):
        return None
    return PayloadFault(FaultKind.CONTROL_BYTE, _byte_length(text[:at], data), f"{ord(text[at]):02x}")


def _value_faults(data: bytes, text: str, found: _Found) -> Iterator[PayloadFault]:
    """What is wrong with a payload that has a value."""
    if found.constants:
        at = offset = 0  # the same place, in characters and in bytes: thousands of NaN take no longer each than one
        for match in _CONSTANT.finditer(text, 0, found.end):
            if match.group()[0] != '"':
                offset += _byte_length(text[at : match.start()], data, offset)
                at = match.start()
                yield PayloadFault(FaultKind.NAN, offset, match.group())
    for key in found.doubled:
        yield _doubled_fault(data, key)
    if text[found.end :].strip(" \t\r\n"):
        offset = _byte_length(text[: found.end], data)
        yield PayloadFault(FaultKind.TRAILING_TEXT, offset, text[found.end : found.end + 40])
    lone = _lone_surrogate(data)
    if lone is not None:
        yield lone


def _lone_surrogate(data: bytes) -> PayloadFault | None:
    """The first escaped half of a surrogate pair that has no other half beside it."""
    if b"\\u" not in data:
        return None
    high: re.Match[bytes] | None = None
    for match in _ESCAPE.finditer(data):
        unit = int(match.group(1), 16) if match.group(1) else 0
        paired = high is not None and high.end() == match.start() and 0xDC00 <= unit <= 0xDFFF
        if high is not None and not paired:
            return _surrogate_fault(high)
        if 0xDC00 <= unit <= 0xDFFF and not paired:
            return _surrogate_fault(match)
        high = match if 0xD800 <= unit <= 0xDBFF else None
    return _surrogate_fault(high) if high is not None else None


def _surrogate_fault(match: re.Match[bytes]) -> PayloadFault:
    return PayloadFault(FaultKind.LONE_SURROGATE, match.start(), match.group().decode())


def _byte_length(text: str, data: bytes, start: int = 0) -> int:
    """How many bytes of ``data`` from ``start`` on were read as ``text``: U+FFFD may stand for bytes that are no UTF-8,
    and those are fewer or more than the three of U+FFFD itself."""
    if _REPLACED not in text:
        return len(text.encode())
    first, *parts = text.split(_REPLACED)
    at = start + len(first.encode())
    for part in parts:
        at += _replaced_length(data[at : at + 4]) + len(part.encode())
    return at - start


def _replaced_length(data: bytes) -> int:
    """How many bytes at the beginning of ``data`` were read as one U+FFFD."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start == 0:
            return error.end
    return len(_REPLACED.encode())


def _stops_in_the_middle(text: str, at: int, message: str) -> bool:
    """Whether the decoder failed because the text ended, as opposed to being something else than JSON."""
    if text.lstrip()[:1] not in ("{", "["):
        return False
    rest = text[at : at + 64] if len(text) - at > 64 else text[at:]
    return not rest.strip() or message.startswith("Unterminated string") or _BROKEN_OFF.match(rest) is not None


def encode_json(value: Any) -> bytes:
    """Compact JSON as OpenAI writes it: no spaces, UTF-8; what no UTF-8 can hold is escaped."""
    try:
        return msgspec.json.encode(value)
    except (UnicodeEncodeError, msgspec.ValidationError, ValueError, TypeError, RecursionError):
        import json

        return json.dumps(value, separators=(",", ":"), ensure_ascii=True).encode()
