"""Spool files: blocks of frames on disk, beside the database, for as long as the writer has not recorded them.

``NAME-spool-RUN-K`` holds the blocks K * n to K * n + n - 1 of one run of a recorder, each behind a header with a
checksum, so that a block that was being written when its process or the machine died is told from a whole one. Files
are readable by their owner only. Heads in them hold no secrets (`heads`); bodies of requests, which are masked before
they are recorded, are encrypted with this user's key, and where answers are to be masked too, everything is, with a key
that is nowhere on disk (`block_cipher`). Other bodies are as they came.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import struct
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from streamlab.lazy_pattern import lazy_pattern
from streamlab.storage.block_cipher import KEY_BYTES, NONCE_BYTES, BlockCipher, NoRequests, RequestCipher
from streamlab.storage.frames import Layout
from streamlab.storage.seal import Seal

#: What covers bytes in blocks on their way to the disk and back.
Cipher = BlockCipher | RequestCipher | NoRequests
#: What every block begins with: a mark, its number, its length, its checksum, two clocks read together (wall,
#: monotonic), by which times of another boot of the machine can still be told, and the nonce it is encrypted with.
_BLOCK = struct.Struct(f"=8sQIIQQ{NONCE_BYTES}s")
_MARK = b"StLbSpl2"
#: What every file begins with: JSON, padded.
_FILE_HEADER = 4096
_NAME = lazy_pattern(r"-spool-([0-9a-f]{8})-(\d{1,12})")


class Block(NamedTuple):
    """A whole block as it was written; ``wall_ns`` is what the clock showed at ``monotonic_ns``."""

    data: bytes
    wall_ns: int
    monotonic_ns: int


class SpoolFiles:
    """The spool files of one run; with ``cipher`` their blocks are encrypted."""

    def __init__(self, database: Path, run: str, layout: Layout, cipher: Cipher | None = None) -> None:
        self._prefix = f"{database.resolve()}-spool-{run}-"
        self._layout = layout
        self._cipher = cipher
        self._open_number = -1
        self._descriptor = -1

    @property
    def stride(self) -> int:
        """Bytes from one block to the next."""
        return self._layout.block + _BLOCK.size

    def path(self, number: int) -> Path:
        """One file."""
        return Path(f"{self._prefix}{number}")

    def numbers(self) -> list[int]:
        """Those that exist, in order."""
        folder, prefix = os.path.split(self._prefix)
        try:
            names = os.listdir(folder)
        except OSError:
            return []
        found = [name.removeprefix(prefix) for name in names if name.startswith(prefix)]
        return sorted(int(number) for number in found if number.isdecimal() and len(number) < 13)

    def first_blocks(self) -> list[int]:
        """The number of the first block that may be in each file."""
        return [number * self._layout.file_blocks for number in self.numbers()]

    # --- writing

    def write(self, number: int, data: memoryview, about: dict[str, object]) -> None:
        """Write a block; its file is locked against being deleted until `unlock`. Raises OSError."""
        file_number, index = divmod(number, self._layout.file_blocks)
        descriptor = self._locked(file_number, about)
        nonce = secrets.token_bytes(NONCE_BYTES)
        if self._cipher is not None:
            data = memoryview(self._cipher.applied(nonce, data))
        header = _BLOCK.pack(_MARK, number, len(data), zlib.crc32(data), time.time_ns(), time.monotonic_ns(), nonce)
        at = _FILE_HEADER + index * self.stride
        # The header last: short of a crash of the machine, a block whose header is there is whole.
        _write_at(descriptor, at + _BLOCK.size, data)
        _write_at(descriptor, at, memoryview(header))

    def _locked(self, number: int, about: dict[str, object]) -> int:
        """The file, open for writing, locked against being deleted; made where it is missing or was deleted."""
        for _ in range(10):
            if number != self._open_number or os.fstat(self._descriptor).st_nlink == 0:
                self.close()
                flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
                self._descriptor = os.open(self.path(number), flags, 0o600)
                self._open_number = number
                os.fchmod(self._descriptor, 0o600)
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)
            if os.fstat(self._descriptor).st_nlink:
                if os.fstat(self._descriptor).st_size == 0:
                    _write_at(self._descriptor, 0, memoryview(json.dumps(about).encode().ljust(_FILE_HEADER)))
                return self._descriptor
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)
        raise FileNotFoundError(f"{self.path(number)} is deleted again and again")

    def unlock(self) -> None:
        """What was written last may be deleted from now on, by whoever has recorded it."""
        if self._descriptor >= 0:
            with contextlib.suppress(OSError):
                fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def close(self) -> None:
        """Close the file that is open."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._open_number = self._descriptor = -1

    # --- reading

    def read(self, number: int) -> Block | None:
        """A block; None when it is not there or not whole."""
        file_number, index = divmod(number, self._layout.file_blocks)
        try:
            if file_number != self._open_number:
                self.close()
                self._descriptor = os.open(self.path(file_number), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
                self._open_number = file_number
            raw = os.pread(self._descriptor, self.stride, _FILE_HEADER + index * self.stride)
        except OSError:
            return None
        if len(raw) < _BLOCK.size:
            return None
        mark, found, size, checksum, wall_ns, monotonic_ns, nonce = _BLOCK.unpack_from(raw)
        data = raw[_BLOCK.size : _BLOCK.size + size]
        whole = mark == _MARK and found == number and len(data) == size and zlib.crc32(data) == checksum
        if not whole:
            return None
        return Block(self._cipher.applied(nonce, data) if self._cipher else data, wall_ns, monotonic_ns)

    def about(self) -> dict[str, object]:
        """What the first file says of the run: ``relay`` (a process), ``label``, ``block``, ``file_blocks``,
        ``encrypted`` and ``requests`` (by which key bodies of requests are)."""
        for number in self.numbers():
            try:
                with open(os.open(self.path(number), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:
                    found = json.loads(file.read(_FILE_HEADER))
            except (OSError, ValueError, RecursionError):
                continue
            if isinstance(found, dict):
                return found
        return {}

    def lock_first(self) -> int | None:
        """Lock the run's first file, so that only one recorder takes it up; its descriptor, None if that was done."""
        numbers = self.numbers()
        if not numbers:
            return None
        try:
            descriptor = os.open(self.path(numbers[0]), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            return None
        return descriptor

    # --- deleting

    def delete(self, number: int, may: Callable[[], bool] | None = None) -> bool:
        """Delete a file unless it is being written, or ``may()`` then says no; whether it is gone."""
        try:
            descriptor = os.open(self.path(number), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            return True
        except OSError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if may is not None and not may():
                return False
            self.path(number).unlink(missing_ok=True)
        except OSError:
            return False
        finally:
            os.close(descriptor)
        if number == self._open_number:
            self.close()
        return True

    def delete_all(self) -> None:
        """Delete every file of the run."""
        self.close()
        for number in self.numbers():
            with contextlib.suppress(OSError):
                self.path(number).unlink(missing_ok=True)


def _write_at(descriptor: int, at: int, data: memoryview) -> None:
    while data:
        written = os.pwrite(descriptor, data, at)
        at += written
        data = data[written:]


def request_cipher(run: str) -> RequestCipher:
    """What covers bodies of requests in a run's blocks: by this user's key, or, where there is none, by one that dies
    with this process."""
    return RequestCipher(Seal().key_for("spool", run) or secrets.token_bytes(KEY_BYTES))


def reading_cipher(run: str, mark: object) -> Cipher | None:
    """What reads them, given the mark of the key; None where nothing is covered."""
    if mark is None:
        return None
    cipher = request_cipher(run)
    return cipher if cipher.mark == mark else NoRequests()


def runs_beside(database: Path) -> Iterator[str]:
    """The runs that have spool files beside a database."""
    resolved = database.resolve()
    try:
        names = os.listdir(resolved.parent)
    except OSError:
        return
    found = (_NAME.fullmatch(name.removeprefix(resolved.name)) for name in names if name.startswith(resolved.name))
    yield from sorted({match[1] for match in found if match})
