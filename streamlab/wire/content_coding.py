"""Undoes the content coding of a body, as it comes: gzip, deflate, br, zstd, one over another; and AWS's binary frames.

A bomb is stopped: a decoded body may be at most `MAX_DECODED` bytes, after that decoding ends with a fault instead of
eating the machine. Who must not be kept busy takes a body in `BodyDecoder.pieces`, each of which takes little time and
memory to make.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Protocol, Self

from streamlab.exchange import ResponseHead
from streamlab.wire.binary_frames import CODING, TOLD_BY, BinaryFrames, is_framed
from streamlab.wire.bodies import coding_of, is_begun, is_zstd_frame
from streamlab.wire.left_chunks import CODING as CHUNKED
from streamlab.wire.left_chunks import LeftChunks
from streamlab.wire.visible import quoted

if TYPE_CHECKING:
    import zstandard

#: Decoded bytes of a compressed body that are read at most.
MAX_DECODED = 96 * 1024 * 1024
#: Bytes of a decoded piece at most, and coded bytes that are looked at in one go.
PIECE, STEP = 64 * 1024, 4096
#: RFC 9659: a content coding of zstd needs no larger window, and a decoder would have to hold it.
_ZSTD_WINDOW = 1 << 23


class BodyDecoder:
    """Undoes ``Content-Encoding`` incrementally; several codings are undone in reverse order.

    ``fault`` says why decoding stopped (wrong coding, corrupt data, too large); None while all is well. What was
    decoded before the fault has been handed out. ``identity`` is True when there is nothing to undo. With ``guess`` a
    body that plainly starts compressed, or with a binary frame, and has no coding by its head, is decoded all the same.
    """

    def __init__(self, content_encoding: str | None, *, guess: bool = False) -> None:
        named = content_encoding.split(",") if content_encoding else ()
        self.codings = [one for part in named if (one := part.strip().lower()) and one != "identity"]
        self.fault: str | None = None
        self._stages: list[_Stage] = []
        for coding in reversed(self.codings):
            make = _STAGES.get(coding)
            if make is None:
                self.fault = f"unknown content coding {quoted(coding[:60])}"
                break
            self._stages.append(make())
        self._made = [0] * len(self._stages)  # bytes that came out of each stage
        #: How the binary frames begin in which the body came; empty where it came in none.
        self.framed = b""
        self._start: bytes | None = b"" if guess and not self.codings else None  # while a guess is open

    @classmethod
    def of(cls, head: ResponseHead | None, *, guess: bool = False) -> Self:
        """The decoder of a body with this head; with None, of one whose head is not known."""
        return cls(head.header("content-encoding") if head is not None else None, guess=guess)

    @property
    def identity(self) -> bool:
        return not self.codings

    @property
    def decoded_bytes(self) -> int:
        """How many bytes were handed out, where there is a coding."""
        return self._made[-1] if self._made else 0

    def feed(self, data: bytes) -> bytes:
        """The decoded bytes that ``data`` yields; b"" after a fault."""
        return b"".join(self.feed_pieces(data))

    def feed_pieces(self, data: bytes) -> Iterator[bytes]:
        """The same in `pieces`, so that what grows a thousandfold is never held whole."""
        if self._start is not None:
            data = self._guess(data)
        return self.pieces(data) if self.codings else iter((data,))

    def finish(self) -> bytes:
        """What was held back to guess the coding by."""
        held, self._start = self._start or b"", None
        return held

    def _guess(self, data: bytes) -> bytes:
        start = (self._start or b"") + data
        if is_begun(start):
            self._start = start
            return b""
        self._start = None
        self.framed = start[:TOLD_BY] if is_framed(start) else b""
        coding = CODING if self.framed else coding_of(start)
        if coding is not None:
            self.codings, self._stages, self._made = [coding], [_STAGES[coding]()], [0]
        return start

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """The same piece by piece: at most 64 KiB each, made when asked for, some of them empty.

        The pieces of one call are to be taken before the next.
        """
        if not self.codings:
            yield data
        elif self.fault is None and data:
            yield from self._through(0, data)

    def _through(self, at: int, data: bytes) -> Iterator[bytes]:
        """What the stages from ``at`` on make of ``data``. What came before a fault goes all the way through."""
        if at == len(self._stages):
            yield data
            return
        stage = self._stages[at]
        for piece in stage.pieces(data):
            piece = piece[: MAX_DECODED - self._made[at]]
            self._made[at] += len(piece)
            full = self._made[at] >= MAX_DECODED
            if full:
                self.fault = f"decoding stopped after {MAX_DECODED} bytes"
            if piece:
                yield from self._through(at + 1, piece)
            if not piece or at + 1 < len(self._stages):
                yield b""  # the stages behind may make nothing of it
            if full:
                return
        self.fault = self.fault or stage.fault

    @property
    def complete(self) -> bool:
        """Whether the coded data came to its proper end (gzip trailer and the like)."""
        return all(stage.complete for stage in self._stages)

    @property
    def parts(self) -> int:
        """Of how many members (gzip) or frames (zstd) the coding undone first has been made so far."""
        return self._stages[0].parts if self._stages else 0


class _Stage(Protocol):
    """One coding. ``pieces`` gives, bit by bit, what came before a fault; joined, the same however it is cut."""

    complete: bool
    fault: str | None
    parts: int  # members or frames that were begun

    def pieces(self, data: bytes) -> Iterator[bytes]: ...


class _ByteWise:
    """A decompressor without a bound on its output, or that keeps what it decoded before an error to itself."""

    complete = False

    def __init__(self) -> None:
        self.fault: str | None = None
        self.parts = 1

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """Byte by byte: that bounds the output of a bomb, and gives the same before an error however it is cut."""
        made: list[bytes] = []
        size = 0
        for at in range(len(data)):
            if self._over or self.fault is not None:
                break
            for piece in self._step(data[at : at + 1]):
                made.append(piece)
                size += len(piece)
                if size >= PIECE:
                    yield from _cut(b"".join(made))
                    made, size = [], 0
            if at % STEP == STEP - 1:
                yield b"".join(made)
                made, size = [], 0
        yield b"".join(made)

    @property
    def _over(self) -> bool:
        """Whether what comes now is padding."""
        return self.complete

    def _step(self, byte: bytes) -> Iterator[bytes]:
        """What one more byte yields."""
        raise NotImplementedError


def _cut(data: bytes) -> Iterator[bytes]:
    for at in range(0, len(data), PIECE):
        yield data[at : at + PIECE]


class _Brotli(_ByteWise):
    def __init__(self) -> None:
        super().__init__()
        import brotli  # deferred, as zstandard: few bodies are coded

        self._inner, self._error = brotli.Decompressor(), brotli.error

    def _step(self, byte: bytes) -> Iterator[bytes]:
        try:
            piece: bytes = self._inner.process(byte, output_buffer_limit=PIECE)
            while len(piece) >= PIECE:
                yield piece
                piece = self._inner.process(b"", output_buffer_limit=PIECE)
        except self._error as error:
            self.fault = f"corrupt compressed data: {error}"
            return
        self.complete = self._inner.is_finished()
        yield piece


class _Zstd(_ByteWise):
    """Frames in a row, skippable ones too, as RFC 8878 allows; what begins like no frame behind one is padding."""

    def __init__(self) -> None:
        super().__init__()
        import zstandard

        self._error = zstandard.ZstdError
        self._inner = self._frame()
        self._start = b""  # of what may be the next frame
        self._padding = False

    @staticmethod
    def _frame() -> zstandard.ZstdDecompressionObj:
        import zstandard

        return zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW).decompressobj()

    @property
    def _over(self) -> bool:
        return self._padding

    def _step(self, byte: bytes) -> Iterator[bytes]:
        """One byte ends one block at most, which holds 128 KiB."""
        if self.complete:
            byte = self._start = self._start + byte
            if len(byte) < 4:
                return
            if not is_zstd_frame(byte):
                self._padding = True
                return
            self._start, self._inner, self.complete = b"", self._frame(), False
            self.parts += 1
        try:
            piece = self._inner.decompress(byte)
        except self._error as error:
            self.fault = f"corrupt compressed data: {error}"
            return
        self.complete = self._inner.eof
        yield piece


def _zlib(wbits: int) -> _Stage:
    from streamlab.wire.zlib_coding import ZlibDecoder  # deferred, as the others

    return ZlibDecoder(wbits)


_STAGES: dict[str, Callable[[], _Stage]] = {
    "gzip": lambda: _zlib(31),
    "x-gzip": lambda: _zlib(31),
    "deflate": lambda: _zlib(15),
    "br": _Brotli,
    "zstd": _Zstd,
    CODING: BinaryFrames,
    CHUNKED: LeftChunks,
}
