"""The frames that the relay tells the writer, and how they lie in blocks: in shared memory, or in a spool file.

A block is a stretch of the stream of frames; its number is its position divided by the size of a block. A frame never
crosses the end of a block: the rest of one is skipped.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
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


KINDS = tuple(Kind)
_new_tuple = tuple.__new__


class Frame(NamedTuple):
    """One thing the relay told; ``at_ns`` is monotonic."""

    kind: Kind
    connection: int
    at_ns: int
    data: bytes


_SKIP = Frame(Kind.SKIP, 0, 0, b"")


def create_memory(layout: Layout) -> mmap.mmap:
    """Anonymous memory that a forked process shares; no file, so no limit on file sizes touches it."""
    return mmap.mmap(-1, HEADER + layout.blocks * layout.block)


def frames_between(buffer: mmap.mmap | bytes, at: int, stop: int) -> Iterator[tuple[int, Frame]]:
    """Frames of one block from ``at`` on, each with the offset behind it. Ends early where they make no sense."""
    unpack, head, kinds = FRAME.unpack_from, FRAME.size, len(KINDS)
    while at + head <= stop:
        kind, connection, at_ns, size = unpack(buffer, at)
        at += head
        if kind >= kinds or at + size > stop:
            return
        end = at + size
        if kind:
            # Half the price of Frame(...), which is a function in Python.
            yield end, _new_tuple(Frame, (KINDS[kind], connection, at_ns, buffer[at:end]))
        else:
            yield end, _SKIP
        at = end
