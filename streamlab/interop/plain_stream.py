"""Whether bytes are plainly an event stream and nothing else, seen without what takes pastes apart.

It is said of no stream from which `paste` would take something, or of which it would note that some was left out: what
bears any mark of that, or any doubt, is left to it.
"""

from __future__ import annotations

from streamlab.lazy_pattern import lazy_pattern
from streamlab.wire.payload import decode_payload

#: Larger files are left to who reads them in parts.
LARGEST = 4 * 1024 * 1024
#: Events, each of one line of data, perhaps named, and a blank line, in line ends of one kind.
_STREAM = rb"(?:(?:event: [\w.-]{1,100}EOL)?data: (?:\{[^\r\n]*\}|\[DONE\])EOLEOL)+"
_STREAMS = tuple(lazy_pattern(_STREAM.replace(b"EOL", end)) for end in (rb"\n", rb"\r\n"))
#: Characters that may stand for what was left out, for quotation marks or blanks, or for nothing.
_ODD = frozenset("\u2026\u22ee\u201c\u201d\u201e\u201f\u00ab\u00bb\u00a0\u200b\u2060\ufeff")
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
    if not 0 < len(data) <= LARGEST or _STREAMS[b"\r" in data].fullmatch(data) is None or not _is_usual(data):
        return False
    if any(mark in data for mark in _MARKS) or _DOUBTFUL.search(data) is not None:
        return False
    return all(_is_object(line[6:]) for line in data.splitlines() if line.startswith(b"data: "))


def _is_usual(data: bytes) -> bool:
    try:
        return data.isascii() or _ODD.isdisjoint(data.decode())
    except UnicodeDecodeError:
        return False


def _is_object(payload: bytes) -> bool:
    if payload == b"[DONE]":
        return True
    found = decode_payload(payload)
    return found.ok and not found.faults and isinstance(found.value, dict)
