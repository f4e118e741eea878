"""HTTP's chunks left in a body: somebody on the way undid no chunked coding and named none. The sizes are taken out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from streamlab.lazy_pattern import lazy_pattern

if TYPE_CHECKING:
    from streamlab.wire.http1 import Piece

CODING: Final = "left-chunks"  # no header can name it
_SIZE = rb"[0-9A-Fa-f]{1,8}[ \t]{0,8}(?:;[^\r\n]{0,64})?"
_CHUNKED = lazy_pattern(_SIZE + rb"\r\n(?:\xef\xbb\xbf)?(?:data:|event:|id:|retry:|:|\{)")
_BEGUN = lazy_pattern(
    _SIZE + rb"(?:\r(?:\n(?:\xef\xbb?\xbf?)?(?:d|da|dat|data|e|ev|eve|even|event|i|id|r|re|ret|retr|retry)?)?)?\Z"
)


def is_chunked(start: bytes) -> bool:
    """Whether a body starts with the size of a chunk and then as an event stream does, or JSON."""
    return _CHUNKED.match(start) is not None


def may_be_chunked(start: bytes) -> bool:
    """Whether more bytes are needed to tell."""
    return len(start) < 96 and _BEGUN.match(start) is not None


class LeftChunks:
    """Bytes of chunks in, what they hold out."""

    parts = 1

    def __init__(self) -> None:
        from streamlab.wire.http1 import BodyFraming, BodyReader  # deferred: few streams hold any

        self._reader = BodyReader(BodyFraming.CHUNKED)
        self.fault: str | None = None
        self.complete = False  # whether the last chunk has come

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """What ``data`` holds, chunk by chunk."""
        out: list[Piece] = []
        self._reader.feed(data, 0, out)
        yield from (piece for piece, _ in out)
        self.complete = self._reader.done
        if self._reader.fault is not None:
            self.fault = self._reader.fault.reason
