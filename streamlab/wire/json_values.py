"""Complete JSON values cut out of a stream of bytes that has no other framing: NDJSON, a JSON array that grows, two
objects on one line.

Only brackets and strings are looked at, so a value is as long as its brackets say, whether it is valid JSON or not.
"""

from __future__ import annotations

import re

_STRUCTURE = re.compile(rb'["{}\[\]]')
_STRING_END = re.compile(rb'["\\]')
_BETWEEN = b" \t\r\n,"


class JsonSplitter:
    """Bytes in, the bytes of complete objects and arrays out; incremental and linear.

    With ``into_array`` the elements of an outer array are handed out one by one. Anything between two values that is
    neither white space nor a comma stops the splitter: ``stopped`` is then True and `rest` is what was not used.
    """

    def __init__(self, *, into_array: bool = False) -> None:
        self._pending = bytearray()
        self._scanned = 0
        self._depth = 0
        self._in_string = False
        self._into_array = into_array
        self.stopped = False

    @property
    def rest(self) -> bytes:
        """Bytes not handed out: an unfinished value, or what follows the last one."""
        return bytes(self._pending)

    def feed(self, data: bytes) -> list[bytes]:
        """The values that ``data`` completes."""
        self._pending += data
        values: list[bytes] = []
        while not self.stopped:
            if self._depth == 0 and not self._open():
                break
            end = self._close()
            if end < 0:
                break
            values.append(bytes(self._pending[:end]))
            del self._pending[:end]
            self._scanned = 0
        return values

    def _open(self) -> bool:
        """Skip to the first byte of the next value; False when there is none yet, or when something else comes."""
        at = 0
        while at < len(self._pending):
            byte = self._pending[at : at + 1]
            if byte == b"[" and self._into_array:
                self._into_array = False
                self._outer = True
            elif byte == b"]" and getattr(self, "_outer", False):
                self._outer = False
            elif byte in (b"{", b"["):
                del self._pending[:at]
                return True
            elif byte not in _BETWEEN:
                self.stopped = True
                break
            at += 1
        del self._pending[:at]
        return False

    def _close(self) -> int:
        """Index after the value that starts the buffer; -1 when it is not complete."""
        at, pending = self._scanned, self._pending
        while True:
            if self._in_string:
                match = _STRING_END.search(pending, at)
                if match is None:
                    self._scanned = len(pending)
                    return -1
                if match.group() == b"\\":
                    if match.end() >= len(pending):
                        self._scanned = match.start()
                        return -1
                    at = match.end() + 1
                    continue
                self._in_string, at = False, match.end()
                continue
            match = _STRUCTURE.search(pending, at)
            if match is None:
                self._scanned = len(pending)
                return -1
            at = match.end()
            mark = match.group()
            if mark == b'"':
                self._in_string = True
            elif mark in b"{[":
                self._depth += 1
            else:
                self._depth -= 1
                if self._depth <= 0:
                    self._depth = 0
                    return at


def split_values(data: bytes) -> list[bytes] | None:
    """The objects and arrays that ``data`` consists of, ``[DONE]`` among them; None when it holds anything else."""
    pieces: list[bytes] = []
    rest = data
    while rest.strip():
        if rest.lstrip().startswith(b"[DONE]"):
            pieces.append(b"[DONE]")
            rest = rest.lstrip()[6:]
            continue
        splitter = JsonSplitter()
        value, after = _first_value(splitter, rest)
        if value is None:
            return None
        pieces.append(value)
        rest = after
    return pieces


def _first_value(splitter: JsonSplitter, data: bytes) -> tuple[bytes | None, bytes]:
    stripped = data.lstrip()
    if stripped[:1] not in (b"{", b"["):
        return None, b""
    splitter._pending += stripped
    end = splitter._close()
    return (None, b"") if end < 0 else (stripped[:end], stripped[end:])
