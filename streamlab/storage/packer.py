"""Packs, for a recorder that has nothing else to do, what has ended: its own exchanges, then those of older captures.

Every step is short, so that what comes meanwhile waits no longer than for a slow disk; who is killed in one of them or
between two loses nothing, and the next recorder goes on there.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from streamlab.errors import UnreadableInputError
from streamlab.storage.opening import clear_errors
from streamlab.storage.packing import lay_out_rows, pack_rows
from streamlab.storage.process_identity import is_alive
from streamlab.storage.rows import DamagedRowError

if TYPE_CHECKING:
    from streamlab.storage.capture_db import CaptureDB

#: After trouble (a lock, a disk that is full), how long nothing is tried.
_PAUSE_SECONDS = 5.0
#: How many exchanges that need nothing are passed in one step.
_PASSED_AT_ONCE = 64
#: Pages given back in one step; and how many there have to be, and how large a part of the file: what comes next needs
#: them again, so that less is given back while the recorder goes on.
_PAGES_AT_ONCE = 256
_FREE, _FREE_AT_THE_END = (256, 0.25), (16, 0.05)

_HOW_IT_STANDS = """SELECT e.ending, r.process, l.exchange_id AS laid_out FROM exchanges e
    LEFT JOIN recorders r ON r.id = e.recorder_id LEFT JOIN laid_out l ON l.exchange_id = e.id WHERE e.id = ?"""
_NOT_PACKED = """SELECT seq FROM segments WHERE exchange_id = ? AND coalesce(packed, '') NOT LIKE '{%'
    ORDER BY seq LIMIT 1"""
_NEXT = "SELECT min(exchange_id) FROM segments WHERE exchange_id BETWEEN ? AND ?"


class _NextStep(NamedTuple):
    """Where the next step begins."""

    exchange_id: int
    segment: int = 0


class Packer:
    """What of a capture is to be packed, and how far that has come."""

    def __init__(self) -> None:
        self._ended: deque[int] = deque()
        self._own: _NextStep | None = None
        self._older: _NextStep | None = None
        self._until = -1  # the last of the older ones
        self._can_shrink = self._shrinks = self._ends = False
        self._notes = True  # whether those up to where it is are done
        self._paused_until = 0.0

    def opened(self, connection: sqlite3.Connection) -> None:
        """The capture is open: go on where it was left."""
        self._ended.clear()
        (done,) = connection.execute("SELECT max(exchange_id) FROM packed_up_to").fetchone()
        (self._until,) = connection.execute("SELECT coalesce(max(id), -1) FROM exchanges").fetchone()
        self._own, self._older, self._notes = None, _NextStep(min(done or 0, self._until) + 1), True
        # A file that an older version made does not give back anything by itself.
        self._can_shrink = self._shrinks = connection.execute("PRAGMA auto_vacuum").fetchone()[0] == 2
        self._ends = False

    def ended(self, exchange_id: int) -> None:
        """An exchange is over, and written."""
        self._ended.append(exchange_id)

    @property
    def has_work(self) -> bool:
        """Whether a step would do something, as far as known."""
        return bool(self._own or self._ended or self._older or self._shrinks) and time.monotonic() >= self._paused_until

    def step(self, connection: sqlite3.Connection) -> None:
        """Do a little of it. Trouble of the database is no trouble of the recording: it is tried again later."""
        if self._own is None and self._ended:
            self._own = _NextStep(self._ended.popleft())
        place = self._own, self._older
        try:
            self._step(connection)
        except sqlite3.Error as error:
            self._paused_until = time.monotonic() + _PAUSE_SECONDS
            if isinstance(error, sqlite3.OperationalError):  # a lock, a full disk; what is damaged is left
                self._own, self._older = place

    def finish(self, connection: sqlite3.Connection, seconds: float) -> None:
        """Pack the recorder's own exchanges and give back room, as far as the time allows; the rest is for the next."""
        self._older, self._ends, self._shrinks = None, True, self._can_shrink
        deadline = time.monotonic() + seconds
        while self.has_work and time.monotonic() < deadline:
            self.step(connection)

    def _step(self, connection: sqlite3.Connection) -> None:
        if self._own is not None:
            place, self._own = self._own, None  # what cannot be packed is left
            self._own = _pack(connection, place)
            self._shrinks = self._can_shrink
        elif self._older is not None:
            self._pass(connection, self._older)
        elif self._shrinks:
            self._shrinks = _shrink(connection, *(_FREE_AT_THE_END if self._ends else _FREE))

    def _pass(self, connection: sqlite3.Connection, place: _NextStep) -> None:
        """A step through the older ones."""
        for _ in range(_PASSED_AT_ONCE):
            found = None  # of a file from elsewhere, an id may be the last that there is
            if place.exchange_id <= self._until:
                (found,) = connection.execute(_NEXT, (place.exchange_id, self._until)).fetchone()
            if found is None:
                self._older = None
                if self._notes:
                    _note_done(connection, self._until)
                return
            if found != place.exchange_id or not place.segment:
                row = connection.execute(_NOT_PACKED, (found,)).fetchone()
                place = _NextStep(found + 1) if row is None else _NextStep(found, row[0])
            if place.exchange_id == found:
                self._older = _NextStep(found + 1)
                # Whose recorder is killed before it has packed what goes on now is not passed for good.
                self._notes = self._notes and _standing(connection, found) != _GOES_ON
                self._older = _pack(connection, place, note=self._notes) or self._older
                return
        self._older = place


def pack_capture(db: CaptureDB, ids: Iterable[int] | None = None) -> str | None:
    """Pack all exchanges that have ended, but for those that were laid out; or these, laid out or not. Gives the system
    back what is free then; tells why it could not, if somebody writes or the disk is full. Raises as `CaptureDB`, and
    UnreadableInputError where one of these is damaged: of all, such are left."""
    with clear_errors(db.path):
        connection = db.connection
        for number in db.ids() if ids is None else ids:
            if ids is not None:
                connection.execute("DELETE FROM laid_out WHERE exchange_id = ?", (number,))
            step: _NextStep | None = _NextStep(number)
            while step is not None:
                try:
                    step = _pack(connection, step, leaves=ids is None)
                except DamagedRowError as error:
                    raise UnreadableInputError(f"{db.path}: exchange {number} is damaged: {error}") from None
        (free,) = connection.execute("PRAGMA freelist_count").fetchone()
        if free:
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            try:
                connection.execute("VACUUM")
                if connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
                    return "somebody else has the database open"
            except sqlite3.OperationalError as error:
                return str(error)
    return None


def lay_out_capture(db: CaptureDB, ids: Iterable[int]) -> None:
    """Unpack these exchanges, for who knows SQL alone; they stay so until they are packed by their numbers. Who is
    killed meanwhile has done a part, and does the rest when asked again. Raises as `CaptureDB`, and
    UnreadableInputError where rows are damaged."""
    for number in ids:
        more = True
        while more:
            with db.writing():
                # With the first part, so that no recorder packs it again meanwhile.
                db.connection.execute("INSERT OR IGNORE INTO laid_out VALUES (?)", (number,))
                try:
                    more = lay_out_rows(db.connection, number)
                except DamagedRowError as error:
                    raise UnreadableInputError(f"{db.path}: exchange {number} is damaged: {error}") from None


def _pack(
    connection: sqlite3.Connection, place: _NextStep, *, note: bool = False, leaves: bool = True
) -> _NextStep | None:
    """A step of one exchange, if it may be packed; where to go on. ``note`` in the capture that it is done. One that is
    damaged is left; or raises DamagedRowError, unless it ``leaves`` them."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        go_on = None
        if _standing(connection, place.exchange_id) == _ENDED:
            go_on = pack_rows(connection, *place)
        if note and go_on is None:
            _note_done(connection, place.exchange_id)
        connection.execute("COMMIT")
    except DamagedRowError:
        connection.execute("ROLLBACK")
        if not leaves:
            raise
        return None
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise
    return None if go_on is None else _NextStep(place.exchange_id, go_on)


_GONE, _GOES_ON, _LAID_OUT, _ENDED = range(4)


def _standing(connection: sqlite3.Connection, exchange_id: int) -> int:
    """How an exchange stands; one without an ending whose recorder is gone has ended."""
    row = connection.execute(_HOW_IT_STANDS, (exchange_id,)).fetchone()
    if row is None:
        return _GONE
    if row["ending"] is None and is_alive(str(row["process"])):
        return _GOES_ON
    return _ENDED if row["laid_out"] is None else _LAID_OUT


def _note_done(connection: sqlite3.Connection, exchange_id: int) -> None:
    connection.execute("INSERT OR IGNORE INTO packed_up_to VALUES (?)", (exchange_id,))
    connection.execute("DELETE FROM packed_up_to WHERE exchange_id < ?", (exchange_id,))


def _shrink(connection: sqlite3.Connection, least: int, share: float) -> bool:
    """Give the system back some of what packing has left free; whether there may be more."""
    free, pages = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("freelist_count", "page_count"))
    if free < least or free < share * pages:
        return False
    connection.executescript(f"PRAGMA incremental_vacuum({_PAGES_AT_ONCE})")  # `execute` would take one page
    return True
