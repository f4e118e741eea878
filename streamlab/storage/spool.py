"""The way from the relay to the writer process: frames in shared memory, and a pipe that says how far they go.

The relay copies each read into anonymous shared memory, which outlives it: after ``kill -9`` the writer
still finds everything that had been copied. Nothing is called per read; a timer tells the writer once every few
milliseconds, through the pipe, and the pipe's end tells it that the relay is gone. When it is full, the
recording loses data and says so; the stream never waits for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import mmap
import os
import select
import struct
import time
from collections.abc import Callable, Iterator
from enum import IntEnum
from typing import NamedTuple

#: The memory is cut into blocks; the lowest free one is written next, so that a recorder which keeps up touches two
#: or three of them. Token streams need kilobytes; bulk transfers are asked to wait when a third is taken.
BLOCK_SIZE = 2 * 1024 * 1024
BLOCKS = 32
_CONGESTED = BLOCK_SIZE * BLOCKS // 3
#: Blocks above this one are handed back to the system as soon as they are read.
_KEPT_BLOCKS = 4
#: How long a frame waits before the writer is told.
POKE_SECONDS = 0.02
#: A writer that took nothing for this long stands still: nobody waits for it any more.
_STALLED_NS = 1_000_000_000

_HEADER = mmap.PAGESIZE
_READ_AT = 0  # u64: how far the writer has read
_WRITTEN_AT = 64  # u64: how far the relay has written
_ORDER_AT = 128  # a byte each: the block that holds the positions n * BLOCK_SIZE and up, at n modulo BLOCKS
_U64 = struct.Struct("=Q")
_FRAME = struct.Struct("=BxxxIQI")


class Kind(IntEnum):
    """What a frame holds."""

    SKIP = 0  # nothing; go on behind it
    OPENED = 1
    REQUEST = 2
    REQUEST_BODY = 3
    RESPONSE = 4
    ENDED = 5
    CLOSED = 6
    LOST = 7  # the ring was full: what this connection does from here on is not known
    GOODBYE = 8  # the relay ends in order


_KINDS = tuple(Kind)
_new_tuple = tuple.__new__
_RESPONSE = int(Kind.RESPONSE)


class Frame(NamedTuple):
    """One thing the relay told; ``at_ns`` is monotonic."""

    kind: Kind
    connection: int
    at_ns: int
    data: bytes


class SpoolWriter:
    """The relay's end; implements `streamlab.ports.Tap`. ``pipe`` is the writing end, non-blocking."""

    def __init__(self, memory: mmap.mmap, pipe: int) -> None:
        self._memory = memory
        self._pipe = pipe
        self._written = 0
        self._read = 0
        self._free = list(range(1, BLOCKS))  # a heap
        self._base = _HEADER  # where the current block begins
        self._freed = 0  # blocks given back so far, counted in the order they were written
        self._armed = False
        self._broken = False
        self._lost: set[int] = set()
        self._progress_ns = 0
        self.on_broken: Callable[[], object] = bool  # called once when the writer process is gone

    # --- the tap

    def opened(self, connection: int, at_ns: int, tap: str | None, upstream: str) -> None:
        """See `Tap.opened`."""
        self._put(Kind.OPENED, connection, at_ns, f"{tap or ''}\n{upstream}".encode())

    def request(self, connection: int, at_ns: int, head: bytes | memoryview) -> None:
        """See `Tap.request`."""
        self._put(Kind.REQUEST, connection, at_ns, head)

    def request_body(self, connection: int, at_ns: int, data: bytes | memoryview) -> None:
        """See `Tap.request_body`."""
        self._put(Kind.REQUEST_BODY, connection, at_ns, data)

    def response(self, connection: int, at_ns: int, data: bytes | memoryview) -> None:
        """See `Tap.response`."""
        if self._lost or self._broken:
            self._put(Kind.RESPONSE, connection, at_ns, data)
        elif not self._append(_RESPONSE, connection, at_ns, data):
            self._lost.add(connection)

    def ended(self, connection: int, at_ns: int, how: str) -> None:
        """See `Tap.ended`."""
        self._put(Kind.ENDED, connection, at_ns, how.encode("utf-8", "replace"))

    def closed(self, connection: int, at_ns: int) -> None:
        """See `Tap.closed`."""
        self._put(Kind.CLOSED, connection, at_ns, b"")
        self._lost.discard(connection)

    @property
    def congested(self) -> bool:
        """See `Tap.congested`."""
        if self._written - self._read < _CONGESTED:
            return False
        self._look()
        if self._written - self._read < _CONGESTED:
            return False
        return time.monotonic_ns() - self._progress_ns < _STALLED_NS

    # --- the memory

    def _look(self) -> None:
        (read,) = _U64.unpack_from(self._memory, _READ_AT)
        if read != self._read:
            self._read = read
            self._progress_ns = time.monotonic_ns()

    def _put(self, kind: Kind, connection: int, at_ns: int, data: bytes | memoryview) -> None:
        if self._broken:
            return
        if self._lost and connection in self._lost and not self._recover(kind, connection, at_ns):
            return
        if not self._append(kind, connection, at_ns, data):
            self._lost.add(connection)

    def _recover(self, kind: Kind, connection: int, at_ns: int) -> bool:
        """After a loss, take the connection up again where a request begins or it ends, and say what happened."""
        if kind not in (Kind.REQUEST, Kind.CLOSED) or not self._append(Kind.LOST, connection, at_ns, b""):
            return False
        self._lost.discard(connection)
        return True

    def _append(self, kind: int, connection: int, at_ns: int, data: bytes | memoryview) -> bool:
        size = len(data)
        used = self._written % BLOCK_SIZE
        if used + size + 2 * _FRAME.size > BLOCK_SIZE:  # room for a SKIP behind it is always left
            if not self._next_block(used):
                return False
            used = 0
        if self._written == self._read:
            self._progress_ns = at_ns
        at = self._base + used
        memory = self._memory
        _FRAME.pack_into(memory, at, kind, connection, at_ns, size)
        at += _FRAME.size
        memory[at : at + size] = data
        self._written += _FRAME.size + size
        # Only now the frame counts: a relay killed in between leaves no half of one.
        _U64.pack_into(memory, _WRITTEN_AT, self._written)
        if not self._armed:
            self._armed = True
            asyncio.get_running_loop().call_later(POKE_SECONDS, self.poke)
        return True

    def _next_block(self, used: int) -> bool:
        """Go on in the lowest free block; False when all are taken."""
        self._look()
        while self._freed < self._read // BLOCK_SIZE:
            block = self._memory[_ORDER_AT + self._freed % BLOCKS]
            heapq.heappush(self._free, block)
            self._freed += 1
            if block >= _KEPT_BLOCKS:
                with contextlib.suppress(OSError, AttributeError):
                    self._memory.madvise(mmap.MADV_REMOVE, _HEADER + block * BLOCK_SIZE, BLOCK_SIZE)
        if not self._free:
            return False
        block = heapq.heappop(self._free)
        _FRAME.pack_into(self._memory, self._base + used, Kind.SKIP, 0, 0, BLOCK_SIZE - used - _FRAME.size)
        self._written += BLOCK_SIZE - used
        self._memory[_ORDER_AT + self._written // BLOCK_SIZE % BLOCKS] = block
        self._base = _HEADER + block * BLOCK_SIZE
        return True

    def poke(self) -> None:
        """Tell the writer how far it may read. A full pipe is fine: it holds enough to wake the writer."""
        self._armed = False
        if self._broken:
            return
        try:
            os.write(self._pipe, _U64.pack(self._written))
        except BlockingIOError:
            self._armed = True
            asyncio.get_running_loop().call_later(POKE_SECONDS, self.poke)
        except OSError:
            self._broken = True
            self.on_broken()

    def goodbye(self) -> None:
        """The relay ends in order; waits a moment for room if there is none."""
        deadline = time.monotonic() + 2
        while not self._append_unarmed(Kind.GOODBYE) and time.monotonic() < deadline:
            time.sleep(0.01)
        with contextlib.suppress(OSError):
            os.set_blocking(self._pipe, True)
            os.write(self._pipe, _U64.pack(self._written))
        os.close(self._pipe)

    def _append_unarmed(self, kind: Kind) -> bool:
        self._armed = True
        return self._append(kind, 0, time.monotonic_ns(), b"")


class SpoolReader:
    """The writer's end; ``pipe`` is the reading end."""

    def __init__(self, memory: mmap.mmap, pipe: int) -> None:
        self._memory = memory
        self._pipe = pipe
        self._read = 0
        self._known = 0
        self.relay_gone = False

    def wait(self, seconds: float | None) -> None:
        """Until the relay says there is more, it is gone, or the time is over."""
        if self.relay_gone or self._read < self._known:
            return
        ready, _, _ = select.select([self._pipe], [], [], seconds)
        if not ready:
            return
        told = os.read(self._pipe, 65536)
        if told:
            (self._known,) = _U64.unpack(told[-8:])
        else:
            # All of the relay's stores are visible once it is dead, told or not.
            self.relay_gone = True
            (self._known,) = _U64.unpack_from(self._memory, _WRITTEN_AT)

    @property
    def empty(self) -> bool:
        """Whether everything told of has been read."""
        return self._read >= self._known

    def frames(self, limit: int) -> Iterator[Frame]:
        """Frames not read yet, until ``limit`` bytes; their room stays taken until `release()`."""
        taken, memory, unpack, head = 0, self._memory, _FRAME.unpack_from, _FRAME.size
        while self._read < self._known and taken < limit:
            block = memory[_ORDER_AT + self._read // BLOCK_SIZE % BLOCKS]
            begin = _HEADER + block * BLOCK_SIZE + self._read % BLOCK_SIZE + head
            kind, connection, at_ns, size = unpack(memory, begin - head)
            if kind:
                # Half the price of Frame(...), which is a function in Python.
                yield _new_tuple(Frame, (_KINDS[kind], connection, at_ns, memory[begin : begin + size]))
                taken += size
            self._read += head + size

    def release(self) -> None:
        """Give back the room of everything read."""
        _U64.pack_into(self._memory, _READ_AT, self._read)


def create_memory() -> mmap.mmap:
    """Anonymous memory that a forked process shares; no file, so no limit on file sizes touches it."""
    return mmap.mmap(-1, _HEADER + BLOCKS * BLOCK_SIZE)
