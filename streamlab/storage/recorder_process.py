"""The writer process as the relay holds it: forked, replaced when it dies, waited for at the end.

It is forked from the process that relays, in a session of its own, so that neither Ctrl-C nor the death of the relay
ends it before everything is written.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import mmap
import os
import secrets
import select
import signal
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from streamlab.errors import UnreadableInputError
from streamlab.sharing.masking import mask_text
from streamlab.sharing.wanted import Masking
from streamlab.storage.background import LOOKS_A_SECOND, SharePolicy
from streamlab.storage.block_cipher import BlockCipher, RequestCipher, in_use
from streamlab.storage.frames import COUNTS_AT, READ_AT, SPILLED_AT, TWO, U64, WRITTEN_AT, Layout, create_memory
from streamlab.storage.overflow import Overflow, about_run
from streamlab.storage.recorder import Observer, Recorder
from streamlab.storage.spool import SpoolWriter
from streamlab.storage.spool_files import SpoolFiles, request_cipher
from streamlab.storage.spool_reader import SpoolReader
from streamlab.storage.taking_up import take_up
from streamlab.storage.writing import LEFT_OVER, LOST, WRITTEN, Writing

#: At the end, how long to wait for a writer that gets nowhere.
_STILL_SECONDS = 60.0
#: How soon a writer that died is replaced when the one before did not live long, doubled each time; and the most.
_FIRST_DELAY, _LONGEST_DELAY, _LONG_LIFE = 0.1, 5.0, 10.0


class RecorderStatus(NamedTuple):
    """How a recording stands: exchanges that ended and bytes of bodies in the database, bytes that the writer is
    behind, and how many of those are on disk instead of in memory."""

    exchanges: int
    bytes: int
    behind: int
    spooled: int


@dataclass(frozen=True, slots=True)
class Recording:
    """What is recorded where. ``observer`` makes the display, in the writer process; the database is kept below
    ``max_size`` bytes. With ``masking`` bodies are masked before they are written."""

    path: Path
    label: str | None
    observer: Callable[[], Observer]
    max_size: int | None = None
    masking: Masking | None = None
    layout: Layout = field(default_factory=Layout)
    run: str = field(default_factory=lambda: secrets.token_hex(4))
    cipher: BlockCipher | RequestCipher = field(init=False)  # of what waits on disk to be masked

    def __post_init__(self) -> None:
        if self.label:
            object.__setattr__(self, "label", mask_text(self.label))
        cipher = BlockCipher() if self.masking is not None else request_cipher(self.run)
        object.__setattr__(self, "cipher", cipher)

    def files(self) -> SpoolFiles:
        """What waits on disk; for one process each."""
        return SpoolFiles(self.path, self.run, self.layout, self.cipher)


class RecorderProcess:
    """The relay's hold on the writer process; ``tap`` is what the relay tells."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._memory = create_memory(recording.layout)
        mark = recording.cipher.mark if isinstance(recording.cipher, RequestCipher) else None
        encrypted = mark is None
        self._about = about_run(recording.layout, recording.label, encrypted=encrypted, requests=mark)
        overflow = Overflow(self._memory, recording.layout, recording.path, recording.files(), self._about)
        self._warn: Callable[[str], object] = bool
        self._forked_at = 0.0
        self._delay = 0.0
        self._gone = False
        self._share = SharePolicy()
        self._loop: asyncio.AbstractEventLoop | None = None
        self.pid, self._status, pipe = self._fork()
        self.tap = SpoolWriter(self._memory, recording.layout, pipe, overflow)

    def _fork(self) -> tuple[int, int, int]:
        """Process id, the reading end of its status pipe, and the writing end of the pipe that tells it things."""
        pipe_read, pipe_write = os.pipe()
        status_read, status_write = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        with warnings.catch_warnings(), in_use:
            # A thread of ours may be writing a block to disk; the new process touches nothing else that it holds.
            warnings.simplefilter("ignore", DeprecationWarning)
            pid = os.fork()
        if pid == 0:
            code = LOST
            try:
                gc.freeze()  # what the relay left here must never be closed: its numbers belong to other files now
                _close_all_but(2, pipe_read, status_write)
                code = _child(self._recording, self._memory, self._about, pipe_read, status_write)
            except Exception as error:  # our own bug: the relay must go on, and somebody must hear of it
                with contextlib.suppress(OSError):
                    print(f"streamlab: warning: recording failed: {type(error).__name__}: {error}", file=sys.stderr)
            finally:
                os._exit(code)
        os.close(pipe_read)
        os.close(status_write)
        os.set_blocking(pipe_write, False)
        self._forked_at = time.monotonic()
        return pid, status_read, pipe_write

    def wait_ready(self, seconds: float = 5.0) -> None:
        """Until the capture is open, or the time is over (a locked one is waited for while streams already run).

        Raises UnreadableInputError when the file is not a capture.
        """
        ready, _, _ = select.select([self._status], [], [], seconds)
        text = os.read(self._status, 65536).decode("utf-8", "replace") if ready else ""
        if text.startswith("unreadable "):
            os.waitpid(self.pid, 0)
            os.close(self._status)
            self.tap.close()
            raise UnreadableInputError(text.removeprefix("unreadable ").strip())

    # --- while the relay runs

    def watch(self, warn: Callable[[str], object]) -> None:
        """Replace the writer when it dies; to be called on the relay's event loop. ``warn`` is told."""
        self._warn = warn
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._status, self._heard)
        self._look()

    def _look(self) -> None:
        if self._loop is None:
            return
        if not self._gone:
            fed, done = (int(U64.unpack_from(self._memory, at)[0]) for at in (WRITTEN_AT, READ_AT))
            self._share.look(self.pid, fed, done)
        self._loop.call_later(1 / LOOKS_A_SECOND, self._look)

    def unwatch(self) -> None:
        """The loop ends."""
        if self._loop is not None:
            self._loop.remove_reader(self._status)
            self._loop = None

    def _heard(self) -> None:
        if os.read(self._status, 65536) or self._loop is None:
            return
        self._loop.remove_reader(self._status)
        self._gone = True
        code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        how = f"by signal {-code}" if code < 0 else f"with code {code}"
        self._warn(f"the recording process ended {how}; another takes over, and nothing is lost")
        lived = time.monotonic() - self._forked_at
        self._delay = 0.0 if lived > _LONG_LIFE else min(_LONGEST_DELAY, max(_FIRST_DELAY, 2 * self._delay))
        self._loop.call_later(self._delay, self._replace)

    def _replace(self) -> None:
        if not self._gone:  # the end came first
            return
        self._gone = False
        os.close(self._status)
        self.pid, self._status, pipe = self._fork()
        self.tap.connect(pipe)
        self.tap.tell()
        if self._loop is not None:
            self._loop.add_reader(self._status, self._heard)

    def status(self) -> RecorderStatus:
        """How it stands."""
        written, read, spilled = (int(U64.unpack_from(self._memory, at)[0]) for at in (WRITTEN_AT, READ_AT, SPILLED_AT))
        exchanges, size = TWO.unpack_from(self._memory, COUNTS_AT)
        return RecorderStatus(exchanges, size, written - read, max(0, spilled - read))

    # --- the end

    def finish(self) -> bool:
        """Say goodbye and wait until everything is written, as long as it gets on; whether it was."""
        self.tap.goodbye()
        self._replace()
        behind, deadline = -1, 0.0
        while True:
            done, status = os.waitpid(self.pid, os.WNOHANG)
            if done and os.waitstatus_to_exitcode(status) >= 0:
                self.tap.close()
                return self._ended(os.waitstatus_to_exitcode(status))
            now = time.monotonic()
            if done:
                self._gone = True
                self._replace()
            if self.status().behind != behind:
                behind, deadline = self.status().behind, now + _STILL_SECONDS
            elif now > deadline:
                self._warn(f"the recording process got no further in {_STILL_SECONDS:.0f} s; it is left to itself")
                return False
            time.sleep(0.005)

    def _ended(self, code: int) -> bool:
        """Whether a writer that ended by itself had written everything. One that found something else in the file's
        place says so to us alone."""
        if code not in (WRITTEN, LOST, LEFT_OVER):
            os.set_blocking(self._status, False)
            said = b""
            with contextlib.suppress(OSError):
                said = os.read(self._status, 65536)
            why = said.decode("utf-8", "replace").removeprefix("unreadable ").strip() or f"it ended with code {code}"
            self._warn(f"not everything could be recorded: {why}")
        return code == WRITTEN


def start(recording: Recording) -> RecorderProcess:
    """Fork the writer process. Call it before threads or an event loop exist."""
    return RecorderProcess(recording)


def _child(recording: Recording, memory: mmap.mmap, about: dict[str, object], pipe: int, status: int) -> int:
    os.setsid()
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _leave_stdio()
    observer = recording.observer()
    spool = SpoolReader(memory, recording.layout, pipe, recording.files())
    recorder = Recorder(recording.path, recording.label, observer, recording.run, recording.max_size, recording.masking)
    writing = Writing(spool, recorder, observer, on_start=lambda: take_up(recorder.file, observer), about=about)
    try:
        started = recorder.start(refuse_foreign=not spool.position)
    except UnreadableInputError as error:
        os.write(status, f"unreadable {error}".encode())
        return 2
    with contextlib.suppress(OSError):  # on a busy machine nobody may wait for it any more
        os.write(status, b"ready")
    if started:
        writing.begin()
    gc.freeze()
    return writing.run()


def _close_all_but(*kept: int) -> None:
    """Close what was inherited: connections, above all, whose other ends wait for their end."""
    begin = 0
    for number in (*sorted(kept), os.sysconf("SC_OPEN_MAX")):
        os.closerange(begin, number)
        begin = number + 1


def _leave_stdio() -> None:
    """Keep stderr only: whoever reads our standard output must see its end when the relay is gone."""
    null = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1):
        if null != number:
            os.dup2(null, number)
    if null > 2:
        os.close(null)
