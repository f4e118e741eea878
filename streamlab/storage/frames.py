"""The frames that the relay tells the writer, and how they lie in blocks: in shared memory, or in a spool file.

A block is a stretch of the stream of frames; its number is its position divided by the size of a block. A frame never
crosses the end of a block: the rest of one is skipped.
"""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Layout:
    """Sizes of the shared memory and of the spool files."""

    #: The memory is cut into blocks; the lowest free one is written next, so that a recorder which keeps up touches
    #: two or three of them.
    block: int = 2 * 1024 * 1024
    blocks: int = 32  # 255 at most
    #: Blocks of one spool file; a file is deleted when all of them are in the database.
    file_blocks: int = 8

    @property
    def spill_from(self) -> int:
        """Blocks taken from which on the oldest go to disk."""
        return max(2, self.blocks // 2)

    @property
    def reserve(self) -> int:
        """Free blocks below which fast streams wait for the disk: each of them may have one more read under way."""
        return max(1, self.blocks // 4)

    @property
    def spill_to(self) -> int:
        """Blocks that stay in memory then."""
        return max(1, self.blocks // 8)


#: Where the header of the shared memory keeps its numbers, each in a cache line of its own: how far the writer has
#: recorded (everything before may be forgotten), how far the relay has written, how far the oldest blocks are in spool
#: files, and the block, plus one, that the writer reads from memory.
READ_AT, WRITTEN_AT, SPILLED_AT, HELD_AT = 0, 64, 128, 192
#: What the writer counts: exchanges that ended, bytes of bodies recorded.
COUNTS_AT = 256
#: Set once the relay ends in order, should there be no room for saying so in a frame.
ENDING_AT = 320
#: A byte each: the block of memory that holds block n, at n modulo the number of blocks.
ORDER_AT = 1024
HEADER = mmap.PAGESIZE
#: Frames after which a relay that waits for the writer's core gets it: sooner than the scheduler would take it.
FRAMES_IN_A_ROW = 128

U64 = struct.Struct("=Q")
TWO = struct.Struct("=QQ")
FRAME = struct.Struct("=BxxxIQI")


class Kind(IntEnum):
    """What a frame holds."""

    SKIP = 0  # nothing; go on behind it
    OPENED = 1
    REQUEST = 2
    REQUEST_BODY = 3
    RESPONSE = 4
    ENDED = 5
    CLOSED = 6
    LOST = 7  # there was no room: what this connection does from here on is not known
    GOODBYE = 8  # the relay ends in order


_KINDS = tuple(Kind)
_RESPONSE = int(Kind.RESPONSE)


class Frame(NamedTuple):
    """One thing the relay told; ``at_ns`` is monotonic."""

    kind: Kind
    connection: int
    at_ns: int
    data: bytes


def create_memory(layout: Layout) -> mmap.mmap:
    """Anonymous memory that a forked process shares; no file, so no limit on file sizes touches it."""
    return mmap.mmap(-1, HEADER + layout.blocks * layout.block)


class Reads(NamedTuple):
    """What one connection's upstream said, read by read, with nothing else of this connection in between."""

    connection: int
    times_ns: list[int]
    data: list[bytes]


class Gathering:
    """Frames in order, the reads of each connection together: most of what is told are tokens of many streams in turn.

    ``found`` has them; a connection's `Reads` stand where its first read came, before whatever else it told later.
    """

    def __init__(self) -> None:
        self.found: list[Frame | Reads] = []
        self.last_ns = 0
        self._open: dict[int, tuple[list[int], list[bytes]]] = {}

    def add(self, buffer: mmap.mmap | bytes, at: int, stop: int, enough: int = 2**62, most: int = 2**31) -> int:
        """``most`` frames of one block from ``at`` on, none that begins at ``enough`` or later; returns the offset
        behind them. Ends early where they make no sense."""
        unpack, head, known = FRAME.unpack_from, FRAME.size, self._open
        while at + head <= stop and at < enough and most:
            kind, connection, at_ns, size = unpack(buffer, at)
            begin = at + head
            end = begin + size
            if end > stop or kind >= len(_KINDS):
                break
            if kind == _RESPONSE:  # nearly every frame
                if connection not in known:
                    known[connection] = ([], [])
                    self.found.append(Reads(connection, *known[connection]))
                times, data = known[connection]
                times.append(at_ns)
                data.append(buffer[begin:end])
            elif kind:
                known.pop(connection, None)
                self.found.append(Frame(_KINDS[kind], connection, at_ns, buffer[begin:end]))
            at = end
            most -= 1
            self.last_ns = at_ns or self.last_ns
        return at
