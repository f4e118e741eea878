"""Body bytes <-> stream events: undoes the content coding, splits into events, decodes payloads; and `encode` back.

The body is kept as sent; only reading decodes it. A bomb is stopped: a decoded body may be at most `MAX_DECODED`
bytes, after that decoding ends with a fault instead of eating the machine.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Protocol

import brotli
import zstandard

from streamlab.wire.events import Chunk, Comment, Done, ErrorPayload, StreamEvent, Undecodable
from streamlab.wire.payload import Fault, FaultKind, decode_payload, encode_json
from streamlab.wire.sse import ServerSentEvent, SSEDecoder

#: Decoded bytes of a compressed body that are read at most.
MAX_DECODED = 96 * 1024 * 1024
_PIECE = 1024 * 1024


class BodyDecoder:
    """Undoes ``Content-Encoding`` incrementally; several codings are undone in reverse order.

    ``fault`` says why decoding stopped (wrong coding, corrupt data, too large); None while all is well. What was
    decoded before the fault has been handed out. ``identity`` is True when there is nothing to undo.
    """

    def __init__(self, content_encoding: str | None) -> None:
        self.codings = [
            coding
            for coding in (part.strip().lower() for part in (content_encoding or "").split(","))
            if coding and coding != "identity"
        ]
        self.fault: str | None = None
        self.decoded_bytes = 0
        self._stages: list[_Stage] = []
        for coding in reversed(self.codings):
            make = _STAGES.get(coding)
            if make is None:
                self.fault = f"unknown content coding {coding!r}"
                break
            self._stages.append(make())

    @property
    def identity(self) -> bool:
        return not self.codings

    def feed(self, data: bytes) -> bytes:
        """The decoded bytes that ``data`` yields; b"" after a fault."""
        if not self.codings:
            return data
        if self.fault is not None or not data:
            return b""
        for stage in self._stages:
            data = stage.feed(data, MAX_DECODED - self.decoded_bytes)
            self.fault = self.fault or stage.fault
        self.decoded_bytes += len(data)
        if self.decoded_bytes >= MAX_DECODED:
            self.fault = f"decoding stopped after {MAX_DECODED} bytes"
        return data

    @property
    def complete(self) -> bool:
        """Whether the coded data came to its proper end (gzip trailer and the like)."""
        return all(stage.complete for stage in self._stages)


class _Stage(Protocol):
    """One coding. ``feed`` gives at most ``limit`` bytes, and what came before a fault; the same however it is cut."""

    complete: bool
    fault: str | None

    def feed(self, data: bytes, limit: int) -> bytes: ...


class _Zlib:
    """gzip, several members too, and deflate, which some servers send without the zlib header."""

    def __init__(self, wbits: int) -> None:
        self._wbits = wbits
        self._gzip = wbits > zlib.MAX_WBITS
        self._inner = zlib.decompressobj(wbits)
        self._held = b""  # the two bytes that tell a zlib header, or the next gzip member
        self._deciding = not self._gzip
        self.complete = False
        self.fault: str | None = None

    def feed(self, data: bytes, limit: int) -> bytes:
        pieces: list[bytes] = []
        left = limit
        data = self._held + data
        self._held = b""
        while data and left > 0 and self.fault is None:
            if (self._deciding or self.complete) and not self._begin(data):
                break
            piece, data = self._decompress(data, left)
            pieces.append(piece)
            left -= len(piece)
        return b"".join(pieces)

    def _begin(self, data: bytes) -> bool:
        """Look at two bytes before deciding; False when there is nothing to decode (yet)."""
        if len(data) < 2:
            self._held = data
            return False
        if self._deciding:
            headed = data[0] & 0x0F == 8 and int.from_bytes(data[:2]) % 31 == 0
            self._inner = zlib.decompressobj(zlib.MAX_WBITS if headed else -zlib.MAX_WBITS)
            self._deciding = False
            return True
        if not self._gzip or not data.startswith(b"\x1f\x8b"):
            return False  # padding behind the end is ignored, as browsers do
        self._inner = zlib.decompressobj(self._wbits)
        self.complete = False
        return True

    def _decompress(self, data: bytes, left: int) -> tuple[bytes, bytes]:
        """What ``data`` yields, and what is left of it."""
        before = self._inner.copy()
        try:
            pieces = [self._inner.decompress(data, min(_PIECE, left))]
            while len(pieces[-1]) == _PIECE and not self._inner.unconsumed_tail and not self._inner.eof:
                pieces.append(self._inner.decompress(b"", _PIECE))
        except zlib.error as error:
            self.fault = f"corrupt compressed data: {error}"
            return _before_the_fault(before, data)[:left], b""
        if self._inner.eof:
            self.complete = True
            return b"".join(pieces)[:left], self._inner.unused_data
        return b"".join(pieces)[:left], self._inner.unconsumed_tail


def _before_the_fault(inner: zlib._Decompress, data: bytes) -> bytes:
    """zlib throws away what one call decoded before it met an error: ask again, byte by byte."""
    pieces: list[bytes] = []
    try:
        for at in range(len(data)):
            pieces.append(inner.decompress(data[at : at + 1], _PIECE))
    except zlib.error:
        pass
    return b"".join(pieces)


class _ByteWise:
    """A decompressor without a bound on its output, or that keeps what it decoded before an error to itself."""

    complete = False

    def __init__(self) -> None:
        self.fault: str | None = None

    def feed(self, data: bytes, limit: int) -> bytes:
        """Byte by byte: that bounds the output of a bomb, and gives the same before an error however it is cut."""
        pieces: list[bytes] = []
        left = limit
        for at in range(len(data)):
            if self.complete or left <= 0 or self.fault is not None:
                break
            piece = self._step(data[at : at + 1], left)[:left]
            if piece:
                pieces.append(piece)
                left -= len(piece)
        return b"".join(pieces)

    def _step(self, byte: bytes, left: int) -> bytes:
        """What one more byte yields; what goes beyond ``left`` bytes need not be there."""
        raise NotImplementedError


class _Brotli(_ByteWise):
    def __init__(self) -> None:
        super().__init__()
        self._inner = brotli.Decompressor()

    def _step(self, byte: bytes, left: int) -> bytes:
        try:
            piece: bytes = self._inner.process(byte, output_buffer_limit=_PIECE)
            pieces = [piece]
            while len(piece) >= _PIECE and len(pieces) * _PIECE < left:
                piece = self._inner.process(b"", output_buffer_limit=_PIECE)
                pieces.append(piece)
        except brotli.error as error:
            self.fault = f"corrupt compressed data: {error}"
            return b""
        self.complete = self._inner.is_finished()
        return b"".join(pieces)


class _Zstd(_ByteWise):
    def __init__(self) -> None:
        super().__init__()
        self._inner = zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj()

    def _step(self, byte: bytes, left: int) -> bytes:
        try:
            piece = self._inner.decompress(byte)
        except zstandard.ZstdError as error:
            self.fault = f"corrupt compressed data: {error}"
            return b""
        self.complete = self._inner.eof
        return piece


_STAGES: dict[str, Callable[[], _Stage]] = {
    "gzip": lambda: _Zlib(zlib.MAX_WBITS | 16),
    "x-gzip": lambda: _Zlib(zlib.MAX_WBITS | 16),
    "deflate": lambda: _Zlib(zlib.MAX_WBITS),
    "br": _Brotli,
    "zstd": _Zstd,
}


def read_event(sse: ServerSentEvent) -> StreamEvent:
    """What one event means."""
    data = sse.data
    if data is None:
        return Comment(sse)
    if data == b"[DONE]":
        return Done(sse)
    payload = decode_payload(data)
    if payload.ok and type(payload.value) is dict:
        if payload.value.get("error"):
            return ErrorPayload(sse, payload.value, payload.faults)
        if any(fault.kind is FaultKind.TRAILING_TEXT for fault in payload.faults):
            return Undecodable(sse, payload.faults, True, payload.value)
        return Chunk(sse, payload.value, payload.faults)
    if _means_done(data):
        return Done(sse, variant=True)
    return Undecodable(sse, payload.faults, payload.ok, payload.value)


def _means_done(data: bytes) -> bool:
    """``[done]``, ``"[DONE]"``, `` [DONE] ``: spellings that servers really use for the end."""
    return len(data) < 32 and data.strip().strip(b"\"'").strip().upper() in (b"[DONE]", b"DONE")


class StreamDecoder:
    """Body bytes in, stream events out; `finish` gives the unterminated last event, if there is one."""

    def __init__(self, content_encoding: str | None = None) -> None:
        self.body = BodyDecoder(content_encoding)
        self._sse = SSEDecoder()

    def feed(self, data: bytes) -> list[StreamEvent]:
        """The events that ``data`` completes."""
        return [read_event(sse) for sse in self._sse.feed(self.body.feed(data))]

    def feed_decoded(self, data: bytes) -> list[StreamEvent]:
        """The same for bytes whose content coding somebody else has undone."""
        return [read_event(sse) for sse in self._sse.feed(data)]

    def finish(self) -> list[StreamEvent]:
        """The last event when no blank line ended it."""
        return [read_event(sse) for sse in self._sse.finish()]

    @property
    def pending(self) -> int:
        """Bytes held back for an event that is not complete yet."""
        return self._sse.pending


def encode(event: StreamEvent) -> bytes:
    """The bytes of an event: exactly those it came in, or, for one that a repair made, as OpenAI frames it."""
    if event.sse is not None:
        return event.sse.raw
    if isinstance(event, Done):
        return b"data: [DONE]\n\n"
    if isinstance(event, Chunk | ErrorPayload):
        return b"data: " + encode_json(event.json) + b"\n\n"
    raise TypeError(f"an event of this kind always has bytes: {type(event).__name__}")


__all__ = [
    "MAX_DECODED",
    "BodyDecoder",
    "Fault",
    "StreamDecoder",
    "encode",
    "read_event",
]
