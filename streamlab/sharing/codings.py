"""Bodies that came compressed, coded anew when something in them was changed."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import Protocol

import brotli
import zstandard

from streamlab.exchange import Headers
from streamlab.redaction import MASK
from streamlab.sharing.masking import Masked, MaskedBody
from streamlab.wire.content_coding import BodyDecoder
from streamlab.wire.left_chunks import CODING as CHUNKED

#: A request that is longer when it is decoded is not searched, and so not shown.
_MOST_DECODED = 64 * 1024 * 1024


def through_coding(
    body: bytes, headers: Headers, change: Callable[[bytes], MaskedBody], *, whole: bool = True
) -> MaskedBody:
    """A request's body changed behind its content coding, by its head or by how it begins; coded anew where something
    was. Of a coded one that is not ``whole``, damaged or very long nothing can be told, and all of it is masked."""
    coding = next((value for name, value in headers if name.lower() == "content-encoding"), None)
    decoder = BodyDecoder(coding, guess=True)
    pieces, size = [], 0
    for piece in decoder.feed_pieces(body):
        size += len(piece)
        if size > _MOST_DECODED and decoder.codings:
            break
        pieces.append(piece)
    if not decoder.codings or (decoder.fault is not None and body.lstrip()[:1] in (b"{", b"[")):
        return change(body)
    if not whole or decoder.fault is not None or decoder.framed or not decoder.complete or size > _MOST_DECODED:
        hidden = MASK.encode() * len(body)
        return MaskedBody(hidden, (Masked("compressed body", None, 0),) if hidden != body else ())
    plain = b"".join(pieces)
    found = change(plain)
    if found.data == plain:
        return MaskedBody(body, ())
    return MaskedBody(next(coded([found.data], decoder.codings, complete=True)), found.secrets)


class _Coder(Protocol):
    def compress(self, data: bytes) -> bytes: ...
    def flush(self, end: bool) -> bytes: ...


class _ZlibCoder:
    def __init__(self, wbits: int) -> None:
        self._inner = zlib.compressobj(9, zlib.DEFLATED, wbits)

    def compress(self, data: bytes) -> bytes:
        return self._inner.compress(data)

    def flush(self, end: bool) -> bytes:
        return self._inner.flush(zlib.Z_FINISH if end else zlib.Z_SYNC_FLUSH)


class _BrotliCoder:
    def __init__(self) -> None:
        self._inner = brotli.Compressor()

    def compress(self, data: bytes) -> bytes:
        return bytes(self._inner.process(data))

    def flush(self, end: bool) -> bytes:
        return bytes(self._inner.finish() if end else self._inner.flush())


class _ZstdCoder:
    def __init__(self) -> None:
        self._inner = zstandard.ZstdCompressor(level=9).compressobj()

    def compress(self, data: bytes) -> bytes:
        return self._inner.compress(data)

    def flush(self, end: bool) -> bytes:
        return self._inner.flush(zstandard.COMPRESSOBJ_FLUSH_FINISH if end else zstandard.COMPRESSOBJ_FLUSH_BLOCK)


class _ChunksCoder:
    """HTTP's chunks, where they were left in a body."""

    def compress(self, data: bytes) -> bytes:
        return b"%x\r\n%b\r\n" % (len(data), data)

    def flush(self, end: bool) -> bytes:
        return b"0\r\n\r\n" if end else b""


def _coder(coding: str) -> _Coder:
    if coding in ("gzip", "x-gzip"):
        return _ZlibCoder(31)
    if coding == CHUNKED:
        return _ChunksCoder()
    if coding == "deflate":
        return _ZlibCoder(15)
    return _BrotliCoder() if coding == "br" else _ZstdCoder()


def coded(pieces: list[bytes], codings: list[str], *, complete: bool) -> Iterator[bytes]:
    """The pieces coded again, each to be read whole from what is sent until then."""
    coders = [_coder(coding) for coding in codings]
    last = max((at for at, piece in enumerate(pieces) if piece), default=-1)
    for at, piece in enumerate(pieces):
        for coder in coders:
            if piece:
                piece = coder.compress(piece) + coder.flush(complete and at == last)
        yield piece
