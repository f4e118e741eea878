"""What a TARGET on the command line names: found cheaply first, opened one by one later.

TARGET is: an ID or ``last`` in the database · ``FILE.db`` (all in it) or ``FILE.db#ID`` · a fixture directory, or a
folder of them · a bare ``.sse`` file · ``-`` (stdin, a bare body).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from streamlab.errors import NotFoundError, UnreadableInputError
from streamlab.exchange import Exchange
from streamlab.storage.capture_db import CaptureDB
from streamlab.storage.exchange_dir import read_bare_body, read_exchange_dir
from streamlab.storage.location import existing_db

_META = "exchange.json"


@dataclass(frozen=True, slots=True)
class Target:
    """One exchange that has been found and not been opened. ``id`` is set where it rests in a database."""

    source: str
    path: str
    id: int | None = None

    @contextmanager
    def opened(self, database: CaptureDB | None = None) -> Iterator[Exchange]:
        """The exchange, readable until the context ends; from ``database`` when it is open already. Raises
        UnreadableInputError, NotFoundError."""
        if self.id is not None and database is not None:
            yield database.get(self.id)
        elif self.id is not None:
            with CaptureDB(self.path) as database:
                yield database.get(self.id)
        elif self.path == "-":
            yield read_bare_body(sys.stdin.buffer.read())
        else:
            path = Path(self.path)
            yield read_exchange_dir(path) if path.is_dir() else read_bare_body(_bytes_of(path))

    def read(self) -> Exchange:
        """The whole exchange in memory."""
        with self.opened() as exchange:
            return replace(exchange, segments=tuple(exchange.segments))


def find(name: str, db: Path | None = None) -> Iterator[Target]:
    """The exchanges a TARGET names, in order, lazily. Raises NotFoundError when there is none."""
    if name == "-":
        yield Target("-", "-")
    elif name == "last" or (name.isascii() and name.isdigit() and not os.path.exists(name)):
        yield _in_default(name, db)
    elif (parts := _database_and_id(name)) is not None:
        yield from _in_file(name, *parts)
    else:
        yield from _on_disk(name)


def find_files(name: str) -> Iterator[Target]:
    """The exchanges that a file or folder holds; never one of the default database."""
    parts = _database_and_id(name)
    return _in_file(name, *parts) if parts is not None else _on_disk(name)


def _in_default(name: str, db: Path | None) -> Target:
    path = existing_db(db)
    with CaptureDB(path) as database:
        found = database.last() if name == "last" else database.get(int(name)).id
    return Target(name, str(path), found)


def _database_and_id(name: str) -> tuple[Path, str | None] | None:
    """A file that is no directory and no ``.sse``, with what follows the ``#``; None when the name means neither."""
    path, hash_, wanted = name.rpartition("#")
    if hash_ and not os.path.exists(name) and os.path.isfile(path):
        return Path(path), wanted
    if name.endswith((".db", ".sqlite", ".sqlite3")) and not os.path.isdir(name):
        return Path(name), None
    if os.path.isfile(name) and _looks_like_sqlite(Path(name)):
        return Path(name), None
    return None


def _looks_like_sqlite(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(16) == b"SQLite format 3\x00"


def _in_file(name: str, path: Path, wanted: str | None) -> Iterator[Target]:
    with CaptureDB(path) as database:
        if wanted is None:
            for found in database.ids():
                yield Target(f"{name}#{found}", str(path), found)
        elif wanted == "last":
            yield Target(name, str(path), database.last())
        elif wanted.isascii() and wanted.isdigit():
            yield Target(name, str(path), database.get(int(wanted)).id)
        else:
            raise NotFoundError(f"{name}: what follows # has to be an exchange's number, or last")


def _on_disk(name: str) -> Iterator[Target]:
    path = Path(name)
    if path.is_file():
        yield Target(name, name)
        return
    if not path.is_dir():
        raise NotFoundError(
            f"{name}: no such file, folder or exchange (a TARGET is an id, last, FILE.db, FILE.db#ID, a folder, "
            "an .sse file or -)"
        )
    if (path / _META).exists() or (path / "body.sse").exists():
        yield Target(name, name)
        return
    found = False
    for target in _below(name):
        found = True
        yield target
    if not found:
        raise UnreadableInputError(f"{name}: no exchange below this folder (no {_META}, no .sse file)")


def _below(name: str) -> Iterator[Target]:
    """Exchange directories, and bare ``.sse`` files outside of them, in the order of their paths."""
    for folder, inner, files in os.walk(name):
        inner.sort()
        if _META in files:
            inner.clear()
            yield Target(folder, folder)
            continue
        for file in sorted(files):
            if file.endswith(".sse"):
                yield Target(os.path.join(folder, file), os.path.join(folder, file))


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UnreadableInputError(f"{path}: {error.strerror}") from None
