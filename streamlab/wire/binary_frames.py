"""AWS's binary event stream undone: each of its messages becomes the event of an event stream that it stands for.

A message is two lengths and their checksum, headers, a payload, and the checksum of all of it. Bedrock puts the event
of the model's own API into the payload, in base64; that one is what comes out, byte for byte. After a wrong checksum
nothing that follows can be trusted, and decoding stops.
"""

from __future__ import annotations

import binascii
from collections.abc import Iterator
from enum import StrEnum
from typing import Any, Final

from streamlab.lazy_pattern import lazy_pattern
from streamlab.wire.payload import JsonObject, decode_payload, encode_json

CODING: Final = "aws-event-stream"
MEDIA_TYPE: Final = "application/vnd.amazon.eventstream"
_PRELUDE, _CRC, _LEAST = 8, 4, 16
#: Bytes of the largest message that is read.
_LARGEST: Final = 16 * 1024 * 1024
#: What tells a message: the prelude, its checksum, and the first characters of the first header.
TOLD_BY: Final = 14
_LINES = lazy_pattern(rb"\r\n|\r|\n")
#: Bytes of a header's value by its type; two stand for a length in front of it.
_FIXED: Final = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
_COUNTED: Final = (6, 7)


class FrameFault(StrEnum):
    """Why a message cannot be read."""

    PRELUDE = "the checksum of a message's lengths is wrong"
    MESSAGE = "the checksum of a message is wrong"
    LENGTH = "a message has impossible lengths"


def is_labelled(content_type: str | None) -> bool:
    """Whether a Content-Type says that a body is such a stream."""
    return (content_type or "").strip().lower().startswith(MEDIA_TYPE)


def is_framed(start: bytes) -> bool:
    """Whether a body starts with such a message: by the checksum of its lengths, or by its first header's name."""
    if len(start) < TOLD_BY or not _possible(start):
        return False
    return _prelude_holds(start) or start[13:14] == b":"


def _possible(start: bytes) -> bool:
    total, headers = int.from_bytes(start[:4]), int.from_bytes(start[4:_PRELUDE])
    return _LEAST <= total <= _LARGEST and headers <= total - _LEAST


def _prelude_holds(start: bytes) -> bool:
    return binascii.crc32(start[:_PRELUDE]) == int.from_bytes(start[_PRELUDE : _PRELUDE + _CRC])


class BinaryFrames:
    """Bytes of messages in, bytes of an event stream out; ``complete`` between two messages."""

    parts = 1

    def __init__(self) -> None:
        self._held = bytearray()
        self.complete = True
        self.fault: str | None = None

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """The events that ``data`` completes, one by one."""
        self._held += data
        at = 0
        while self.fault is None and len(self._held) - at >= _PRELUDE + _CRC:
            start = bytes(self._held[at : at + _PRELUDE + _CRC])
            total = int.from_bytes(start[:4])
            if not _prelude_holds(start):
                self.fault = FrameFault.PRELUDE
            elif not _possible(start):
                self.fault = FrameFault.LENGTH
            elif len(self._held) - at < total:
                break
            else:
                message = bytes(self._held[at : at + total])
                at += total
                if binascii.crc32(message[:-_CRC]) != int.from_bytes(message[-_CRC:]):
                    self.fault = FrameFault.MESSAGE
                    break
                yield _event(message, int.from_bytes(start[4:_PRELUDE]))
        del self._held[:at]
        self.complete = self.fault is None and not self._held


def _event(message: bytes, size: int) -> bytes:
    """The event that a message stands for."""
    first = _PRELUDE + _CRC
    headers, payload = _headers(message[first : first + size]), message[first + size : -_CRC]
    kind = headers.get(":message-type", "event")
    if kind != "event":
        return _framed("error", encode_json(_error(headers, payload)))
    value = decode_payload(payload).value
    inner = value.get("bytes") if type(value) is dict else None
    data = _decoded(inner) if type(inner) is str else None
    if data is None:
        return _framed(headers.get(":event-type", ""), payload)
    own = decode_payload(data).value
    name = own.get("type") if type(own) is dict else None
    return _framed(name if type(name) is str else "", data)


def _decoded(text: str) -> bytes | None:
    import base64  # deferred: few bodies come in frames

    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def _error(headers: dict[str, str], payload: bytes) -> JsonObject:
    """An exception of the service, told as the model's API tells its errors."""
    value: Any = decode_payload(payload).value
    said = value.get("message") if type(value) is dict else None
    kind = headers.get(":exception-type") or headers.get(":error-code") or "error"
    message = said if type(said) is str else headers.get(":error-message") or payload.decode("utf-8", "replace")
    return {"type": "error", "error": {"type": kind, "message": message}}


def _framed(name: str, data: bytes) -> bytes:
    named = b"event: " + _LINES.sub(b" ", name.encode("utf-8", "replace")) + b"\n" if name else b""
    return named + b"".join(b"data: " + line + b"\n" for line in _LINES.split(data)) + b"\n"


def _headers(data: bytes) -> dict[str, str]:
    """The headers that are text; those after one that is cut are lost."""
    found, at = dict[str, str](), 0
    while at < len(data):
        end = at + 1 + data[at]
        name, kind = data[at + 1 : end].decode("utf-8", "replace"), data[end] if end < len(data) else -1
        at = end + 1
        if kind in _COUNTED:
            size, at = int.from_bytes(data[at : at + 2]), at + 2
        elif kind in _FIXED:
            size = _FIXED[kind]
        else:
            break
        if kind == _COUNTED[1]:
            found[name] = data[at : at + size].decode("utf-8", "replace")
        at += size
    return found


__all__ = ["CODING", "MEDIA_TYPE", "TOLD_BY", "BinaryFrames", "FrameFault", "is_framed", "is_labelled"]
