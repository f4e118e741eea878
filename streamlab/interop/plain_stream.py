"""Whether bytes are plainly an event stream and nothing else, seen without what takes pastes apart.

It is said of no stream from which `paste` would take something, or of which it would note that some was left out: what
bears any mark of that, or any doubt, is left to it.
"""

from __future__ import annotations

from streamlab.lazy_pattern import lazy_pattern
from streamlab.wire.payload import decode_payload

#: Larger files are left to who reads them in parts.
LARGEST = 4 * 1024 * 1024
#: Events in blank lines' place, each of one line of data, perhaps named.
_STREAM = lazy_pattern(rb"(?:(?:event: [\w.-]{1,100}\n)?data: (?:\{[^\r\n]*\}|\[DONE\])\n\n)+")
#: What may stand in a paste alone, or be taken for it: fences, an escape of Markdown or of a page, heads and lines of
#: curl, dots in place of what was left out.
_MARKS = (
    b"```", b"~~~", b"{noformat", b"{code", b"\\_", b"&quot;", b"&#34;", b"HTTP/", b"* ", b"% Total", b"Dload", b":--:",
    b" bytes data]", b"curl", b"...",
)  # fmt: skip
#: The same: words for what was left out, the escapes of a mail, curl's clock.
_DOUBTFUL = lazy_pattern(rb"[<\[({][ \t]*(?:\d+ [moMO]|[mMsSoOtTcCeE])|=[0-9A-Fa-f\r\n]|\d:\d\d:\d\d")


def is_plain_stream(data: bytes) -> bool:
    """Whether it is events of JSON objects up to the last byte, and holds no mark of a paste. It may say no of more."""
    if not 0 < len(data) <= LARGEST or not data.isascii() or _STREAM.fullmatch(data) is None:
        return False
    if any(mark in data for mark in _MARKS) or _DOUBTFUL.search(data) is not None:
        return False
    return all(_is_object(line[6:]) for line in data.split(b"\n") if line.startswith(b"data: "))


def _is_object(payload: bytes) -> bool:
    if payload == b"[DONE]":
        return True
    found = decode_payload(payload)
    return found.ok and not found.faults and isinstance(found.value, dict)
