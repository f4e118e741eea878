"""Takes the oldest blocks of the shared memory to disk when the writer falls behind, in a thread of its own.

The relay never waits for it: the thread starts when half of the memory is taken, writes whole blocks, and the blocks
are free once the file has them. A disk that takes no more is asked again until it does.
"""

from __future__ import annotations

import errno
import mmap
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from streamlab.storage.frames import HEADER, READ_AT, SPILLED_AT, U64, WRITTEN_AT, Layout
from streamlab.storage.process_identity import this_process
from streamlab.storage.spool_files import SpoolFiles

About = dict[str, object]
#: How soon a disk without room is asked again.
_RETRY_SECONDS = 0.25
#: What is left free on the disk, so that the database has room to take up what was spooled; of a small disk an eighth.
_RESERVE = 64 * 1024 * 1024


class Overflow:
    """The disk beside the shared memory. ``blocks`` maps the numbers of the blocks in memory to where they lie there;
    the relay changes it under ``lock`` and leaves the block ``busy`` alone."""

    def __init__(self, memory: mmap.mmap, layout: Layout, database: Path, files: SpoolFiles, about: About) -> None:
        self._memory = memory
        self._layout = layout
        self._folder = database.resolve().parent
        self._files = files
        self._about = about
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._closing = False
        self.blocks: dict[int, int] = {}
        self.lock = threading.Lock()
        self.busy = -1
        self.spilled = 0  # blocks before this position are on disk, or recorded
        self.failure = ""  # why the disk takes no more; empty while it does
        self.on_failure: Callable[[str], object] = bool  # called in the thread, once for each time the disk is full

    @property
    def working(self) -> bool:
        """Whether blocks are going to disk, so that room will come."""
        return self._thread is not None and not self.failure

    def wake(self) -> None:
        """The memory is half full."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="spool", daemon=True)
            self._thread.start()
        self._wake.set()

    def _run(self) -> None:
        while not self._closing:
            self._wake.wait()
            self._wake.clear()
            while not self._closing and self._behind() > self._layout.spill_to:
                if not self._spill():
                    time.sleep(_RETRY_SECONDS)

    def _behind(self) -> int:
        """Whole blocks in memory that the writer has not recorded."""
        (written,) = U64.unpack_from(self._memory, WRITTEN_AT)
        return int(written) // self._layout.block - self._oldest()

    def _oldest(self) -> int:
        (read,) = U64.unpack_from(self._memory, READ_AT)
        return max(int(read), self.spilled) // self._layout.block

    def _spill(self) -> bool:
        """Write the oldest block; False when the disk does not take it."""
        block = self._layout.block
        with self.lock:
            number = self._oldest()
            slot = self.blocks.get(number)
            if slot is None:  # recorded meanwhile
                return True
            self.busy = number
        begin = HEADER + slot * block
        try:
            check_room(self._folder)
            with memoryview(self._memory) as whole, whole[begin : begin + block] as data:
                self._files.write(number, data, self._about)
            with self.lock:
                self.spilled = (number + 1) * block
                U64.pack_into(self._memory, SPILLED_AT, self.spilled)
            self.failure = ""
        except OSError as error:
            if not self.failure:
                self.failure = (error.strerror or str(error)).lower()
                self.on_failure(self.failure)
            return False
        finally:
            self._files.unlock()
            self.busy = -1
        return True

    def stop(self) -> None:
        """End the thread."""
        self._closing = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join(10)


def check_room(folder: Path) -> None:
    """Raises OSError when the disk is as good as full."""
    found = os.statvfs(folder)
    reserve = min(_RESERVE, found.f_blocks * found.f_frsize // 8)
    if found.f_bavail * found.f_frsize < reserve:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def about_run(layout: Layout, label: str | None, *, encrypted: bool = False, requests: str | None = None) -> About:
    """What a spool file says of the run it belongs to; called by the relay."""
    told = {"block": layout.block, "file_blocks": layout.file_blocks, "encrypted": encrypted, "requests": requests}
    return {"format": "streamlab.spool/2", "relay": this_process(), "label": label, **told}
