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
MAX_DECODED = 256 * 1024 * 1024
_PIECE = 1024 * 1024


class CodingError(Exception):
    """The body is not in the content coding its header names; caught in this module, never seen outside."""


class _Decompressor(Protocol):
    def decompress(self, data: bytes) -> bytes: ...


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
        self._first = True
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
        try:
            for stage in self._stages:
                data = stage.feed(data, MAX_DECODED - self.decoded_bytes)
        except CodingError as error:
            self.fault = str(error)
            return b""
        self.decoded_bytes += len(data)
        if self.decoded_bytes >= MAX_DECODED:
            self.fault = f"decoding stopped after {MAX_DECODED} bytes"
        return data

    @property
    def complete(self) -> bool:
        """Whether the coded data came to its proper end (gzip trailer and the like)."""
        return all(stage.complete for stage in self._stages)


class _Stage(Protocol):
    complete: bool

    def feed(self, data: bytes, limit: int) -> bytes: ...


class _Zlib:
    """gzip and deflate; ``deflate`` is tried with the zlib header first and raw after, as browsers do."""

    def __init__(self, wbits: int, raw_fallback: bool = False) -> None:
        self._inner = zlib.decompressobj(wbits)
        self._raw_fallback = raw_fallback
        self.complete = False

    def feed(self, data: bytes, limit: int) -> bytes:
        pieces: list[bytes] = []
        total = 0
        while data and total < limit:
            try:
                piece = self._inner.decompress(data, min(_PIECE, limit - total))
            except zlib.error as error:
                if not self._raw_fallback:
                    raise CodingError(f"corrupt compressed data: {error}") from None
                self._raw_fallback = False
                self._inner = zlib.decompressobj(-zlib.MAX_WBITS)
                continue
            self._raw_fallback = False
            pieces.append(piece)
            total += len(piece)
            data = self._inner.unconsumed_tail
            if self._inner.eof:
                self.complete = True
                data = self._inner.unused_data
                if not data.startswith(b"\x1f\x8b"):
                    break
                self._inner = zlib.decompressobj(zlib.MAX_WBITS | 16)
                self.complete = False
        return b"".join(pieces)


class _Brotli:
    def __init__(self) -> None:
        self._inner = brotli.Decompressor()
        self.complete = False

    def feed(self, data: bytes, limit: int) -> bytes:
        pieces: list[bytes] = []
        total = 0
        try:
            while total < limit:
                piece = self._inner.process(data, output_buffer_limit=min(_PIECE, limit - total))
                data = b""
                pieces.append(piece)
                total += len(piece)
                if self._inner.is_finished() or self._inner.can_accept_more_data():
                    break
        except brotli.error as error:
            raise CodingError(f"corrupt compressed data: {error}") from None
        self.complete = self._inner.is_finished()
        return b"".join(pieces)


class _Zstd:
    """zstandard's object decompresses a whole input at once, so input goes in by small pieces to bound the output."""

    def __init__(self) -> None:
        self._inner = zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj()
        self.complete = False

    def feed(self, data: bytes, limit: int) -> bytes:
        pieces: list[bytes] = []
        total = 0
        step = 1024
        for at in range(0, len(data), step):
            if self.complete or total >= limit:
                break
            try:
                piece = self._inner.decompress(data[at : at + step])
            except zstandard.ZstdError as error:
                raise CodingError(f"corrupt compressed data: {error}") from None
            pieces.append(piece)
            total += len(piece)
            self.complete = self._inner.eof
        return b"".join(pieces)


_STAGES: dict[str, Callable[[], _Stage]] = {
    "gzip": lambda: _Zlib(zlib.MAX_WBITS | 16),
    "x-gzip": lambda: _Zlib(zlib.MAX_WBITS | 16),
    "deflate": lambda: _Zlib(zlib.MAX_WBITS, raw_fallback=True),
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
