"""The relay's end of the way to the writer: frames in shared memory, and a pipe that says how far they go.

The relay copies each read into anonymous shared memory, which outlives it: after ``kill -9`` the writer
still finds everything that had been copied. Nothing is called per read; a timer tells the writer once every few
milliseconds, through the pipe. What the writer has recorded makes room. When it falls behind, the oldest blocks go to
disk (`overflow`), in a thread of their own; only when the disk takes no more, the recording loses data and says so.
The stream waits for none of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import mmap
import os
import time
from collections.abc import Callable

from streamlab.storage.frames import ENDING_AT, FRAME, HEADER, HELD_AT, ORDER_AT, READ_AT, U64, WRITTEN_AT, Kind, Layout
from streamlab.storage.heads import ResponseHeads, redact_request_head
from streamlab.storage.overflow import Overflow

#: Blocks above this one are handed back to the system as soon as they are free.
_KEPT_BLOCKS = 4
#: How long a frame waits before the writer is told.
POKE_SECONDS = 0.02
_RESPONSE = int(Kind.RESPONSE)


class SpoolWriter:
    """Implements `streamlab.ports.Tap`. ``pipe`` is the writing end, non-blocking."""

    def __init__(self, memory: mmap.mmap, layout: Layout, pipe: int, overflow: Overflow) -> None:
        self._memory = memory
        self._layout = layout
        self._pipe = pipe
        self._overflow = overflow
        self._written = 0
        self._free = list(range(1, layout.blocks))  # a heap
        self._at = HEADER  # where the next frame goes
        self._limit = HEADER + layout.block - 2 * FRAME.size  # room for a SKIP behind it is always left
        self._armed = False
        self._lost: set[int] = set()
        self._heads: dict[int, ResponseHeads] = {}
        self.on_broken: Callable[[], object] = bool  # called when nobody reads the pipe any more
        overflow.blocks[0] = 0
        memory[ORDER_AT] = 0

    # --- the tap

    def opened(self, connection: int, at_ns: int, tap: str | None, upstream: str) -> None:
        """See `Tap.opened`."""
        self._put(Kind.OPENED, connection, at_ns, f"{tap or ''}\n{upstream}".encode())

    def request(self, connection: int, at_ns: int, head: bytes | memoryview) -> None:
        """See `Tap.request`."""
        heads = self._heads.get(connection)
        if heads is None:
            self._heads[connection] = ResponseHeads()
        else:
            heads.expect()
        self._put(Kind.REQUEST, connection, at_ns, redact_request_head(bytes(head)))

    def request_body(self, connection: int, at_ns: int, data: bytes | memoryview) -> None:
        """See `Tap.request_body`."""
        self._put(Kind.REQUEST_BODY, connection, at_ns, data)

    def response(self, connection: int, at_ns: int, data: bytes | memoryview) -> None:
        """See `Tap.response`."""
        if connection in self._heads:
            data = self._heads[connection].feed(bytes(data))
            if self._heads[connection].done:
                del self._heads[connection]
        if self._lost:
            self._put(Kind.RESPONSE, connection, at_ns, data)
        elif not self._append(_RESPONSE, connection, at_ns, data):
            self._lost.add(connection)

    def ended(self, connection: int, at_ns: int, how: str) -> None:
        """See `Tap.ended`."""
        self._put_rest_of_head(connection, at_ns)
        self._put(Kind.ENDED, connection, at_ns, how.encode("utf-8", "replace"))

    def closed(self, connection: int, at_ns: int) -> None:
        """See `Tap.closed`."""
        self._put_rest_of_head(connection, at_ns)
        self._heads.pop(connection, None)
        self._put(Kind.CLOSED, connection, at_ns, b"")
        self._lost.discard(connection)

    @property
    def congested(self) -> bool:
        """See `Tap.congested`."""
        if len(self._free) > self._layout.reserve:
            return False
        self._free_blocks()
        return len(self._free) <= self._layout.reserve and self._overflow.working

    def _put_rest_of_head(self, connection: int, at_ns: int) -> None:
        heads = self._heads.get(connection)
        rest = heads.rest() if heads is not None else b""
        if rest:
            self._put(Kind.RESPONSE, connection, at_ns, rest)

    # --- the memory

    def _put(self, kind: Kind, connection: int, at_ns: int, data: bytes | memoryview) -> None:
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
        at = self._at
        if at + size > self._limit:
            most = self._layout.block - 2 * FRAME.size
            if size > most:
                return self._append_parts(kind, connection, at_ns, data, most)
            if not self._next_block():
                return False
            at = self._at
        memory = self._memory
        FRAME.pack_into(memory, at, kind, connection, at_ns, size)
        at += FRAME.size
        self._at = at + size
        memory[at : self._at] = data
        self._written += FRAME.size + size
        # Only now the frame counts: a relay killed in between leaves no half of one.
        U64.pack_into(memory, WRITTEN_AT, self._written)
        if not self._armed:
            self._armed = True
            asyncio.get_running_loop().call_later(POKE_SECONDS, self.poke)
        return True

    def _append_parts(self, kind: int, connection: int, at_ns: int, data: bytes | memoryview, most: int) -> bool:
        if kind not in (Kind.RESPONSE, Kind.REQUEST_BODY):
            return False
        parts = (data[start : start + most] for start in range(0, len(data), most))
        return all(self._append(kind, connection, at_ns, part) for part in parts)

    def _next_block(self) -> bool:
        """Go on in the lowest free block; False when all are taken."""
        self._free_blocks()
        layout = self._layout
        if layout.blocks - len(self._free) >= layout.spill_from:
            self._overflow.wake()
        if not self._free:
            return False
        slot = heapq.heappop(self._free)
        left = layout.block - self._written % layout.block
        if left < layout.block:
            FRAME.pack_into(self._memory, self._at, Kind.SKIP, 0, 0, left - FRAME.size)
            self._written += left
        number = self._written // layout.block
        self._memory[ORDER_AT + number % layout.blocks] = slot
        self._overflow.blocks[number] = slot
        self._at = HEADER + slot * layout.block
        self._limit = self._at + layout.block - 2 * FRAME.size
        return True

    def _free_blocks(self) -> None:
        """Take back the blocks that were recorded, and those that are on disk and not being read."""
        memory, overflow = self._memory, self._overflow
        if not overflow.lock.acquire(blocking=not self._free):  # held for a few instructions only
            return
        try:
            (read,) = U64.unpack_from(memory, READ_AT)
            (held,) = U64.unpack_from(memory, HELD_AT)
            recorded, spilled = read // self._layout.block, overflow.spilled // self._layout.block
            for number in [one for one in overflow.blocks if one < max(recorded, spilled)]:
                if number == overflow.busy or (number >= recorded and number + 1 == held):
                    continue
                slot = overflow.blocks.pop(number)
                heapq.heappush(self._free, slot)
                if slot >= _KEPT_BLOCKS:
                    with contextlib.suppress(OSError, AttributeError):
                        memory.madvise(mmap.MADV_REMOVE, HEADER + slot * self._layout.block, self._layout.block)
        finally:
            overflow.lock.release()

    # --- the pipe

    def connect(self, pipe: int) -> None:
        """Go on with another writer, at the other end of this pipe."""
        os.close(self._pipe)
        self._pipe = pipe
        U64.pack_into(self._memory, HELD_AT, 0)
        self._armed = False

    def poke(self) -> None:
        """Tell the writer how far it may read. A full pipe is fine: it holds enough to wake the writer."""
        self._armed = False
        try:
            os.write(self._pipe, U64.pack(self._written))
        except BlockingIOError:
            self._armed = True
            asyncio.get_running_loop().call_later(POKE_SECONDS, self.poke)
        except OSError:
            self.on_broken()

    def goodbye(self) -> None:
        """The relay ends in order; waits a moment for room if there is none."""
        deadline = time.monotonic() + 2
        self._armed = True
        while not self._append(Kind.GOODBYE, 0, time.monotonic_ns(), b"") and time.monotonic() < deadline:
            time.sleep(0.01)
        self._memory[ENDING_AT] = 1
        self._overflow.stop()
        self.tell()

    def tell(self) -> None:
        """`poke` without an event loop."""
        with contextlib.suppress(OSError):  # a full pipe, or a writer that is gone and will be replaced
            os.write(self._pipe, U64.pack(self._written))

    def close(self) -> None:
        """There will be no more."""
        os.close(self._pipe)
