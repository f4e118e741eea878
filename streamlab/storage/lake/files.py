"""The Parquet files of a lake: listed with what is wrong with them, read a row group at a time."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

from streamlab.errors import NotFoundError, UnreadableInputError
from streamlab.storage.lake import rows
from streamlab.storage.lake.columns import unlike
from streamlab.storage.lake.layout import GROUP_ROWS
from streamlab.storage.lake.place import EXCHANGES, SCHEME, LakePlace

if TYPE_CHECKING:
    import pyarrow

#: A row group that says to hold more was not written by us: the one row over the limit may be as large as an input.
_MOST_ROWS, _MOST_BYTES = GROUP_ROWS, 1024 * 1024 * 1024


#: Where a file says which of its folder it replaces: it was made of them.
REPLACES_KEY = b"streamlab.replaces"


class LakeFile(NamedTuple):
    """A file that can be read: how many rows each of its row groups has, about how many bytes they hold unpacked, and
    which other files of its folder it replaces."""

    name: str
    groups: tuple[int, ...]
    size: int = 0
    replaces: frozenset[str] = frozenset()


class LakeRow(NamedTuple):
    """Where one exchange lies."""

    place: LakePlace
    file: str
    group: int
    at: int
    hash: str


# -- reading -------------------------------------------------------------------------------------------------------


class Folder(NamedTuple):
    """What lies in a folder of the lake: the files that can be read, or why one cannot; and which another replaces,
    that nobody reads any more."""

    name: str
    files: list[LakeFile | UnreadableInputError]
    replaced: list[str]


def listed(place: LakePlace, below: str = EXCHANGES) -> Iterator[LakeFile | UnreadableInputError]:
    """The files below a folder of the lake, in order; of one that cannot be read, why."""
    for folder in folders(place, below):
        yield from folder.files


def folders(place: LakePlace, below: str = EXCHANGES) -> Iterator[Folder]:
    """The folders below one of the lake, in order."""
    for name, names in groupby(place.names(below), _folder):
        found = {one: _seen(place, one) for one in names}
        gone = _gone(found)
        yield Folder(name, [one for path, one in found.items() if path not in gone], sorted(gone))


def _folder(name: str) -> str:
    return name.rpartition("/")[0]


def _gone(found: Mapping[str, LakeFile | UnreadableInputError]) -> set[str]:
    """The files of a folder that one of them replaces."""
    named = (f"{_folder(file.name)}/{name}" for file in healthy(found.values()) for name in file.replaces)
    return {name for name in named if name in found}


def _seen(place: LakePlace, name: str) -> LakeFile | UnreadableInputError:
    try:
        return _looked_at(place, name)
    except UnreadableInputError as error:
        return error


def _looked_at(place: LakePlace, name: str) -> LakeFile:
    import pyarrow.parquet as pq

    with _reading(place, name) as file:
        found = pq.read_metadata(file)
        told = (found.metadata or {}).get(rows.SCHEMA_KEY)
        if told is None or not told.isdigit():
            raise UnreadableInputError(f"{SCHEME}{place.address}: {name}: Parquet, but not of streamlab's; left out")
        if int(told) > rows.SCHEMA:
            raise UnreadableInputError(
                f"{SCHEME}{place.address}: {name}: written by a newer streamlab (schema {int(told)}, this one knows "
                f"{rows.SCHEMA}); left out: upgrade"
            )
        each = [found.row_group(at) for at in range(found.num_row_groups)]
        _hold(found.schema.to_arrow_schema(), [(one.num_rows, one.total_byte_size) for one in each], name)
        return LakeFile(
            name,
            tuple(one.num_rows for one in each),
            sum(one.total_byte_size for one in each),
            _replaces(found.metadata or {}) - {name.rpartition("/")[2]},
        )


def _replaces(metadata: Mapping[bytes, bytes]) -> frozenset[str]:
    try:
        told = json.loads(metadata.get(REPLACES_KEY, b"[]"))
    except ValueError:
        told = None
    if not isinstance(told, list) or not all(isinstance(one, str) for one in told):
        raise ValueError("what it replaces is no list of files")
    return frozenset(told)


@contextmanager
def _reading(place: LakePlace, name: str) -> Iterator[Any]:
    """A file to read from; what cannot be read of it raises UnreadableInputError."""
    import pyarrow as pa

    try:
        if place.is_special(name):
            raise ValueError("no regular file")
        with place.opened(name) as file:
            try:
                yield file
            except OSError as error:
                if error.errno is not None:
                    raise
                raise ValueError(str(error)) from None  # so Arrow calls metadata that are damaged
    except (pa.ArrowException, ValueError, KeyError) as error:
        raise _torn(place, name, error) from None


def _hold(columns: pyarrow.Schema, groups: Sequence[tuple[int, int]], name: str) -> None:
    """Raise ValueError where a file of ours cannot be so."""
    if why := unlike(name, columns):
        raise ValueError(why)
    if not all(0 <= count <= _MOST_ROWS and 0 <= size <= _MOST_BYTES for count, size in groups):
        raise ValueError("a row group is larger than any of streamlab's")


def _torn(place: LakePlace, name: str, error: Exception) -> UnreadableInputError:
    told = " ".join(str(error).split())[:120]
    return UnreadableInputError(f"{SCHEME}{place.address}: {name}: torn or damaged, left out ({told})")


def read(place: LakePlace, name: str, group: int | None = None, columns: Sequence[str] | None = None) -> pyarrow.Table:
    """Columns of a row group, or of all. Raises UnreadableInputError."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    wanted = list(columns) if columns is not None else None
    with _reading(place, name) as file:
        opened = pq.ParquetFile(file, page_checksum_verification=True)
        if why := unlike(name, opened.schema_arrow):
            raise ValueError(why)
        if group is None:
            found = opened.read(wanted, use_threads=False)
        else:
            found = opened.read_row_group(group, wanted, use_threads=False)
        if not pc.all(pc.match_substring_regex(found.column("hash"), "^[0-9a-f]{64}$"), skip_nulls=False).as_py():
            raise ValueError("a row has no hash")
        return found


def located(place: LakePlace, file: LakeFile) -> Iterator[LakeRow]:
    """The rows of a file, without their exchanges; for a row group that cannot be read one without a hash, which
    says why when it is read."""
    for group in range(len(file.groups)):
        try:
            names = read(place, file.name, group, ["hash"]).column("hash").to_pylist()
        except UnreadableInputError:
            names = [""]
        for at, name in enumerate(names):
            yield LakeRow(place, file.name, group, at, name)


@lru_cache(2)
def _group(place: LakePlace, name: str, group: int) -> pyarrow.Table:
    return read(place, name, group)


def read_row(row: LakeRow) -> Mapping[str, Any]:
    """One row; the group it is in is held for the next. Raises UnreadableInputError."""
    group = _group(row.place, row.file, row.group)
    if row.at >= group.num_rows:
        raise UnreadableInputError(f"{SCHEME}{row.place.address}: {row.file} has changed meanwhile")
    found: Mapping[str, Any] = group.slice(row.at, 1).to_pylist()[0]
    return found


def find(place: LakePlace, wanted: str) -> LakeRow:
    """The exchange whose hash begins so. Raises NotFoundError; UnreadableInputError where several do."""
    name = f"{SCHEME}{place.address}#{wanted}"
    if len(wanted) < 4 or not set(wanted) <= set("0123456789abcdef"):
        raise NotFoundError(f"{name}: what follows # has to be a hash, or four or more of its first characters")
    found: dict[str, LakeRow] = {}
    for file in healthy(listed(place)):
        for row in located(place, file):
            if row.hash.startswith(wanted):
                found.setdefault(row.hash, row)
    if not found:
        raise NotFoundError(f"{name}: no such exchange in the lake")
    if len(found) > 1:
        raise UnreadableInputError(f"{name}: {len(found)} exchanges begin so; give more of the hash")
    return next(iter(found.values()))


def healthy(files: Iterable[LakeFile | UnreadableInputError]) -> Iterator[LakeFile]:
    """Those that can be read."""
    return (one for one in files if isinstance(one, LakeFile))
