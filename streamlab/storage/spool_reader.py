"""The writer's end of the way from the relay: frames from shared memory, and from spool files where it fell behind."""

from __future__ import annotations

import mmap
import os
import select
import threading
from collections.abc import Callable
from pathlib import Path

from streamlab.storage.frames import (
    COUNTS_AT,
    ENDING_AT,
    FRAMES_IN_A_ROW,
    HEADER,
    HELD_AT,
    ORDER_AT,
    READ_AT,
    SPILLED_AT,
    TWO,
    U64,
    WRITTEN_AT,
    Gathering,
    Layout,
)
from streamlab.storage.overflow import check_room
from streamlab.storage.spool_files import SpoolFiles


class SpoolReader:
    """Frames in order; ``pipe`` is the reading end. ``position`` is that of the next frame."""

    def __init__(self, memory: mmap.mmap, layout: Layout, pipe: int, files: SpoolFiles) -> None:
        self._memory = memory
        self._layout = layout
        self._pipe = pipe
        self._files = files
        self._known = 0
        self._buffer: mmap.mmap | bytes = b""  # what holds the current block ...
        self._shift = 0  # ... its offset there, less its position ...
        self._block_end = 0  # ... and the position where it ends
        self._fence = threading.Lock()
        (self.position,) = U64.unpack_from(memory, READ_AT)
        self._cleared = 0  # all that was spilled up to here is recorded, and its files are deleted
        self.relay_gone = False
        self.damaged = False  # a block on disk could not be read; set when it was skipped

    def go_to(self, position: int) -> None:
        """Begin here: everything before is recorded."""
        self.position, self._block_end = position, 0
        self.release(position)

    def wait(self, seconds: float | None) -> None:
        """Until the relay says there is more, it is gone, or the time is over."""
        if self.relay_gone or self.position < self._known:
            return
        ready, _, _ = select.select([self._pipe], [], [], seconds)
        if ready:
            self._hear()

    def _hear(self) -> None:
        told = os.read(self._pipe, 65536)
        if told:
            (self._known,) = U64.unpack(told[-8:])
        else:
            # All of the relay's stores are visible once it is dead, told or not.
            self.relay_gone = True
            (self._known,) = U64.unpack_from(self._memory, WRITTEN_AT)

    @property
    def empty(self) -> bool:
        """Whether everything told of has been read."""
        return bool(self.position >= self._known)

    @property
    def behind(self) -> int:
        """Bytes that were written and not read, told of or not."""
        (written,) = U64.unpack_from(self._memory, WRITTEN_AT)
        return max(0, int(written) - int(self.position))

    def frames(self, limit: int, pause: Callable[[], object] | None = None) -> Gathering:
        """Frames not read yet, about ``limit`` bytes of them; their room stays taken until `release()`. ``pause`` is
        called now and then."""
        found = Gathering()
        until = self.position + limit
        while self.position < min(self._known, until):
            if self.position >= self._block_end:
                self._enter(self.position // self._layout.block)
                if self.damaged:
                    break
            shift, began = self._shift, self.position
            stop = min(self._known, self._block_end) + shift
            self.position = found.add(self._buffer, began + shift, stop, until + shift, FRAMES_IN_A_ROW) - shift
            if self.position == began:  # a block from disk that is shorter than a block, or makes no sense
                self._skip_block()
                break
            if pause is not None:
                pause()
        return found

    def _enter(self, number: int) -> None:
        """Find the block: on disk, or in memory, where it stays as long as we say that we read it."""
        begin, memory = number * self._layout.block, self._memory
        self._block_end = begin + self._layout.block
        U64.pack_into(memory, HELD_AT, number + 1)
        with self._fence:  # the relay sees this before we look whether it has moved the block
            (spilled,) = U64.unpack_from(memory, SPILLED_AT)
        if begin >= spilled:
            slot = memory[ORDER_AT + number % self._layout.blocks]
            self._buffer, self._shift = memory, HEADER + slot * self._layout.block - begin
            return
        U64.pack_into(memory, HELD_AT, 0)
        block = self._files.read(number)
        if block is None or len(block.data) != self._layout.block:
            self._skip_block()
        else:
            self._buffer, self._shift = block.data, -begin

    def _skip_block(self) -> None:
        """The block is not there any more: go on behind it."""
        self.damaged = True
        self.position, self._block_end = min(self._block_end, self._known), 0

    def release(self, position: int) -> None:
        """Everything before is recorded: give back its room, in memory and on disk."""
        U64.pack_into(self._memory, READ_AT, position)
        (spilled,) = U64.unpack_from(self._memory, SPILLED_AT)
        if spilled == self._cleared:
            return
        passed = position // (self._layout.block * self._layout.file_blocks)
        for number in self._files.numbers():
            if number < passed:
                self._files.delete(number)
            elif position >= spilled:
                self._files.delete(number, self._nothing_waits)
        if position >= spilled and not self._files.numbers():
            self._cleared = spilled

    def _nothing_waits(self) -> bool:
        """Whether all blocks on disk are recorded; asked while none can be added."""
        (spilled,) = U64.unpack_from(self._memory, SPILLED_AT)
        (read,) = U64.unpack_from(self._memory, READ_AT)
        return bool(read >= spilled)

    @property
    def ending(self) -> bool:
        """Whether the relay ends, in order or not."""
        return self.relay_gone or bool(self._memory[ENDING_AT])

    def keep_rest(self, about: dict[str, object], folder: Path) -> int | None:
        """Take everything that is not recorded to disk, for the next start; how many bytes, None when it cannot be, or
        nobody could read it there."""
        if about.get("encrypted"):
            return None
        (written,) = U64.unpack_from(self._memory, WRITTEN_AT)
        (read,) = U64.unpack_from(self._memory, READ_AT)
        (spilled,) = U64.unpack_from(self._memory, SPILLED_AT)
        block = self._layout.block
        self._files.close()
        try:
            check_room(folder)
            for number in range(max(read, spilled) // block, -(-written // block)):
                begin = HEADER + self._memory[ORDER_AT + number % self._layout.blocks] * block
                size = min(block, written - number * block)
                with memoryview(self._memory) as whole, whole[begin : begin + size] as data:
                    self._files.write(number, data, about)
                self._files.unlock()
        except OSError:
            return None
        return int(written) - int(read)

    def count(self, exchanges: int, size: int) -> None:
        """Tell the relay what is recorded: exchanges that ended, bytes of bodies."""
        TWO.pack_into(self._memory, COUNTS_AT, exchanges, size)

    def close(self) -> None:
        """Everything is recorded: delete what is left on disk."""
        self._files.delete_all()
