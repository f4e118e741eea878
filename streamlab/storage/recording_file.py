"""The capture that a recorder writes to: opened, written in batches, kept below a size, and made anew when it is gone.

With every batch goes the point up to which the stream of frames is recorded and where each open connection was then,
so that another process can go on from there.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from streamlab.errors import StreamlabError
from streamlab.sharing.wanted import Masking
from streamlab.storage.capture_db import CaptureDB
from streamlab.storage.conversation import Conversation, Touched, WallTime
from streamlab.storage.draft import Draft
from streamlab.storage.draft_rows import write_drafts
from streamlab.storage.packer import Packer
from streamlab.storage.packing import LEAST
from streamlab.storage.process_identity import this_process

#: How long one attempt waits for a lock.
_BUSY_SECONDS = 0.05
#: A batch fits in it, so that no page of one is written twice.
_CACHE_KIB = 8192
#: Rows deleted in one transaction, so that the stream waits for none for long.
_ROWS_AT_ONCE, _STEPS_AT_ONCE = 500, 8
#: How often the size of the file is looked at.
_LOOK_SECONDS = 0.25
#: How long after an attempt to shrink it the next is made.
_SHRINK_SECONDS = 60.0
#: How long, at the end, what has ended is packed; the next recorder does the rest.
_LAST_PACKING_SECONDS = 0.5


class FileRemovedError(StreamlabError):
    """The file was deleted or replaced; what was written last is in no file that has a name."""


class ResumePoint(NamedTuple):
    """Where a run can go on: ``position`` in the stream of frames, the state of the open connections."""

    position: int
    state: dict[str, Any]


class RecordingFile:
    """One run's hold on a capture; may be opened again after `close`."""

    def __init__(self, path: Path, run: str, max_size: int | None = None, masking: Masking | None = None) -> None:
        self.path = path
        self.run = run
        self.masking = masking
        self._max_size = max_size
        self._next_look = self._next_shrink = 0.0
        self._db: CaptureDB | None = None
        self._recorder_id = 0
        self._packer = Packer()
        self.identity: tuple[int, int] | None = None  # of the file opened last

    @property
    def is_open(self) -> bool:
        """Whether there is something to write to."""
        return self._db is not None

    def open(self) -> ResumePoint | None:
        """Open or create it; where this run had come to, if it had. Raises what `CaptureDB` does, or sqlite3.Error."""
        db = CaptureDB(self.path, write=True, busy_seconds=_BUSY_SECONDS)
        try:
            found = self._take_over(db.connection)
        except BaseException:
            db.close()
            raise
        self._db, self.identity = db, file_identity(self.path)
        db.connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        if self._max_size is not None:
            self._limit_log(self._max_size)
        self._packer.opened(db.connection)
        return found

    def _take_over(self, connection: sqlite3.Connection) -> ResumePoint | None:
        row = connection.execute(
            "SELECT recorder_id, position, state FROM resume_points WHERE run = ?", (self.run,)
        ).fetchone()
        if row is None:
            cursor = connection.execute(
                "INSERT INTO recorders (process, started_at) VALUES (?, strftime('%Y-%m-%dT%H:%M:%fZ'))",
                (this_process(),),
            )
            self._recorder_id = int(cursor.lastrowid or 0)
            return None
        recorder_id, position, state = row
        self._recorder_id = int(recorder_id)
        connection.execute("UPDATE recorders SET process = ? WHERE id = ?", (this_process(), self._recorder_id))
        try:
            found = json.loads(state)
        except (ValueError, TypeError, RecursionError):
            found = None
        if not isinstance(position, int) or position < 0 or not isinstance(found, dict):
            return None
        return ResumePoint(position, found)

    def store(self, drafts: Sequence[Draft], position: int, state: Callable[[], str]) -> None:
        """Write what is new in the drafts. Raises FileRemovedError or sqlite3.Error, and then all of it is still to be
        written."""
        assert self._db is not None
        connection = self._db.connection

        def mark() -> None:
            connection.execute(
                "INSERT OR REPLACE INTO resume_points (run, recorder_id, position, state) VALUES (?, ?, ?, ?)",
                (self.run, self._recorder_id, position, state()),
            )

        fresh = write_drafts(connection, drafts, self._recorder_id, mark, self.masking)
        if file_identity(self.path) != self.identity:
            for draft in fresh:
                draft.id = None
            raise FileRemovedError("the file was removed or replaced")
        for draft in drafts:
            draft.written(self.masking)
            if draft.ending is not None and draft.id is not None and draft.body.bytes >= LEAST:
                self._packer.ended(draft.id)

    @property
    def packs(self) -> bool:
        """Whether there is something to pack, when there is nothing else to do."""
        return self._db is not None and self._packer.has_work

    def pack(self) -> None:
        """Pack some of what has ended."""
        if self._db is not None:
            self._packer.step(self._db.connection)

    def pack_rest(self) -> None:
        """Nothing more comes: pack what this run recorded, as far as there is time."""
        if self._db is not None and file_identity(self.path) == self.identity:
            self._packer.finish(self._db.connection, _LAST_PACKING_SECONDS)

    def request_body(self, draft_id: int, parts: int) -> bytes:
        """What was written last of a request's body: the last part, or all of it."""
        assert self._db is not None
        if parts:
            sql = "SELECT data FROM request_parts WHERE exchange_id = ? AND seq = ?"
            row = self._db.connection.execute(sql, (draft_id, parts)).fetchone()
        else:
            row = self._db.connection.execute("SELECT request_body FROM exchanges WHERE id = ?", (draft_id,)).fetchone()
        return row[0] if row is not None and isinstance(row[0], bytes) else b""

    def prune(self) -> None:
        """Delete the oldest finished exchanges, some at a time, while the file is larger than it may be."""
        now = time.monotonic()
        if self._max_size is None or now < self._next_look:
            return
        for _ in range(_STEPS_AT_ONCE):
            if not self._prune_some(self._max_size):
                self._next_look = now + _LOOK_SECONDS
                self._shrink(self._max_size)
                return

    def _prune_some(self, size: int) -> bool:
        """One transaction's worth; False when nothing has to go, or can."""
        assert self._db is not None
        connection = self._db.connection
        if self._used() <= _aim(size):
            return False
        (oldest,) = connection.execute("SELECT min(id) FROM exchanges WHERE ending IS NOT NULL").fetchone()
        if oldest is None:
            return False
        with self._db.writing():
            sql = "DELETE FROM segments WHERE rowid IN (SELECT rowid FROM segments WHERE exchange_id = ? LIMIT ?)"
            if connection.execute(sql, (oldest, _ROWS_AT_ONCE)).rowcount < _ROWS_AT_ONCE:
                self._db.delete(oldest)
        return True

    def _used(self) -> int:
        """Bytes of the pages that hold something."""
        assert self._db is not None
        page, pages, free = (
            self._db.connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_size", "page_count", "freelist_count")
        )
        return int((pages - free) * page)

    def _shrink(self, size: int) -> None:
        """Give the system back what a file that was larger before has no use for. What comes meanwhile waits as it does
        for a slow disk."""
        assert self._db is not None
        now = time.monotonic()
        if now < self._next_shrink or self.path.stat().st_size <= size or self._used() > _aim(size):
            return
        self._next_shrink = now + _SHRINK_SECONDS
        with contextlib.suppress(sqlite3.OperationalError):  # somebody reads, or the disk has no room: another time
            self._db.connection.execute("VACUUM")
            self._db.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _limit_log(self, size: int) -> None:
        """A capture that is to stay below a size has a small write-ahead log too."""
        assert self._db is not None
        pages = max(64, min(4000, size // 8 // 4096))
        self._db.connection.execute(f"PRAGMA wal_autocheckpoint = {pages}")
        self._db.connection.execute(f"PRAGMA journal_size_limit = {pages * 4096}")

    def forget_runs(self, runs: Iterable[str]) -> None:
        """Nobody will go on with these."""
        assert self._db is not None
        with self._db.writing():
            self._db.connection.executemany("DELETE FROM resume_points WHERE run = ?", ((run,) for run in runs))

    def others(self) -> dict[str, str]:
        """The other runs that left a point to resume from, and the process that wrote each last."""
        assert self._db is not None
        rows = self._db.connection.execute(
            "SELECT p.run, r.process FROM resume_points p LEFT JOIN recorders r ON r.id = p.recorder_id"
            " WHERE p.run != ?",
            (self.run,),
        ).fetchall()
        return {str(run): str(process) for run, process in rows}

    def close(self) -> None:
        """Close the file."""
        if self._db is not None:
            with contextlib.suppress(sqlite3.Error):
                self._db.close()
        self._db = None


def restored(
    file: RecordingFile, point: ResumePoint, label: str | None, touched: Touched, wall_ns: WallTime
) -> dict[int, Conversation]:
    """The connections that were open at a point. Raises ValueError, TypeError, KeyError, IndexError or AttributeError
    when that is no state."""
    found = {}
    for number, (state, since) in point.state.items():
        drafts = []
        for one in state["drafts"]:
            body = file.request_body(one["id"], one["parts_written"]) if one["id"] is not None else b""
            drafts.append(Draft.restored(one, label, body))
        found[int(number)] = Conversation.restored(state, since, drafts, label, touched, wall_ns)
    return found


def _aim(size: int) -> int:
    """What may be in use: the write-ahead log counts too, and what comes until the next look must fit."""
    return size - size // 4


def file_identity(path: Path) -> tuple[int, int] | None:
    """Which file a path names; None when there is none."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino
