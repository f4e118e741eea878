"""What kind of thing a whole body is, judged by its first bytes and never by how it was cut."""

from __future__ import annotations

import re
from enum import StrEnum

from streamlab.lazy_pattern import lazy_pattern
from streamlab.wire.left_chunks import CODING as CHUNKED
from streamlab.wire.left_chunks import is_chunked, may_be_chunked
from streamlab.wire.sse import BOM

#: How much of a body is looked at, and kept for rules that judge a body that is no stream.
PREFIX_BYTES = 1024 * 1024


class BodyKind(StrEnum):
    """What a body is made of."""

    EMPTY = "empty"  # nothing, or nothing but white space
    SSE = "sse"
    JSON = "json"
    NDJSON = "ndjson"  # one JSON object a line, no field names
    HTML = "html"
    TEXT = "text"


_FIELD_LINE = lazy_pattern(rb"(?:\A|[\r\n])(?:data|event|id|retry|error|)[ \t]*:", re.IGNORECASE)
_TWO_OBJECTS = lazy_pattern(rb"\}[ \t]*(?:\r\n|\r|\n)+[ \t]*\{")


def sniff(prefix: bytes) -> BodyKind:
    """The kind of a body from its first `PREFIX_BYTES` (decoded) bytes."""
    text = prefix.removeprefix(BOM).lstrip(b" \t\r\n\x00")
    if not text:
        return BodyKind.EMPTY
    first = text[:1]
    if first in (b"{", b"["):
        if re.search(rb"(?:\A|[\r\n])data:", text):
            return BodyKind.SSE
        return BodyKind.NDJSON if first == b"{" and _TWO_OBJECTS.search(text) else BodyKind.JSON
    if first == b"<":
        return BodyKind.HTML
    return BodyKind.SSE if _FIELD_LINE.search(text) else BodyKind.TEXT


#: How compressed bodies start, and the coding that is.
_COMPRESSED = ((b"\x1f\x8b\x08", "gzip"), (b"\x28\xb5\x2f\xfd", "zstd"))
#: What tells a body of binary frames (binary_frames).
_TOLD_BY = 14


def is_zstd_frame(start: bytes) -> bool:
    """Whether four bytes begin a frame of zstd, one that is to be skipped included (RFC 8878, section 3.1)."""
    return start == b"\x28\xb5\x2f\xfd" or (start[1:4] == b"\x2a\x4d\x18" and 0x50 <= start[0] <= 0x5F)


def coding_of(start: bytes) -> str | None:
    """The content coding that the first bytes of a body betray, which no header named."""
    if is_chunked(start):
        return CHUNKED
    return next((coding for magic, coding in _COMPRESSED if start.startswith(magic)), None)


def is_begun(start: bytes) -> bool:
    """Whether more bytes are needed to tell a coded or binary body by its start."""
    if start[:1] == b"\0":
        return len(start) < _TOLD_BY
    return may_be_chunked(start) or any(len(start) < len(magic) and magic.startswith(start) for magic, _ in _COMPRESSED)
