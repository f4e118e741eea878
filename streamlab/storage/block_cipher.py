"""Keeps blocks on disk unreadable without the recorder's memory: for bodies that may not be written as they came.

The key is made when a recording starts, is in the memory of its two processes alone and dies with them; nobody can take
up what they left. Each block is combined with a stream of bytes that SHAKE-256 makes of the key and the block's number,
which is never used twice.
"""

from __future__ import annotations

import secrets
from hashlib import shake_256

#: Bytes at once: the thread that works for the disk shares a core with streams, and holds it for so long.
_PIECE = 64 * 1024


class BlockCipher:
    """One run's. Applied twice it gives what it was given."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def applied(self, number: int, data: bytes | memoryview) -> bytes:
        """A block, encrypted or decrypted."""
        pieces = []
        for at in range(0, len(data), _PIECE):
            piece = data[at : at + _PIECE]
            stream = shake_256(b"%s%d:%d" % (self._key, number, at)).digest(len(piece))
            mixed = int.from_bytes(piece, "little") ^ int.from_bytes(stream, "little")
            pieces.append(mixed.to_bytes(len(piece), "little"))
        return b"".join(pieces)
