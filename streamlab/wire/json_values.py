"""Complete JSON values cut out of bytes that have no other framing: NDJSON, a JSON array that grows, two objects on
one line.

Only brackets and strings are looked at: a value is as long as its brackets say, whether it is valid JSON or not. Of
lines, one that breaks off ends before the next that begins an object, or an event of an event stream.
"""

from __future__ import annotations

import math
import re
from typing import Any

from streamlab.lazy_pattern import lazy_pattern
from streamlab.wire.payload import decode_payload, encode_json

_STRUCTURE = lazy_pattern(rb'["{}\[\]]')
_STRING_END = lazy_pattern(rb'["\\]')
_STRING_END_OR_LINE = lazy_pattern(rb'["\\\n]')
_BETWEEN = b" \t\r\n,"
_FIELD = b"data:"
#: White space between a name and its value that is looked over.
_MOST_BLANKS = 64


class _Scanner:
    """Finds the end of the bracketed value that starts a growing buffer, looking at each byte once.

    With ``lines``, a value ends in front of a line that begins an object where JSON allows none: in a string, or where
    a member's name is to come; and in front of one that begins with ``data:``.
    """

    def __init__(self, at: int = 0, *, lines: bool = False) -> None:
        self._at = at
        self._open = bytearray()  # the brackets around what comes next
        self._in_string = False
        self._lines = lines
        self._string_end = _STRING_END_OR_LINE if lines else _STRING_END

    @property
    def inside(self) -> bool:
        return bool(self._open)

    def end(self, buffer: bytes | bytearray) -> int:
        """Index after the value; -1 when it is not complete."""
        at = self._at
        while True:
            match = (self._string_end if self._in_string else _STRUCTURE).search(buffer, at)
            if match is None:
                self._at = len(buffer)
                return -1
            mark, at = match.group(), match.end()
            if mark == b"\\" and at < len(buffer):
                at += 1
            elif mark == b"\n" and buffer.startswith((b"{", _FIELD), at):
                return self._over(match.start())
            elif mark == b"\\" or (mark == b"\n" and _FIELD.startswith(buffer[at : at + len(_FIELD)])):
                self._at = match.start()  # what begins there is still to come
                return -1
            elif mark == b'"':
                self._in_string = not self._in_string
            elif mark in b"{[":
                if self._lines and mark == b"{" and (line := self._line_of_its_own(buffer, match.start())) >= 0:
                    return self._over(line)
                self._open += mark
            else:
                del self._open[-1:]
                if not self._open:
                    return self._over(at)

    def _line_of_its_own(self, buffer: bytes | bytearray, at: int) -> int:
        """Where the line begins, if the object at ``at`` begins it, or an event, and nothing of the value before lets
        it begin there; -1 otherwise."""
        blanks = max(0, at - _MOST_BLANKS)
        before = buffer[blanks:at].rstrip(b" \t")
        if before.endswith(b"\n" + _FIELD):
            return blanks + len(before) - len(_FIELD)
        own = self._open.endswith(b"{") and buffer.endswith(b"\n", 0, at) and not before.rstrip().endswith(b":")
        return at if own else -1

    def _over(self, at: int) -> int:
        self._at, self._in_string = 0, False
        self._open.clear()
        return at


class JsonSplitter:
    """Bytes in, the bytes of complete objects and arrays out; incremental and linear.

    With ``into_array`` the elements of an outer array are handed out one by one; without, a line that breaks off is
    handed out as far as it came. Anything between two values that is neither white space nor a comma stops the
    splitter: ``stopped`` is then True and `rest` is what was not used.
    """

    def __init__(self, *, into_array: bool = False) -> None:
        self._pending = bytearray()
        self._scanner = _Scanner(lines=not into_array)
        self._into_array = into_array
        self._in_array = False
        self.stopped = False

    @property
    def rest(self) -> bytes:
        """Bytes not handed out: an unfinished value, or what follows the last one."""
        return bytes(self._pending)

    @property
    def pending(self) -> int:
        """How many bytes that are."""
        return len(self._pending)

    def feed(self, data: bytes) -> list[bytes]:
        """The values that ``data`` completes."""
        self._pending += data
        values: list[bytes] = []
        while not self.stopped and (self._scanner.inside or self._open()):
            end = self._scanner.end(self._pending)
            if end < 0:
                break
            values.append(bytes(self._pending[:end]))
            del self._pending[:end]
        return values

    def _open(self) -> bool:
        """Skip to the first byte of the next value; False when there is none yet, or when something else comes."""
        at, found = 0, False
        while at < len(self._pending) and not found and not self.stopped:
            byte = bytes(self._pending[at : at + 1])
            if byte == b"[" and self._into_array:
                self._into_array, self._in_array = False, True
            elif byte == b"]" and self._in_array:
                self._in_array = False
            elif byte in (b"{", b"["):
                found = True
                break
            elif byte not in _BETWEEN:
                self.stopped = True
                break
            at += 1
        del self._pending[:at]
        return found


#: White space, and the names of fields between values.
_PREFIXES = lazy_pattern(rb"\s*(?:data:\s*)*")


def split_values(data: bytes) -> list[bytes] | None:
    """The objects, arrays and ``[DONE]`` that ``data`` consists of; None when it holds anything else."""
    pieces: list[bytes] = []
    data = data.strip()
    at = 0
    while at < len(data):
        end = at + len(b"[DONE]") if data.startswith(b"[DONE]", at) else -1
        if end < 0 and data.startswith((b"{", b"["), at):
            end = _Scanner(at).end(data)
        if end < 0:
            return None
        pieces.append(data[at:end])
        at = _PREFIXES.match(data, end).end()  # type: ignore[union-attr]
    return pieces


_MEMBERS = lazy_pattern(rb'"(?:[^"\\]|\\.)*"?|[{}\[\],]', re.DOTALL)
#: Of a payload that breaks off, bytes that are read, at most.
_MOST_BEGUN = 65_536


def begun_value(data: bytes) -> Any:
    """What a payload that breaks off had begun: its members that are whole, in brackets that are closed where it
    breaks. None where nothing of it can be read."""
    open_brackets, whole = bytearray(), 0
    for found in _MEMBERS.finditer(data, 0, _MOST_BEGUN):
        token = found[0]
        if token in (b"{", b"["):
            open_brackets += b"}" if token == b"{" else b"]"
            whole = found.end()
        elif token in (b"}", b"]"):
            if not open_brackets:
                return None
            open_brackets.pop()
            whole = found.end()
        elif token == b",":
            whole = found.start()
    payload = decode_payload(data[:whole] + bytes(reversed(open_brackets)))
    return payload.value if payload.ok else None


_KEY_CONTROL = lazy_pattern("[\x00-\x1f]")


def whole_keys(value: Any) -> bool:
    """Take control characters out of the keys of JSON, in place, where no key is another's then; whether any went."""
    changed = False
    if type(value) is dict:
        keys = [_KEY_CONTROL.sub("", key) for key in value]
        if keys != list(value) and len(set(keys)) == len(keys):
            members = list(value.values())
            value.clear()
            value.update(zip(keys, members, strict=True))
            changed = True
    for member in value.values() if type(value) is dict else value:
        if type(member) in (dict, list):
            changed = whole_keys(member) or changed
    return changed


def without_nan(value: Any) -> None:
    """Replace NaN and infinities in place: a logprob by -9999.0, as OpenAI writes an unlikely token, else null."""
    members = value.items() if type(value) is dict else enumerate(value)
    for key, member in list(members):
        if type(member) is float and not math.isfinite(member):
            value[key] = -9999.0 if key == "logprob" else None
        elif type(member) in (dict, list):
            without_nan(member)


def as_it_is(value: Any, depth: int = 4) -> Any:
    """A value with objects and lists of its own, ``depth`` levels down, which no later change of it reaches."""
    if depth and type(value) is dict:
        return {key: as_it_is(one, depth - 1) for key, one in value.items()}
    return [as_it_is(one, depth - 1) for one in value] if depth and type(value) is list else value


def objects_in(value: Any) -> list[bytes]:
    """The payloads of events that a JSON value holds which is no object: those of a list of objects, or of a text that
    was encoded once too often, as an event, too. None where it holds anything else."""
    if type(value) is list and all(type(one) is dict for one in value):
        return [encode_json(one) for one in value]
    told = value.strip().removeprefix("data:").lstrip() if type(value) is str else ""
    text = told.encode("utf-8", "surrogatepass")
    read = decode_payload(text) if text.startswith(b"{") else None
    whole = read is not None and type(read.value) is dict and not read.faults
    return [text] if whole or text == b"[DONE]" else []


def says_nothing(value: Any) -> bool:
    """Whether a JSON value that is no object can be no part of an answer: null, a number, or empty."""
    return not value or type(value) in (int, float, bool)
