"""The writer process: reads the relay's frames, builds exchanges, writes them to a capture.

It is forked from the process that relays, in a session of its own, so that neither Ctrl-C nor the death of the relay
ends it before everything is written. Trouble with the disk costs the recording, never the stream: it is said once,
and the process goes on taking frames.
"""

from __future__ import annotations

import contextlib
import gc
import os
import select
import signal
import socket
import sqlite3
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from streamlab.errors import CouldNotRunError, StreamlabError, UnreadableInputError
from streamlab.storage.background import stand_back
from streamlab.storage.capture_db import CaptureDB
from streamlab.storage.conversation import Conversation
from streamlab.storage.draft import Draft, write_drafts
from streamlab.storage.process_identity import this_process
from streamlab.storage.spool import Frame, Kind, SpoolReader, SpoolWriter, create_memory

#: Bytes taken between two commits, and bytes that may wait while the database is locked.
_BATCH, _MAX_WAITING = 4 * 1024 * 1024, 64 * 1024 * 1024
#: After a commit, how long nothing is written: so many times what it took, and this long at most. A commit writes a
#: page for each stream, whether one row of it is new or ten.
_COMMIT_PAUSES, _LONGEST_PAUSE = 30, 0.2
#: How long one attempt waits for a lock, how often it is tried, after how long it is said, and how long at the end.
_BUSY_SECONDS, _RETRY_SECONDS, _PATIENCE, _LAST_PATIENCE = 0.05, 0.05, 10.0, 5.0
_DRAIN_SECONDS = 60.0
_TICK_SECONDS = 0.25
#: Frames after which a relay that waits for the same core gets it: sooner than the scheduler would take it from us.
_FRAMES_IN_A_ROW = 32


class Observer(Protocol):
    """Watches exchanges come and go, in the writer process; the command line's live display."""

    def changed(self, draft: Draft) -> None:
        """A draft is new, has more bytes, or ended; called once a batch."""

    def warn(self, message: str) -> None:
        """Something costs the recording; one line."""

    def tick(self) -> bool:
        """Time to draw; returns whether there is something to see, and so to be called again soon."""

    def close(self) -> None:
        """The last call."""


class Recorder:
    """Takes frames, builds exchanges, writes them in batches."""

    def __init__(self, path: Path, label: str | None, observer: Observer) -> None:
        self._path = path
        self._label = label
        self._observer = observer
        self._conversations: dict[int, Conversation] = {}
        self._dirty: dict[int, Draft] = {}
        self._waiting_bytes = 0
        self._db: CaptureDB | None = None
        self._file: tuple[int, int] | None = None
        self._recorder_id = 0
        self._busy_since: float | None = None
        self._warned_busy = False
        self._checked = 0.0
        self._next_commit = 0.0
        self._given_up = False
        self.failed = False  # something was not recorded
        self.goodbye = False

    def open(self) -> None:
        """Open or create the capture; UnreadableInputError when the file is something else.

        Any other trouble is said and costs the recording; a lock is waited for later.
        """
        try:
            self._db = CaptureDB(self._path, write=True, busy_seconds=_BUSY_SECONDS)
            self._file = _file_id(self._path)
            cursor = self._db.connection.execute(
                "INSERT INTO recorders (process, started_at) VALUES (?, strftime('%Y-%m-%dT%H:%M:%fZ'))",
                (this_process(),),
            )
            self._recorder_id = int(cursor.lastrowid or 0)
        except UnreadableInputError:
            raise
        except (CouldNotRunError, sqlite3.Error) as error:
            if self._db is not None:
                self._db.close()
                self._db = None
            if "locked" in str(error):
                self._busy(time.monotonic())
            else:
                self._fail(str(error))

    # --- frames

    def take(self, frame: Frame) -> None:
        """One frame."""
        kind, connection, _, data = frame
        if kind is Kind.RESPONSE:  # nearly every frame is one
            self._waiting_bytes += len(data)
            known = self._conversations.get(connection)
            if known is not None:
                known.response(frame)
            return
        if frame.kind is Kind.OPENED:
            self._conversations[frame.connection] = Conversation(frame, self._label, self._touched)
            return
        if frame.kind is Kind.GOODBYE:
            self.goodbye = True
            return
        conversation = self._conversations.get(frame.connection)
        if conversation is None:
            return
        conversation.take(frame)
        if frame.kind is Kind.CLOSED:
            conversation.interrupt("recording-lost")
            del self._conversations[frame.connection]
        elif frame.kind is Kind.LOST:
            self.lost()

    def _touched(self, draft: Draft, size: int) -> None:
        """A draft has something to write; ``size`` is what waits with it beside the bytes of responses."""
        self._dirty[id(draft)] = draft
        self._waiting_bytes += size

    @property
    def full(self) -> bool:
        """Whether so much waits for the database that no more can be taken."""
        return self._waiting_bytes >= _MAX_WAITING

    @property
    def waiting(self) -> bool:
        """Whether something could not be written yet."""
        return bool(self._dirty) and not self._given_up

    def lost(self) -> None:
        """Bytes were lost because nobody could take them in time."""
        if not self.failed:
            self.failed = True
            self._observer.warn(f"{self._path}: could not keep up with the stream; parts of the recording are missing")

    def interrupt(self, reason: str) -> None:
        """The relay is gone; what is open ends here."""
        for conversation in self._conversations.values():
            conversation.interrupt(reason)
        self._conversations.clear()

    # --- writing

    def write(self, *, at_once: bool = False) -> None:
        """Write what waits, if the database lets us, and (unless ``at_once``) if it is time to."""
        if not self._dirty:
            self._waiting_bytes = 0
            return
        if not at_once and self._waiting_bytes < _BATCH and time.monotonic() < self._next_commit:
            return
        drafts = list(self._dirty.values())
        if self._given_up:
            self._forget(drafts)
        elif self._store(drafts):
            self._dirty.clear()
            self._waiting_bytes = 0
        for draft in drafts:
            self._observer.changed(draft)

    def _store(self, drafts: list[Draft]) -> bool:
        now = time.monotonic()
        try:
            if self._db is None:
                self.open()
            if self._db is None:
                return self._given_up
            write_drafts(self._db.connection, drafts, self._recorder_id)
            done = time.monotonic()
            self._next_commit = done + min(_COMMIT_PAUSES * (done - now), _LONGEST_PAUSE)
            self._busy_since = None
            self._check_file(now)
        except StreamlabError as error:
            self._fail(str(error))
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                self._busy(now)
                return False
            self._fail(str(error))
        return True

    def _busy(self, now: float) -> None:
        if self._busy_since is None:
            self._busy_since = now
        elif now - self._busy_since > _PATIENCE and not self._warned_busy:
            self._warned_busy = True
            self._observer.warn(f"{self._path}: locked by another process; streams go on, recording waits for it")

    def _check_file(self, now: float) -> None:
        """Somebody may have deleted or replaced the file, which SQLite does not notice."""
        if now - self._checked > 1.0:
            self._checked = now
            if _file_id(self._path) != self._file:
                self._fail("the file was removed or replaced")

    def _fail(self, reason: str) -> None:
        self._given_up = True
        if self._db is not None:
            with contextlib.suppress(sqlite3.Error):
                self._db.close()
            self._db = None
        if not self.failed:
            self.failed = True
            text = reason.removeprefix(f"{self._path}: ")
            self._observer.warn(f"{self._path}: {text}; recording stops here, streams go on")

    def _forget(self, drafts: list[Draft]) -> None:
        """Without a database, drafts are only counted for the display."""
        for draft in drafts:
            draft.pending.clear()
            draft.request_parts.clear()
            draft.request_body.clear()
            draft.changed = draft.request_changed = False
        self._dirty.clear()
        self._waiting_bytes = 0

    def close(self) -> None:
        """Write what is left, patiently, and close."""
        deadline = time.monotonic() + _LAST_PATIENCE
        self.write(at_once=True)
        while self.waiting and time.monotonic() < deadline:
            time.sleep(_RETRY_SECONDS)
            self.write(at_once=True)
        if self.waiting:
            # Said before, if it has been so for long: then not again.
            self.failed = self.failed or self._warned_busy
            self._fail("locked by another process; what had not been written is lost")
        if self._db is not None:
            with contextlib.suppress(sqlite3.Error):
                self._db.close()


def _file_id(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def run(spool: SpoolReader, recorder: Recorder, observer: Observer) -> int:
    """Until the relay has said goodbye or is gone and everything is written; returns the exit code."""
    drawn, alive = 0.0, False
    while True:
        spool.wait(_RETRY_SECONDS if recorder.waiting else _TICK_SECONDS if alive else None)
        if not recorder.full:
            for number, frame in enumerate(spool.frames(_BATCH)):
                recorder.take(frame)
                if number % _FRAMES_IN_A_ROW == 0:
                    os.sched_yield()
        recorder.write()
        spool.release()
        now = time.monotonic()
        if now - drawn >= _TICK_SECONDS:
            drawn = now
            alive = observer.tick()
        if spool.empty and (recorder.goodbye or spool.relay_gone):
            break
        if recorder.full:
            time.sleep(_RETRY_SECONDS)
    recorder.interrupt("recorder-stopped" if recorder.goodbye else "recorder-killed")
    recorder.close()
    observer.close()
    return 3 if recorder.failed else 0


@dataclass(slots=True)
class RecorderProcess:
    """The relay's hold on the writer process."""

    tap: SpoolWriter
    pid: int
    _status: int

    def wait_ready(self, seconds: float = 5.0) -> None:
        """Until the capture is open, or the time is over (a locked one is waited for while streams already run).

        Raises UnreadableInputError when the file is not a capture.
        """
        ready, _, _ = select.select([self._status], [], [], seconds)
        text = os.read(self._status, 65536).decode("utf-8", "replace") if ready else ""
        os.close(self._status)
        if text.startswith("unreadable "):
            self.finish()
            raise UnreadableInputError(text.removeprefix("unreadable ").strip())

    def finish(self) -> bool:
        """Say goodbye and wait until everything is written; whether it was."""
        self.tap.goodbye()
        deadline = time.monotonic() + _DRAIN_SECONDS
        while time.monotonic() < deadline:
            done, status = os.waitpid(self.pid, os.WNOHANG)
            if done:
                return os.waitstatus_to_exitcode(status) == 0
            time.sleep(0.005)
        return False


def start(
    path: Path, label: str | None, observer: Callable[[], Observer], inherited: Sequence[socket.socket] = ()
) -> RecorderProcess:
    """Fork the writer process. Call it before threads or an event loop exist.

    ``observer`` makes the display, in the new process; ``inherited`` are sockets it must not keep open.
    """
    memory = create_memory()
    pipe_read, pipe_write = os.pipe()
    status_read, status_write = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        code = 3
        try:
            os.close(pipe_write)
            os.close(status_read)
            for sock in inherited:
                sock.close()
            code = _child(path, label, observer, SpoolReader(memory, pipe_read), status_write)
        except Exception as error:  # our own bug: the relay must go on, and somebody must hear of it
            with contextlib.suppress(OSError):
                print(f"streamlab: warning: recording failed: {type(error).__name__}: {error}", file=sys.stderr)
        finally:
            os._exit(code)
    os.close(pipe_read)
    os.close(status_write)
    os.set_blocking(pipe_write, False)
    return RecorderProcess(SpoolWriter(memory, pipe_write), pid, status_read)


def _child(
    path: Path, label: str | None, make_observer: Callable[[], Observer], spool: SpoolReader, status: int
) -> int:
    os.setsid()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    _leave_stdio()
    stand_back()
    observer = make_observer()
    recorder = Recorder(path, label, observer)
    try:
        recorder.open()
    except UnreadableInputError as error:
        os.write(status, f"unreadable {error}".encode())
        return 2
    with contextlib.suppress(OSError):  # on a busy machine nobody may wait for it any more
        os.write(status, b"ready")
    os.close(status)
    gc.freeze()
    return run(spool, recorder, observer)


def _leave_stdio() -> None:
    """Keep stderr only: whoever reads our standard output must see its end when the relay is gone."""
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    os.close(null)
