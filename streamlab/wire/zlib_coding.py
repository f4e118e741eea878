"""Undoes gzip and deflate, piece by piece (`content_coding`). Loaded where a body is coded so."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from streamlab.wire.content_coding import PIECE, STEP


class ZlibDecoder:
    """gzip, several members too, and deflate, which some servers send without the zlib header."""

    def __init__(self, wbits: int) -> None:
        self._wbits = wbits
        self._gzip = wbits > zlib.MAX_WBITS
        self._inner = zlib.decompressobj(wbits)
        self._held = b""  # the two bytes that tell a zlib header, or the next gzip member
        self._deciding = not self._gzip
        self._over = False  # what comes now is padding
        self.complete = False
        self.fault: str | None = None
        self.parts = 1

    def pieces(self, data: bytes) -> Iterator[bytes]:
        for at in range(0, len(data), STEP):
            yield from self._step(data[at : at + STEP])
            if self.fault is not None or self._over:
                return

    def _step(self, data: bytes) -> Iterator[bytes]:
        data = self._held + data
        self._held = b""
        more = bool(data) and not self._over
        while more and self.fault is None:
            if (self._deciding or self.complete) and not self._begin(data):
                return
            piece, data = self._decompress(data)
            yield piece
            # A full piece may have more behind it, all of its input taken in already.
            more = bool(data) or (len(piece) == PIECE and not self.complete)

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
            self._over = True  # padding behind the end is ignored, as browsers do
            return False
        self._inner = zlib.decompressobj(self._wbits)
        self.complete = False
        self.parts += 1
        return True

    def _decompress(self, data: bytes) -> tuple[bytes, bytes]:
        """What ``data`` yields, a piece at most, and what is left of it."""
        before = self._inner.copy()
        try:
            piece = self._inner.decompress(data, PIECE)
        except zlib.error as error:
            self.fault = f"corrupt compressed data: {error}"
            return _before_the_fault(before, data), b""
        if self._inner.eof:
            self.complete = True
            return piece, self._inner.unused_data
        return piece, self._inner.unconsumed_tail


def _before_the_fault(inner: zlib._Decompress, data: bytes) -> bytes:
    """zlib throws away what one call decoded before it met an error: ask again, byte by byte."""
    pieces: list[bytes] = []
    try:
        for at in range(len(data)):
            pieces.append(inner.decompress(data[at : at + 1], PIECE))
    except zlib.error:
        pass
    return b"".join(pieces)
