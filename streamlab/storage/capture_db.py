"""A capture: exchanges in one SQLite file. Implements `streamlab.ports.Library`.

Readers open it read-only and may do so while recorders write. A file that is not a capture is refused before SQLite
touches it, so that nothing in it changes.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import struct
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, overload
from urllib.parse import quote

from streamlab.errors import CouldNotRunError, NotFoundError, UnreadableInputError
from streamlab.exchange import Ending, Exchange, Headers, Request, ResponseHead, Segment
from streamlab.redaction import redact_headers, redact_url
from streamlab.storage.files import require_regular
from streamlab.storage.migrations import APPLICATION_ID, SCHEMA_VERSION, migrate
from streamlab.storage.process_identity import is_alive

_NOT_ALLOWED = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM)
_MAGIC = b"SQLite format 3\0"
#: Segments fetched at once while iterating.
_PAGE = 64
#: Request bodies up to this many bytes lie in their exchange's row, larger ones in request_parts.
INLINE_REQUEST = 1024 * 1024

INSERT_SEGMENT = "INSERT INTO segments (exchange_id, seq, offset_us, length, chunk, data) VALUES (?, ?, ?, ?, ?, ?)"
INSERT_REQUEST_PART = "INSERT OR REPLACE INTO request_parts (exchange_id, seq, data) VALUES (?, ?, ?)"


@dataclass(frozen=True, slots=True)
class Overview:
    """One line about an exchange; times in microseconds since the request's first byte."""

    id: int
    started_at: str | None
    label: str | None
    tap: str | None
    method: str | None
    url: str | None
    model: str | None
    status: int | None
    ending: Ending
    ending_reason: str | None
    in_progress: bool
    bytes: int
    segments: int
    head_us: int | None
    first_us: int | None
    end_us: int | None


class CaptureDB:
    """An open capture. Use as a context manager, or `close()` it.

    ``CaptureDB(path)`` reads; ``CaptureDB(path, write=True)`` creates it where it is missing (mode 0600), migrates it
    and may `add()` and `prune()`. Raises NotFoundError, UnreadableInputError, or CouldNotRunError (no permission,
    disk full, locked for long).
    """

    def __init__(self, path: str | os.PathLike[str], *, write: bool = False, busy_seconds: float = 5.0) -> None:
        self.path = Path(path)
        self.connection = _open_writing(self.path, busy_seconds) if write else _open_reading(self.path, busy_seconds)
        self._file = _identity(self.path)
        _OPEN.update((self._file,))

    def __enter__(self) -> CaptureDB:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self.connection.close()
        if self._file is not None:
            _OPEN.subtract((self._file,))
            self._file = None

    # --- reading

    def ids(self) -> Iterator[int]:
        """Ids, oldest first."""
        last = -1
        while True:
            rows = self._rows("SELECT id FROM exchanges WHERE id > ? ORDER BY id LIMIT 1000", (last,))
            for (last,) in rows:
                yield last
            if not rows:
                return

    def count(self) -> int:
        """How many exchanges there are."""
        return int(self._rows("SELECT count(*) FROM exchanges")[0][0])

    def last(self) -> int:
        """The id of the exchange that began last; NotFoundError when there is none."""
        ((found,),) = self._rows("SELECT max(id) FROM exchanges")
        if found is None:
            raise NotFoundError(f"{self.path}: nothing was recorded yet")
        return int(found)

    def overview(self, *, after: int = 0, limit: int = -1) -> list[Overview]:
        """One line an exchange, oldest first, of ids above ``after``; ``limit`` -1 means all."""
        rows = self._rows("SELECT * FROM overview WHERE id > ? ORDER BY id LIMIT ?", (after, limit))
        return [_overview(row) for row in rows]

    def overviews(self, ids: Sequence[int]) -> list[Overview]:
        """One line each of these exchanges, those that are there, in no order."""
        marks = ",".join("?" * len(ids))
        return [_overview(row) for row in self._rows(f"SELECT * FROM overview WHERE id IN ({marks})", tuple(ids))]

    def get(self, exchange_id: int) -> Exchange:
        """One exchange, its segments read on demand. An unfinished one has ``ending`` interrupted; as long as its
        recorder lives, ``notes["in_progress"]`` is True."""
        rows = self._rows(
            "SELECT e.*, r.process FROM exchanges e LEFT JOIN recorders r ON r.id = e.recorder_id WHERE e.id = ?",
            (exchange_id,),
        )
        if not rows:
            raise NotFoundError(f"{self.path}: no exchange {exchange_id}")
        row = rows[0]
        try:
            return self._exchange(row)
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise UnreadableInputError(f"{self.path}: exchange {exchange_id} is damaged: {error}") from None

    def _exchange(self, row: sqlite3.Row) -> Exchange:
        notes = json.loads(row["notes"])
        ending = _read_ending(row["ending"], row["process"], notes)
        return Exchange(
            id=row["id"],
            request=self._request(row),
            head=_head(row),
            segments=StoredSegments(self, row["id"], self._segment_count(row)),
            http_chunks=self._chunks(row["id"]) if row["chunked"] else None,
            ending=ending,
            end_us=row["end_us"],
            label=row["label"],
            tap=row["tap"],
            started_at=row["started_at"],
            notes=notes,
        )

    def _request(self, row: sqlite3.Row) -> Request | None:
        if row["url"] is None:
            return None
        body = row["request_body"]
        if body is None:
            parts = self._rows("SELECT data FROM request_parts WHERE exchange_id = ? ORDER BY seq", (row["id"],))
            body = b"".join(part for (part,) in parts) if parts else None
        return Request(row["method"] or "", row["url"], _headers(row["request_headers"]), body)

    def _segment_count(self, row: sqlite3.Row) -> int:
        if row["segment_count"] is not None:
            return int(row["segment_count"])
        return int(self._rows("SELECT count(*) FROM segments WHERE exchange_id = ?", (row["id"],))[0][0])

    def _chunks(self, exchange_id: int) -> tuple[int, ...]:
        rows = self._rows(
            "SELECT sum(length) FROM segments WHERE exchange_id = ? GROUP BY chunk ORDER BY chunk", (exchange_id,)
        )
        return tuple(length for (length,) in rows)

    def _rows(self, sql: str, parameters: Sequence[object] = ()) -> list[sqlite3.Row]:
        with _clear_errors(self.path):
            return self.connection.execute(sql, parameters).fetchall()

    def segments_between(self, exchange_id: int, start: int, stop: int) -> list[Segment]:
        """Segments ``start`` to ``stop`` (exclusive) of an exchange."""
        rows = self._rows(
            "SELECT offset_us, data FROM segments WHERE exchange_id = ? AND seq >= ? AND seq < ? ORDER BY seq",
            (exchange_id, start, stop),
        )
        return [Segment(offset, data) for offset, data in rows]

    # --- writing

    def add(self, exchange: Exchange) -> int:
        """Store an exchange from elsewhere, redacted; returns its id."""
        request, head = exchange.request, exchange.head
        body = request.body if request else None
        inline = body if body is not None and len(body) <= INLINE_REQUEST else None
        row = {
            "started_at": exchange.started_at,
            "label": exchange.label,
            "tap": exchange.tap,
            "method": request.method if request else None,
            "url": redact_url(request.url) if request else None,
            "request_headers": json.dumps(redact_headers(request.headers)) if request else None,
            "request_body": inline,
            "status": head.status if head else None,
            "reason": head.reason if head else None,
            "http_version": head.http_version if head else None,
            "response_headers": json.dumps(redact_headers(head.headers)) if head else None,
            "head_us": head.offset_us if head else None,
            "chunked": exchange.http_chunks is not None,
            "ending": exchange.ending.value,
            "end_us": exchange.end_us,
            "notes": json.dumps(exchange.notes),
        }
        with self.writing():
            columns = ", ".join(row)
            marks = ", ".join(f":{name}" for name in row)
            cursor = self.connection.execute(f"INSERT INTO exchanges ({columns}) VALUES ({marks})", row)
            added = int(cursor.lastrowid or 0)
            if body is not None and inline is None:
                parts = range(0, len(body), INLINE_REQUEST)
                self.connection.executemany(
                    INSERT_REQUEST_PART,
                    ((added, seq, body[at : at + INLINE_REQUEST]) for seq, at in enumerate(parts)),
                )
            self.connection.executemany(INSERT_SEGMENT, _segment_rows(added, exchange))
            self.connection.execute(_FILL_TOTALS, {"id": added})
        return added

    def prune(
        self, *, older_than: timedelta | None = None, keep: int | None = None, ids: Iterable[int] | None = None
    ) -> int:
        """Delete exchanges, those of `prunable`; returns how many went."""
        doomed = self.prunable(older_than=older_than, keep=keep, ids=ids)
        with self.writing():
            return sum(self.delete(exchange_id) for exchange_id in doomed)

    def prunable(
        self, *, older_than: timedelta | None = None, keep: int | None = None, ids: Iterable[int] | None = None
    ) -> list[int]:
        """The exchanges older than an age, all but the newest ``keep``, or these ids, as far as they are there."""
        doomed: set[int] = set(ids or ())
        if older_than is not None:
            limit = (datetime.now(UTC) - older_than).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            doomed.update(row[0] for row in self._rows("SELECT id FROM exchanges WHERE started_at < ?", (limit,)))
        if keep is not None:
            sql = "SELECT id FROM exchanges ORDER BY id DESC LIMIT -1 OFFSET ?"
            doomed.update(row[0] for row in self._rows(sql, (keep,)))
        return [number for number in sorted(doomed) if self._rows("SELECT 1 FROM exchanges WHERE id = ?", (number,))]

    def delete(self, exchange_id: int) -> int:
        """Delete an exchange, inside of `writing`; returns whether it was there (0 or 1)."""
        for table in ("segments", "request_parts"):
            self.connection.execute(f"DELETE FROM {table} WHERE exchange_id = ?", (exchange_id,))
        return self.connection.execute("DELETE FROM exchanges WHERE id = ?", (exchange_id,)).rowcount

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """One transaction; trouble becomes CouldNotRunError."""
        with _clear_errors(self.path):
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self.connection.execute("COMMIT")
            except BaseException:
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")
                raise


_FILL_TOTALS = """UPDATE exchanges SET
    body_bytes = (SELECT coalesce(sum(length), 0) FROM segments WHERE exchange_id = :id),
    segment_count = (SELECT count(*) FROM segments WHERE exchange_id = :id),
    first_us = (SELECT min(offset_us) FROM segments WHERE exchange_id = :id)
WHERE id = :id"""


class StoredSegments(Sequence[Segment]):
    """An exchange's segments, read from the database a page at a time; their number is fixed when it is made."""

    def __init__(self, db: CaptureDB, exchange_id: int, count: int) -> None:
        self._db = db
        self._exchange_id = exchange_id
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Segment]:
        for start in range(0, self._count, _PAGE):
            yield from self._db.segments_between(self._exchange_id, start, min(start + _PAGE, self._count))

    @overload
    def __getitem__(self, at: int) -> Segment: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Segment]: ...
    def __getitem__(self, at: int | slice) -> Segment | Sequence[Segment]:
        if isinstance(at, slice):
            start, stop, step = at.indices(self._count)
            if step == 1:
                return self._db.segments_between(self._exchange_id, start, stop)
            return [self[index] for index in range(start, stop, step)]
        index = at + self._count if at < 0 else at
        if not 0 <= index < self._count:
            raise IndexError(at)
        return self._db.segments_between(self._exchange_id, index, index + 1)[0]

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Sequence)
            and len(self) == len(other)
            and all(mine == theirs for mine, theirs in zip(self, other, strict=True))
        )

    __hash__ = None  # type: ignore[assignment]


def _segment_rows(exchange_id: int, exchange: Exchange) -> Iterator[tuple[object, ...]]:
    """Rows for the segments, cut further at HTTP chunk boundaries where those are known."""
    chunks = iter(exchange.http_chunks or ())
    chunk = left = 0 if exchange.http_chunks is None else -1
    seq = 0
    for segment in exchange.segments:
        data = segment.data
        while data:
            if exchange.http_chunks is None:
                piece, data = data, b""
            else:
                while left <= 0:
                    left = next(chunks, len(data))
                    chunk += 1
                piece, data = data[:left], data[left:]
                left -= len(piece)
            number = None if exchange.http_chunks is None else chunk
            yield exchange_id, seq, segment.offset_us, len(piece), number, piece
            seq += 1


def _read_ending(stored: str | None, process: str | None, notes: dict[str, Any]) -> Ending:
    if stored is not None:
        return Ending(stored)
    if process is not None and is_alive(process):
        notes["in_progress"] = True
    else:
        notes.setdefault("ending_reason", "recorder-gone")
    return Ending.INTERRUPTED


def _headers(text: str | None) -> Headers:
    return tuple((str(name), str(value)) for name, value in json.loads(text or "[]"))


def _head(row: sqlite3.Row) -> ResponseHead | None:
    if row["status"] is None:
        return None
    return ResponseHead(
        row["status"],
        _headers(row["response_headers"]),
        row["head_us"],
        row["reason"] or "",
        row["http_version"] or "1.1",
    )


def _overview(row: sqlite3.Row) -> Overview:
    notes: dict[str, Any] = {}
    ending = _read_ending(None if row["unfinished"] else row["ending"], row["recorder"], notes)
    return Overview(
        id=row["id"],
        started_at=row["started_at"],
        label=row["label"],
        tap=row["tap"],
        method=row["method"],
        url=row["url"],
        model=row["model"] if isinstance(row["model"], str) else None,
        status=row["status"],
        ending=ending,
        ending_reason=row["ending_reason"] or notes.get("ending_reason"),
        in_progress="in_progress" in notes,
        bytes=int(row["bytes"] or 0),
        segments=int(row["segments"] or 0),
        head_us=row["head_us"],
        first_us=row["first_us"],
        end_us=row["end_us"],
    )


# --- opening


@contextlib.contextmanager
def _clear_errors(path: Path) -> Iterator[None]:
    """SQLite's complaints as one clear line."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR):
            raise UnreadableInputError(f"{path}: not a readable capture: {error}") from None
        raise CouldNotRunError(f"{path}: {error}") from None


def inspect_header(path: Path) -> bool:
    """Whether the file is a capture by its header; False when it is empty. Nothing is changed.

    Raises NotFoundError, UnreadableInputError (random bytes, truncated, foreign, newer schema, no regular file) or
    CouldNotRunError.
    """
    require_regular(path)
    for attempt in range(5):
        try:
            with path.open("rb") as file:
                header = file.read(100)
                size = os.fstat(file.fileno()).st_size
        except FileNotFoundError:
            raise NotFoundError(f"{path}: no such database") from None
        except IsADirectoryError:
            raise UnreadableInputError(f"{path}: is a directory, not a database") from None
        except OSError as error:
            raise CouldNotRunError(f"{path}: {(error.strerror or str(error)).lower()}") from None
        if size == 0:
            return False
        try:
            _judge_header(path, header, size)
        except UnreadableInputError:
            # A recorder that is just creating it writes page by page.
            if attempt == 4 or not Path(f"{path}-journal").exists():
                raise
            time.sleep(0.05)
        else:
            return True
    raise AssertionError("unreachable")


def _judge_header(path: Path, header: bytes, size: int) -> None:
    if not header.startswith(_MAGIC[: max(1, len(header))]):
        raise UnreadableInputError(f"{path}: not a SQLite database")
    if len(header) < 100:
        raise UnreadableInputError(f"{path}: a truncated database ({size} bytes)")
    (page_size,) = struct.unpack_from(">H", header, 16)
    page_size = 65536 if page_size == 1 else page_size
    pages, user_version, application_id = (struct.unpack_from(">I", header, at)[0] for at in (28, 60, 68))
    if application_id != APPLICATION_ID:
        raise UnreadableInputError(f"{path}: a SQLite database, but not one of streamlab's")
    if user_version > SCHEMA_VERSION:
        raise UnreadableInputError(
            f"{path}: written by a newer streamlab (schema {user_version}, this one knows {SCHEMA_VERSION}); upgrade"
        )
    wal = Path(f"{path}-wal")
    if pages * page_size > size and not (wal.exists() and wal.stat().st_size):
        raise UnreadableInputError(f"{path}: a truncated database ({size} of {pages * page_size} bytes)")


def _connect(uri: str, busy_seconds: float) -> sqlite3.Connection:
    connection = sqlite3.connect(
        uri, uri=True, timeout=busy_seconds, isolation_level=None, check_same_thread=False, cached_statements=256
    )
    connection.row_factory = sqlite3.Row
    # A text column of a file from elsewhere may hold anything.
    connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
    return connection


def _uri(path: Path, query: str) -> str:
    return f"file:{quote(str(path.absolute()))}?{query}"


#: Files that connections of this process have open. Opening and closing such a file in any other way would drop the
#: locks of those connections (POSIX locks belong to the process): another process that closes its connection would then
#: take itself for the last one and delete the write-ahead log under our feet.
_OPEN: Counter[tuple[int, int] | None] = Counter()


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file a path names, without opening it; None when there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _is_open_here(path: Path) -> bool:
    identity = _identity(path)
    return identity is not None and _OPEN[identity] > 0


def _open_reading(path: Path, busy_seconds: float) -> sqlite3.Connection:
    if not _is_open_here(path) and not inspect_header(path):
        raise UnreadableInputError(f"{path}: an empty file, not a database")
    with _clear_errors(path):
        # With the right to write, closing folds the write-ahead log in and leaves no files behind.
        for mode in ("mode=rw", "mode=ro", "mode=ro&immutable=1"):
            connection = None
            try:
                connection = _connect(_uri(path, mode), busy_seconds)
                connection.execute("PRAGMA query_only = ON")
                (version,) = connection.execute("PRAGMA user_version").fetchone()
                connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            except sqlite3.OperationalError as error:
                if connection is not None:
                    connection.close()
                # A folder that cannot be written has no place for the shared-memory file that WAL needs.
                if mode.endswith("immutable=1") or error.sqlite_errorcode & 0xFF not in _NOT_ALLOWED:
                    raise
                wal = Path(f"{path}-wal")
                if mode == "mode=ro" and wal.exists() and wal.stat().st_size:
                    raise
                continue
            except BaseException:
                if connection is not None:
                    connection.close()
                raise
            if version == SCHEMA_VERSION:
                return connection
            connection.close()
            return _open_writing(path, busy_seconds)  # an older schema: migrate it first
    raise CouldNotRunError(f"{path}: cannot be opened for reading")


def _open_writing(path: Path, busy_seconds: float) -> sqlite3.Connection:
    path = path.resolve()
    known = _is_open_here(path)
    if not known:
        with contextlib.suppress(NotFoundError):
            inspect_header(path)
    with _clear_errors(path):
        if not known:
            _create_private(path)
        connection = _connect(_uri(path, "mode=rw"), busy_seconds)
        try:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version < SCHEMA_VERSION:
                _migrate_locked(path, connection)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA wal_autocheckpoint = 4000")
            connection.execute("PRAGMA journal_size_limit = 16777216")
        except BaseException:
            connection.close()
            raise
    return connection


def _create_private(path: Path) -> None:
    """An empty file only its owner may read; SQLite gives its -wal and -shm the same mode."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if os.fstat(descriptor).st_size == 0:
                os.fchmod(descriptor, 0o600)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise CouldNotRunError(f"{path}: {(error.strerror or str(error)).lower()}") from None


def _migrate_locked(path: Path, connection: sqlite3.Connection) -> None:
    # Deferred: sqlite-utils takes 80 ms to import, and an up-to-date capture does without it.
    from sqlite_utils import Database

    connection.execute("BEGIN IMMEDIATE")
    try:
        (application_id,) = connection.execute("PRAGMA application_id").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if tables and application_id != APPLICATION_ID:
            raise UnreadableInputError(f"{path}: a SQLite database, but not one of streamlab's")
        migrate(Database(connection))
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
