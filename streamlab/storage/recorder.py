"""Builds exchanges from the relay's frames and writes them to a capture, in batches.

Trouble with the disk never costs the stream, and costs the recording only what finds no room while it lasts: a batch
that cannot be written is kept and tried again, and no more frames are taken meanwhile; they wait where they are.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

from streamlab.errors import StreamlabError, UnreadableInputError
from streamlab.sharing.wanted import Masking
from streamlab.storage.conversation import Conversation
from streamlab.storage.draft import Draft
from streamlab.storage.frames import FRAMES_IN_A_ROW, Frame, Kind, Reads
from streamlab.storage.recording_file import FileRemovedError, RecordingFile, restored

#: Bytes taken between two commits.
BATCH = 4 * 1024 * 1024
#: After a commit, how long nothing is written: so many times what it took, and this long at most. A commit writes a
#: page for each stream, whether one row of it is new or ten.
_COMMIT_PAUSES, _LONGEST_PAUSE = 30, 0.2
#: How often is tried what failed, after how long a lock is said, and how long at the end a lock and other trouble last.
RETRY_SECONDS = 0.05
_PATIENCE, _LAST_PATIENCE, _LAST_TRIES = 10.0, 5.0, 1.0


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


class _Trouble:
    """A spell in which nothing can be written, said once."""

    def __init__(self, path: Path, observer: Observer) -> None:
        self._path = path
        self._observer = observer
        self.since: float | None = None
        self.locked = False
        self._said = False

    def happened(self, reason: str, *, locked: bool) -> None:
        """Something could not be written."""
        now = time.monotonic()
        if self.since is None:
            self.since = now
        self.locked = locked
        if self._said or (locked and now - self.since <= _PATIENCE):
            return
        self._said = True
        text = "locked by another process" if locked else reason.removeprefix(f"{self._path}: ")
        self._observer.warn(f"{self._path}: {text}; streams go on, the recording waits")

    def over(self) -> None:
        """Something was written."""
        self.since, self._said = None, False


class Recorder:
    """Takes frames, builds exchanges, writes them in batches. ``committed`` is the position up to which everything is
    in the database."""

    def __init__(
        self,
        path: Path,
        label: str | None,
        observer: Observer,
        run: str,
        max_size: int | None = None,
        masking: Masking | None = None,
    ) -> None:
        self._label = label
        self._observer = observer
        self._batch = BATCH if max_size is None else min(BATCH, max_size // 8)
        self._file = RecordingFile(path, run, max_size, masking)
        self._trouble = _Trouble(path, observer)
        self._conversations: dict[int, Conversation] = {}
        self._dirty: dict[int, Draft] = {}
        self._waiting_bytes = 0
        self._next_commit = 0.0
        self._position = 0
        self.committed = 0
        self.counts = [0, 0]  # exchanges that ended, bytes of bodies
        self.failed = False  # something was not recorded
        self.goodbye = False
        self.clocks: tuple[int, int] | None = None  # wall and monotonic, read together; None: now's

    def start(self, *, refuse_foreign: bool = False) -> bool:
        """Open or create the capture, and go on where this run was; False when that has to be tried again later.

        With ``refuse_foreign``, raises UnreadableInputError when it is something else.
        """
        try:
            point = self._file.open()
        except (StreamlabError, sqlite3.Error) as error:
            if refuse_foreign and isinstance(error, UnreadableInputError):
                raise
            self._failed(error)
            return False
        if point is not None:
            try:
                self._conversations = restored(self._file, point, self._label, self._touched, self.wall_ns)
            except (ValueError, TypeError, KeyError, IndexError, AttributeError):
                self._conversations = {}
            if self._file.masking is not None:
                self._note_what_was_held()
            self.committed = self._position = point.position
        self._trouble.over()
        return True

    def _note_what_was_held(self) -> None:
        """Bodies that were to be masked at their end went with the process that held them."""
        for conversation in self._conversations.values():
            for draft in conversation.drafts:
                if draft.body.segments:
                    draft.note("recording_lost", "what was held to be masked went with the recording process")

    @property
    def file(self) -> RecordingFile:
        """Where it writes."""
        return self._file

    def wall_ns(self, monotonic_ns: int) -> int:
        """What the wall clock showed at a monotonic time."""
        wall, monotonic = self.clocks or (time.time_ns(), time.monotonic_ns())
        return wall - (monotonic - monotonic_ns)

    # --- frames

    def take(self, frames: Iterable[Frame | Reads], pause: Callable[[], object] | None = None) -> None:
        """Frames, in order. ``pause`` is called now and then."""
        taken = 0
        for frame in frames:
            if type(frame) is Reads:
                self._take_reads(frame)
                taken += len(frame.data)
            elif type(frame) is Frame:
                self._take_other(frame)
            if pause is not None and taken > FRAMES_IN_A_ROW:
                taken = 0
                pause()

    def _take_reads(self, reads: Reads) -> None:
        known = self._conversations.get(reads.connection)
        if known is not None:
            self._waiting_bytes += sum(map(len, reads.data))
            try:
                known.responses(reads.times_ns, reads.data)
            except Exception as error:
                self._bug(reads.connection, error)

    def _take_other(self, frame: Frame) -> None:
        known = self._conversations.get(frame.connection)
        if frame.kind is Kind.OPENED:
            self._conversations[frame.connection] = Conversation(frame, self._label, self._touched, self.wall_ns)
        elif frame.kind is Kind.GOODBYE:
            self.goodbye = True
        elif known is not None:
            try:
                self._take(known, frame)
            except Exception as error:
                self._bug(frame.connection, error)

    def _take(self, conversation: Conversation, frame: Frame) -> None:
        conversation.take(frame)
        if frame.kind is Kind.CLOSED:
            conversation.interrupt("recording-lost")
            del self._conversations[frame.connection]
        elif frame.kind is Kind.LOST:
            self.lost()

    def _bug(self, connection: int, error: Exception) -> None:
        """A fault of ours costs one connection, not all of them."""
        self.failed = True
        self._observer.warn(f"{self._file.path}: recording of a connection failed: {type(error).__name__}: {error}")
        self._conversations.pop(connection).interrupt("recording-lost")

    def taken_to(self, position: int) -> None:
        """All frames before it have been taken."""
        self._position = position

    def _touched(self, draft: Draft, size: int) -> None:
        """A draft has something to write; ``size`` is what waits with it beside the bytes of responses."""
        self._dirty[id(draft)] = draft
        self._waiting_bytes += size

    @property
    def full(self) -> bool:
        """Whether so much waits for the database that no more should be taken."""
        return self._waiting_bytes >= self._batch

    @property
    def waiting(self) -> bool:
        """Whether something could not be written yet."""
        return bool(self._dirty) or self.committed < self._position

    @property
    def due(self) -> bool:
        """Whether it is time to write, or to try again."""
        return time.monotonic() >= self._next_commit

    @property
    def pause(self) -> float:
        """Seconds until it is time to write, or to try again."""
        return max(0.0, self._next_commit - time.monotonic())

    @property
    def patience(self) -> float:
        """How long, at the end, to wait for what keeps us from writing."""
        return _LAST_PATIENCE if self._trouble.locked else _LAST_TRIES

    @property
    def in_trouble(self) -> bool:
        """Whether nothing can be written for now."""
        return self._trouble.since is not None

    def lost(self) -> None:
        """Bytes were lost because there was no room for them."""
        if not self.failed:
            self.failed = True
            self._observer.warn(f"{self._file.path}: no room for what came; parts of the recording are missing")

    def skipped(self) -> None:
        """Frames are missing: nothing can be said of the connections that are open."""
        for conversation in self._conversations.values():
            conversation.interrupt("recording-lost")
            conversation.forget()
        self.lost()

    def interrupt(self, reason: str) -> None:
        """The relay is gone; what is open ends here."""
        for conversation in self._conversations.values():
            conversation.interrupt(reason)
        self._conversations.clear()

    # --- writing

    def write(self, *, at_once: bool = False) -> None:
        """Write what waits, if the database lets us, and (unless ``at_once``) if it is time to."""
        if not self.waiting:
            return
        if not at_once and (not self.full or self.in_trouble) and not self.due:
            return
        for draft in self._store() or ():
            self._observer.changed(draft)

    def _store(self) -> list[Draft] | None:
        """Write what is dirty; None when that failed, and then it still is."""
        began = time.monotonic()
        try:
            if not self._file.is_open:
                self._open_again()
            try:
                drafts = self._store_once()
            except FileRemovedError:
                self._file.close()
                self._open_again()
                drafts = self._store_once()
            self._file.prune()
        except (StreamlabError, sqlite3.Error) as error:
            self._failed(error)
            return None
        done = time.monotonic()
        self._next_commit = done + min(_COMMIT_PAUSES * (done - began), _LONGEST_PAUSE)
        self._trouble.over()
        self._dirty.clear()
        self._waiting_bytes = 0
        return drafts

    def _store_once(self) -> list[Draft]:
        drafts = list(self._dirty.values())
        size = sum(draft.body.waiting.bytes for draft in drafts)
        self._file.store(drafts, self._position, self._state)
        self.committed = self._position
        self.counts[0] += sum(draft.ending is not None for draft in drafts)
        self.counts[1] += size
        return drafts

    def _state(self) -> str:
        return (
            "{"
            + ",".join([f'"{number}":{one.frozen(self._file.masking)}' for number, one in self._conversations.items()])
            + "}"
        )

    def _failed(self, error: Exception) -> None:
        for conversation in self._conversations.values():
            conversation.thaw()
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        locked = code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) or "locked" in str(error)
        if not locked and code != sqlite3.SQLITE_FULL:
            self._file.close()  # opened again by the next attempt
        self._next_commit = time.monotonic() + RETRY_SECONDS * (1 if locked else 5)
        self._trouble.happened(str(error), locked=locked)

    def _open_again(self) -> None:
        """Open the file; when it is another than before, what had begun in that one is gone with it."""
        point = self._file.open()
        for conversation in self._conversations.values():
            conversation.thaw()
        # Not by the file's identity: a new file may get the number of the one that is gone.
        if not self.committed or (point is not None and point.position == self.committed):
            return
        gone = sum(draft.ending is not None for draft in self._dirty.values() if draft.id is not None)
        for conversation in self._conversations.values():
            begun = sum(draft.id is not None for draft in conversation.drafts)
            gone += begun
            if begun:
                conversation.forget()
        self._dirty = {key: draft for key, draft in self._dirty.items() if draft.id is None}
        lost = f"; {gone} exchanges under way went with it" if gone else ""
        self.failed = self.failed or bool(gone)
        self._observer.warn(
            f"{self._file.path}: the file was removed or replaced{lost}; recording goes on in a new one"
        )

    @property
    def packs(self) -> bool:
        """Whether there is something to pack, when there is nothing else to do."""
        return self._file.packs and not self.in_trouble

    def pack(self) -> None:
        """Pack some of what has ended."""
        if self.packs:
            self._file.pack()

    def finish(self) -> bool:
        """Write what is left, patiently, and close; whether everything is written."""
        began = time.monotonic()
        self.write(at_once=True)
        while self.waiting and time.monotonic() - began < self.patience:
            time.sleep(RETRY_SECONDS)
            self.write(at_once=True)
        return not self.waiting

    def close(self) -> None:
        """Close the file; nobody will have to go on with this run, if everything is written."""
        if self._file.is_open and not self.waiting:
            # When that fails, the next start finds no spool file of the run, and forgets it.
            with contextlib.suppress(StreamlabError, sqlite3.Error):
                self._file.forget_runs([self._file.run])
            self._file.pack_rest()
        self._file.close()
