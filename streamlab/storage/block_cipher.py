"""Keeps blocks on disk, or what clients said in them, unreadable where it may not be written as it came.

What is covered is encrypted with AES-256 in counter mode. Every block that is written has a nonce of its own, drawn at
random, which lies beside it: no two share a stretch of the cipher's stream, whatever runs, blocks and writings of the
same block share a key. It keeps secrets from being read, not blocks from being changed: whoever can write spool files
can write others.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from hashlib import blake2b
from typing import TYPE_CHECKING

from streamlab.redaction import MASK
from streamlab.storage.frames import FRAME, Kind

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers import CipherContext

#: Bytes of a key, and of a nonce.
KEY_BYTES, NONCE_BYTES = 32, 16
#: Held while the library is loaded or works, which it does in a thread: a process that is forked meanwhile would find
#: the library's own locks taken, and nobody there to give them back.
in_use = threading.Lock()
#: Bytes at once: the thread that works for the disk shares a core with streams, and holds it for so long.
_PIECE = 64 * 1024
#: What holds bytes of requests' bodies; what is skipped holds what lay there before.
_OF_CLIENTS = frozenset((int(Kind.SKIP), int(Kind.REQUEST_BODY)))


class BlockCipher:
    """Covers whole blocks, for bodies that are to be masked before they are written. The key is made when a recording
    starts, is in the memory of its two processes alone and dies with them; nobody can take up what they left. Applied
    twice it gives what it was given."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(KEY_BYTES)

    def applied(self, nonce: bytes, data: bytes | memoryview) -> bytes:
        """A block, encrypted or decrypted."""
        block = bytearray(data)
        _apply(_stream(self._key, nonce), block, 0, len(block))
        return bytes(block)


class RequestCipher:
    """Covers the bodies of requests in a block, and nothing else: they are masked before they are recorded. The key is
    this user's, so that the next start can take up what a recorder left. Applied twice it gives what it was given."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    @property
    def mark(self) -> str:
        """Tells this key from others, and nobody what it is."""
        return blake2b(key=self._key, person=b"mark", digest_size=8).hexdigest()

    def applied(self, nonce: bytes, data: bytes | memoryview) -> bytes:
        """A block, encrypted or decrypted."""
        block, stream = bytearray(data), None
        for begin, end in _of_clients(block):
            stream = stream or _stream(self._key, nonce)
            _apply(stream, block, begin, end)
        return bytes(block)


class NoRequests:
    """Takes the place of a `RequestCipher` whose key is gone: bodies of requests are filled."""

    def applied(self, nonce: bytes, data: bytes | memoryview) -> bytes:
        """A block, whatever its nonce, without what clients said."""
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


def _stream(key: bytes, nonce: bytes) -> CipherContext:
    """The cipher at the beginning of its stream. Loads the library when the first block is covered, not before."""
    with in_use:
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

        return Cipher(algorithms.AES(key), modes.CTR(nonce)).encryptor()


def _apply(stream: CipherContext, block: bytearray, begin: int, end: int) -> None:
    """Put what the cipher makes of it in the place of a stretch of a block."""
    for at in range(begin, end, _PIECE):
        stop = min(at + _PIECE, end)
        with in_use:
            block[at:stop] = stream.update(block[at:stop])
