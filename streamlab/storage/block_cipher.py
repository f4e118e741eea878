"""Keeps blocks on disk, or what clients said in them, unreadable where it may not be written as it came.

What is covered is combined with a stream of bytes that SHAKE-256 makes of a key and the place in a run's blocks, which
is never used twice for other bytes.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from hashlib import shake_256

from streamlab.redaction import MASK
from streamlab.storage.frames import FRAME, Kind

#: Bytes at once: the thread that works for the disk shares a core with streams, and holds it for so long.
_PIECE = 64 * 1024
#: What holds bytes of requests' bodies; what is skipped holds what lay there before.
_OF_CLIENTS = frozenset((int(Kind.SKIP), int(Kind.REQUEST_BODY)))


class BlockCipher:
    """Covers whole blocks, for bodies that are to be masked before they are written. The key is made when a recording
    starts, is in the memory of its two processes alone and dies with them; nobody can take up what they left. Applied
    twice it gives what it was given."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def applied(self, number: int, data: bytes | memoryview) -> bytes:
        """A block, encrypted or decrypted."""
        return _mixed(self._key, number, 0, data)


class RequestCipher:
    """Covers the bodies of requests in a block, and nothing else: they are masked before they are recorded. The key is
    this user's, so that the next start can take up what a recorder left. Applied twice it gives what it was given."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    @property
    def mark(self) -> str:
        """Tells this key from others, and nobody what it is."""
        return shake_256(b"mark" + self._key).hexdigest(8)

    def applied(self, number: int, data: bytes | memoryview) -> bytes:
        """A block, encrypted or decrypted."""
        block = bytearray(data)
        for begin, end in _of_clients(block):
            block[begin:end] = _mixed(self._key, number, begin, memoryview(block)[begin:end])
        return bytes(block)


class NoRequests:
    """Takes the place of a `RequestCipher` whose key is gone: bodies of requests are filled."""

    def applied(self, number: int, data: bytes | memoryview) -> bytes:
        """A block, whatever its number, without what clients said."""
        block = bytearray(data)
        for begin, end in _of_clients(block):
            block[begin:end] = MASK.encode() * (end - begin)
        return bytes(block)


def _of_clients(block: bytes | bytearray) -> Iterator[tuple[int, int]]:
    """Where a block holds bytes of requests' bodies."""
    unpack, head, at, size = FRAME.unpack_from, FRAME.size, 0, len(block)
    while at + head <= size:
        kind, _, _, length = unpack(block, at)
        at += head + length
        if kind in _OF_CLIENTS:
            yield at - length, min(at, size)


def _mixed(key: bytes, number: int, place: int, data: bytes | memoryview) -> bytes:
    pieces = []
    for at in range(0, len(data), _PIECE):
        piece = data[at : at + _PIECE]
        stream = shake_256(b"%s%d:%d" % (key, number, place + at)).digest(len(piece))
        mixed = int.from_bytes(piece, "little") ^ int.from_bytes(stream, "little")
        pieces.append(mixed.to_bytes(len(piece), "little"))
    return b"".join(pieces)
