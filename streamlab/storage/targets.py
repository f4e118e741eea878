"""What a TARGET on the command line names: found cheaply first, opened one by one later.

TARGET is: an ID or ``last`` in the database · ``FILE.db`` (all in it) or ``FILE.db#ID`` · ``FILE.slab``, a bundle, or
``FILE.slab#NUMBER`` · ``lake:PATH``, a lake, or ``lake:PATH#HASH`` · a fixture directory, or a folder of them · a bare
``.sse`` file · ``-`` (stdin, a bare body).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING

from streamlab.errors import NotFoundError, StreamlabError, UnreadableInputError
from streamlab.exchange import Exchange
from streamlab.record import Record, changed, made_by
from streamlab.storage.files import largest_input, read_at_most, read_regular
from streamlab.storage.location import LAKE, existing_db

if TYPE_CHECKING:
    from pathlib import Path

    from streamlab.storage.capture_db import CaptureDB
    from streamlab.storage.lake.files import LakeRow

_META = "exchange.json"
#: More than these may be more than a column of SQLite holds.
_MOST_DIGITS = 18
#: Ids asked for at once.
_IDS = 1000


class Target(Record, frozen=True):
    """One exchange that has been found and not been opened. ``id`` is set where it rests in a database, ``number`` in a
    bundle."""

    source: str
    path: str
    id: int | None = None
    #: Its number in the bundle that ``path`` is.
    number: int | None = None
    #: Where it lies in the lake that ``path`` is.
    row: LakeRow | None = None
    #: The folder it was found below: a link that leads out of it is not followed.
    below: str | None = None
    #: Bytes of a file that are read at most.
    largest: int = made_by(default_factory=largest_input.get)

    @property
    def is_file(self) -> bool:
        """Whether it is a file, or standard input, that may hold several exchanges."""
        return self.id is None and self.row is None and self.number is None and not os.path.isdir(self.path)

    @contextmanager
    def opened(self, database: CaptureDB | None = None) -> Iterator[Exchange]:
        """The exchange, readable until the context ends; from ``database`` when it is open already. Raises
        UnreadableInputError, NotFoundError."""
        if self.id is not None and database is not None:
            yield database.get(self.id)
        elif self.id is not None:
            with _database(self.path) as database:
                yield database.get(self.id)
        elif self.row is not None:
            yield _of_lake(self.source, self.row)
        elif self.number is not None:
            from streamlab.storage.bundle import read_bundled

            yield read_bundled(self.path, self.number, self.largest)
        elif self.path != "-" and os.path.isdir(self.path):
            from streamlab.storage.exchange_dir import read_exchange_dir

            yield read_exchange_dir(self.path, self.largest)
        else:
            from streamlab.interop.reading import read_bytes

            yield self._only(read_bytes(self.path, self.data()))

    def _only(self, exchanges: list[Exchange]) -> Exchange:
        if len(exchanges) > 1:
            raise UnreadableInputError(f"{self.source}: {len(exchanges)} exchanges; `streamlab import` takes them all")
        return exchanges[0]

    def data(self) -> bytes:
        """The bytes of the file, or of standard input. Raises UnreadableInputError."""
        if self.path == "-":
            return read_at_most(sys.stdin.buffer, self.largest, "-")
        return read_regular(self.path, self.largest, self.below)

    def read(self) -> Exchange:
        """The whole exchange in memory."""
        with self.opened() as exchange:
            return changed(exchange, segments=tuple(exchange.segments))


def _database(path: str | Path) -> CaptureDB:
    from streamlab.storage.capture_db import CaptureDB  # deferred, as the other kinds of files: most targets are one

    return CaptureDB(path)


def find(name: str, db: Path | None = None) -> Iterator[Target]:
    """The exchanges a TARGET names, in order, lazily. Raises NotFoundError when there is none."""
    if name == "-":
        yield Target("-", "-")
    elif name == "last" or (name.isascii() and name.isdigit() and not os.path.exists(name)):
        yield _in_default(name, db)
    else:
        yield from find_files(name)


def find_files(name: str, endings: tuple[str, ...] = (".sse",)) -> Iterator[Target]:
    """The exchanges that a file or folder holds, never one of the default database.

    ``endings`` are those of the bare files that count below a folder.
    """
    if name.startswith(LAKE):
        return _in_lake(name)
    bundled = _bundle_and_number(name)
    if bundled is not None:
        return _in_bundle(name, *bundled)
    parts = _database_and_id(name)
    return _in_file(name, *parts) if parts is not None else _on_disk(name, endings)


def _in_default(name: str, db: Path | None) -> Target:
    path = existing_db(db)
    with _database(path) as database:
        found = database.last() if name == "last" else database.get(_number(name)).id
    return Target(name, str(path), found)


def _number(name: str) -> int:
    """An exchange's number, given in digits."""
    if len(name) > _MOST_DIGITS:
        raise NotFoundError(f"no exchange {name[:_MOST_DIGITS]}…: a number has at most {_MOST_DIGITS} digits")
    return int(name)


def _database_and_id(name: str) -> tuple[Path, str | None] | None:
    """A file that is no directory and no ``.sse``, with what follows the ``#``; None when the name means neither."""
    path, hash_, wanted = name.rpartition("#")
    numbered = bool(hash_) and not os.path.exists(name) and os.path.isfile(path)
    named = name.endswith((".db", ".sqlite", ".sqlite3")) and not os.path.isdir(name)
    if not numbered and not named and not (os.path.isfile(name) and _looks_like_sqlite(name)):
        return None
    from pathlib import Path  # deferred: a bare file is read without

    return (Path(path), wanted) if numbered else (Path(name), None)


def _bundle_and_number(name: str) -> tuple[str, str | None] | None:
    """A file that is a zip, or called a bundle, with what follows the ``#``; None when the name means neither."""
    path, hash_, wanted = name.rpartition("#")
    if hash_ and not os.path.exists(name) and _is_bundle(path):
        return path, wanted
    return (name, None) if _is_bundle(name) else None


def _is_bundle(path: str) -> bool:
    if not os.path.isfile(path):
        return False
    if path.endswith(".slab"):
        return True
    with open(path, "rb") as file:
        return file.read(4) in (b"PK\3\4", b"PK\5\6")


def _in_bundle(name: str, path: str, wanted: str | None) -> Iterator[Target]:
    from streamlab.storage.bundle import verify_bundle

    count = verify_bundle(path, largest_input.get())
    if wanted is None:
        for number in range(1, count + 1):
            yield Target(f"{name}#{number}", path, number=number)
        return
    number = count if wanted == "last" else _number(wanted) if wanted.isascii() and wanted.isdigit() else 0
    if not 1 <= number <= count:
        raise NotFoundError(f"{name}: what follows # has to be a number from 1 to {count}, or last")
    yield Target(name, path, number=number)


def _in_lake(name: str) -> Iterator[Target]:
    # Deferred: the extra is loaded where a lake is named.
    from streamlab.storage.lake import files
    from streamlab.storage.lake.place import LakePlace, need_fleet, parted

    need_fleet()
    address, wanted = parted(name)
    place = LakePlace(address)
    place.require()
    if wanted is not None:
        yield Target(name, address, row=files.find(place, wanted))
        return
    failed: StreamlabError | None = None
    for file in files.listed(place):
        if isinstance(file, StreamlabError):
            failed = failed or file
            continue
        for row in files.located(place, file):
            yield Target(f"{name}#{row.hash[:16] or row.file}", address, row=row)
    if failed is not None:
        raise failed


def _of_lake(source: str, row: LakeRow) -> Exchange:
    from streamlab.storage.lake import files, rows

    return rows.exchange_of(files.read_row(row), source)


def _looks_like_sqlite(path: str) -> bool:
    with open(path, "rb") as file:
        return file.read(16) == b"SQLite format 3\x00"


def _in_file(name: str, path: Path, wanted: str | None) -> Iterator[Target]:
    if wanted is None:
        # No connection is open while somebody works on what it gave: they may start processes.
        after = -1
        while ids := _ids(path, after):
            yield from (Target(f"{name}#{found}", str(path), found) for found in ids)
            after = ids[-1]
        return
    with _database(path) as database:
        if wanted == "last":
            found = database.last()
        elif wanted.isascii() and wanted.isdigit():
            found = database.get(_number(wanted)).id or 0
        else:
            raise NotFoundError(f"{name}: what follows # has to be an exchange's number, or last")
    yield Target(name, str(path), found)


def _ids(path: Path, after: int) -> list[int]:
    with _database(path) as database:
        return list(islice(database.ids(after), _IDS))


def _on_disk(name: str, endings: tuple[str, ...]) -> Iterator[Target]:
    if os.path.exists(name) and not os.path.isdir(name):
        yield Target(name, name)
        return
    if not os.path.isdir(name):
        raise NotFoundError(
            f"{name}: no such file, folder or exchange (a TARGET is an id, last, FILE.db, FILE.db#ID, FILE.slab, "
            "lake:PATH, lake:PATH#HASH, a folder, an .sse file or -)"
        )
    if any(os.path.lexists(os.path.join(name, one)) for one in (_META, "body.sse")):
        yield Target(name, name)
        return
    found = False
    for target in _below(name, endings):
        found = True
        yield target
    if not found:
        raise UnreadableInputError(f"{name}: no exchange below this folder (no {_META}, no .sse file)")


def _below(name: str, endings: tuple[str, ...]) -> Iterator[Target]:
    """Exchange directories, and bare files outside of them, in the order of their paths.

    Links to folders are not followed; one in place of a file is followed when it is read, and not out of the folder.
    """
    for folder, inner, files in os.walk(name):
        inner.sort()
        if _META in files:
            inner.clear()
            yield Target(folder, folder, below=name)
            continue
        for file in sorted(files):
            if file.lower().endswith(endings):
                path = os.path.join(folder, file)
                yield Target(path, path, below=name)
