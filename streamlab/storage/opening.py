"""Opening a capture: what is none is refused before SQLite touches it, and nothing that a file brings along is run.

Captures come from elsewhere: functions in a schema are not trusted, a table of ours has to be a plain table, and a file
that is written to may hold no triggers but ours.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import struct
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from streamlab.errors import CouldNotRunError, NotFoundError, UnreadableInputError
from streamlab.storage.files import require_regular
from streamlab.storage.migrations import (
    APPLICATION_ID,
    COLUMNS,
    LATER,
    OLDEST_READ,
    SCHEMA_VERSION,
    TRIGGERS,
    migrate,
)

_NOT_ALLOWED = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM)
_MAGIC = b"SQLite format 3\0"
_BETWEEN_TRIES_SECONDS = 0.01
#: What looking at the schema of a capture may take of SQLite's steps, a thousand times what ours takes; and how many
#: pass between two looks at them.
_STEPS, _STEPS_A_LOOK = 100_000, 1_000


@contextlib.contextmanager
def clear_errors(path: Path) -> Iterator[None]:
    """SQLite's complaints as one clear line."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_INTERRUPT:
            raise UnreadableInputError(f"{path}: not a readable capture: its schema is too large") from None
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR):
            raise UnreadableInputError(f"{path}: not a readable capture: {error}") from None
        raise CouldNotRunError(f"{path}: {error}") from None
    except UnicodeDecodeError:  # of a name in a damaged schema, or of a complaint about it
        raise UnreadableInputError(f"{path}: not a readable capture: names in it are no text") from None


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
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")
    # A text column of a file from elsewhere may hold anything.
    connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
    return connection


@contextlib.contextmanager
def _limited_work(connection: sqlite3.Connection) -> Iterator[None]:
    """Nobody waits for a schema that a file from elsewhere brings along: sqlite3.OperationalError instead."""
    looks = iter(range(_STEPS // _STEPS_A_LOOK))
    connection.set_progress_handler(lambda: next(looks, None) is None, _STEPS_A_LOOK)
    try:
        yield
    finally:
        with contextlib.suppress(sqlite3.ProgrammingError):  # it is closed
            connection.set_progress_handler(None, 0)


def _uri(path: Path, query: str) -> str:
    return f"file:{quote(str(path.absolute()))}?{query}"


#: Files that connections of this process have open. Opening and closing such a file in any other way would drop the
#: locks of those connections (POSIX locks belong to the process): another process that closes its connection would then
#: take itself for the last one and delete the write-ahead log under our feet.
OPEN: Counter[tuple[int, int] | None] = Counter()


def identity(path: Path) -> tuple[int, int] | None:
    """Which file a path names, without opening it; None when there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _is_open_here(path: Path) -> bool:
    found = identity(path)
    return found is not None and OPEN[found] > 0


def open_reading(path: Path, busy_seconds: float) -> sqlite3.Connection:
    if not _is_open_here(path) and not inspect_header(path):
        raise UnreadableInputError(f"{path}: an empty file, not a database")
    with clear_errors(path):
        # With the right to write, closing folds the write-ahead log in and leaves no files behind.
        for mode in ("mode=rw", "mode=ro", "mode=ro&immutable=1"):
            connection = None
            try:
                connection = _connect(_uri(path, mode), busy_seconds)
                with _limited_work(connection):
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
                _check_schema(path, connection, write=False)
                return connection
            return _migrated(path, connection, version, busy_seconds)
    raise CouldNotRunError(f"{path}: cannot be opened for reading")


def empty_log(path: Path, busy_seconds: float = 1.0) -> bool:
    """Fold a database's write-ahead log into it, as far as nobody reads or writes just now; whether none is left."""
    log = Path(f"{path}-wal")
    if not log.exists() or not log.stat().st_size:
        return True
    with contextlib.suppress(sqlite3.Error), contextlib.closing(_connect(_uri(path, "mode=rw"), busy_seconds)) as it:
        it.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return not log.exists() or not log.stat().st_size


def _migrated(path: Path, connection: sqlite3.Connection, version: int, busy_seconds: float) -> sqlite3.Connection:
    """An older schema, migrated; if it may not be written, and can be read so, as it is."""
    try:
        migrated = open_writing(path, busy_seconds)
    except CouldNotRunError:
        if version < OLDEST_READ:
            connection.close()
            raise
        _check_schema(path, connection, write=False, without=LATER)
        return connection
    except BaseException:
        connection.close()
        raise
    connection.close()
    return migrated


def open_writing(path: Path, busy_seconds: float) -> sqlite3.Connection:
    path = path.resolve()
    known = _is_open_here(path)
    if not known:
        with contextlib.suppress(NotFoundError):
            inspect_header(path)
    with clear_errors(path):
        is_new = not path.exists()
        if not known:
            _create_private(path)
        connection = _connect(_uri(path, "mode=rw"), busy_seconds)
        try:
            with _limited_work(connection):
                (version,) = connection.execute("PRAGMA user_version").fetchone()
                connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            if version < SCHEMA_VERSION:
                _migrate_locked(path, connection)
            _check_schema(path, connection, write=True)
            # The triggers are ours now, and one of them deletes from a full-text index, which SQLite else refuses.
            connection.execute("PRAGMA trusted_schema = ON")
            _keep_a_log(connection, busy_seconds)
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA secure_delete = ON")  # not every SQLite does so: what is deleted is gone
            connection.execute("PRAGMA wal_autocheckpoint = 4000")
            connection.execute("PRAGMA journal_size_limit = 16777216")
        except BaseException:
            connection.close()
            if is_new:
                _remove_empty(path)
            raise
    return connection


def _remove_empty(path: Path) -> None:
    """Take away a file that was made for a database, and in which none could be: the disk is full."""
    with contextlib.suppress(OSError):
        if not path.stat().st_size:
            path.unlink()


def _keep_a_log(connection: sqlite3.Connection, busy_seconds: float) -> None:
    """Switch to a write-ahead log. SQLite refuses that at once, without waiting, while somebody else opens the file."""
    deadline = time.monotonic() + busy_seconds
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() >= deadline:
                raise
            time.sleep(_BETWEEN_TRIES_SECONDS)


def _create_private(path: Path) -> None:
    """An empty file only its owner may read; SQLite gives its -wal and -shm the same mode."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if os.fstat(descriptor).st_size == 0:
                _private(path, descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise CouldNotRunError(f"{path}: {(error.strerror or str(error)).lower()}") from None


def _private(path: Path, descriptor: int) -> None:
    """For its owner alone, whatever the umask. By name on Windows, where fchmod came with Python 3.13."""
    if hasattr(os, "fchmod"):
        os.fchmod(descriptor, 0o600)
    else:
        path.chmod(0o600)


def _migrate_locked(path: Path, connection: sqlite3.Connection) -> None:
    # Deferred: sqlite-utils takes 80 ms to import, and an up-to-date capture does without it.
    from sqlite_utils import Database

    # A new file gives back what becomes free, which has to be said before there is anything, in the same transaction.
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    connection.execute("BEGIN IMMEDIATE" if tables else "BEGIN")
    try:
        if not tables:
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            connection.execute("PRAGMA incremental_vacuum(1)").fetchall()  # takes the lock, if that did not
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


def _check_schema(
    path: Path, connection: sqlite3.Connection, *, write: bool, without: frozenset[str] = frozenset()
) -> None:
    """Raises UnreadableInputError when a table of ours is something else, or writing would run what is not ours."""
    ours = COLUMNS.keys() - without
    with _limited_work(connection):
        rows = connection.execute("SELECT type, name, sql FROM sqlite_master").fetchall()
        plain = {name for kind, name, sql in rows if kind == "table" and not _is_virtual(sql)}
        wrong = [f"{name} is no table" for name in sorted(ours - plain)]
        for name in () if wrong else sorted(ours):
            found = {row[1] for row in connection.execute(f"PRAGMA table_info({name})")}
            wrong += [f"{name} has no {column}" for column in COLUMNS[name].split() if column not in found]
    if not any(name == "contents" and kind == "table" and _is_virtual(sql) for kind, name, sql in rows):
        wrong.append("contents is no index")
    if wrong:
        connection.close()
        raise UnreadableInputError(f"{path}: damaged or changed: {wrong[0]}")
    if write and any(kind == "trigger" and sql not in TRIGGERS for kind, _, sql in rows):
        connection.close()
        raise UnreadableInputError(f"{path}: holds a trigger that is not streamlab's; nothing is written to it")


def _is_virtual(sql: object) -> bool:
    return str(sql).upper().startswith("CREATE VIRTUAL")
