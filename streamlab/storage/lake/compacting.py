"""Small files of a lake made into large ones, which take less than half: what is alike meets in them.

A large file says in its metadata which files it replaces, and whoever lists the lake passes those over from the moment
it is there. Deleting them comes after that, so whoever is killed in between has lost and doubled nothing, and the next
time deletes what is left. What was said of the exchanges goes along; nothing is judged again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from streamlab.errors import UnreadableInputError
from streamlab.storage.lake import files, rows
from streamlab.storage.lake.adding import FILE_BYTES, FILE_ROWS, alone_with, name_of
from streamlab.storage.lake.columns import schemas
from streamlab.storage.lake.findings import Unit, is_judged, units
from streamlab.storage.lake.layout import grouped, neighbours, parquet, weight
from streamlab.storage.lake.place import EXCHANGES, FINDINGS, SCHEME, LakePlace

_Rows = list[Mapping[str, Any]]


class Compacted(NamedTuple):
    """How many files were replaced by how many, and their bytes; how many could not be read."""

    files: int = 0
    into: int = 0
    before: int = 0
    now: int = 0
    unreadable: int = 0


def compact(place: LakePlace, warn: Callable[[str], object]) -> Compacted:
    """Replace the small files of each day and recorder. Raises NotFoundError, CouldNotRunError.

    On this machine whoever else does it is waited for. In an object store one may do it at a time.
    """
    place.require()
    found = Compacted()
    torn: list[str] = []
    with alone_with([place.full(EXCHANGES)] if place.is_folder else []):
        said = _Said(place)
        for folder in files.folders(place):
            for name in _left_over(place, folder, torn):
                said.forget(name)
                place.remove(name)
            for one in folder.files:
                if isinstance(one, UnreadableInputError):
                    torn.append(str(one))
            for batch in _batches(place, [one for one in files.healthy(folder.files) if _is_small(one)], torn):
                found = _merged(place, folder.name, batch, said, found)
            for line in torn[found.unreadable :]:
                warn(line)
            found = found._replace(unreadable=len(torn))
    return found


def _left_over(place: LakePlace, folder: files.Folder, torn: list[str]) -> list[str]:
    """The files that another replaces and holds all of, whatever it says; why one is not told goes to ``torn``."""
    there: set[str] = set()
    found = []
    try:
        for file in files.healthy(folder.files if folder.replaced else ()):
            there.update(files.read(place, file.name, columns=["hash"]).column("hash").to_pylist())
        for name in folder.replaced:
            if there.issuperset(files.read(place, name, columns=["hash"]).column("hash").to_pylist()):
                found.append(name)
            else:
                torn.append(
                    f"{SCHEME}{place.address}: {name}: another file says to replace it and lacks some of it; left"
                )
    except UnreadableInputError as error:
        torn.append(str(error))
    return found


def _is_small(file: files.LakeFile) -> bool:
    return sum(file.groups) < FILE_ROWS // 2 and file.size < FILE_BYTES // 2


class _Batch(NamedTuple):
    files: list[files.LakeFile]
    rows: _Rows


def _batches(place: LakePlace, small: Sequence[files.LakeFile], torn: list[str]) -> Iterator[_Batch]:
    """Files that fit into one, whole and at least two; why one cannot be read goes to ``torn``."""
    batch, size = _Batch([], []), 0
    for file in small if len(small) > 1 else ():
        try:
            table = files.read(place, file.name)
        except UnreadableInputError as error:
            torn.append(str(error))
            continue
        if table.column_names != rows.schema().names:
            continue  # columns of somebody else's, which are not ours to drop
        told = table.to_pylist()
        heavy = sum(map(weight, told))
        if batch.files and (len(batch.rows) + len(told) > FILE_ROWS or size + heavy > FILE_BYTES):
            if len(batch.files) > 1:
                yield batch
            batch, size = _Batch([], []), 0
        batch.files.append(file)
        batch.rows.extend(told)
        size += heavy
    if len(batch.files) > 1:
        yield batch


def _merged(place: LakePlace, folder: str, batch: _Batch, said: _Said, found: Compacted) -> Compacted:
    """Write the one file, with what was said of it before it is there, then delete those that it replaces."""
    told = neighbours(batch.rows)
    told = [row for at, row in enumerate(told) if at == 0 or row != told[at - 1]]
    name = f"{folder}/{name_of(told)}"
    gone = [one.name for one in batch.files if one.name != name]
    replaces = json.dumps([one.rpartition("/")[2] for one in gone]).encode()
    schema = rows.schema()
    data = parquet(told, schema.with_metadata({**schema.metadata, files.REPLACES_KEY: replaces}))
    said.carry(batch.files, name, told)
    place.write(name, data)
    before = sum(place.size(one) for one in gone)
    for one in gone:
        said.forget(one)
        place.remove(one)
    return found._replace(
        files=found.files + len(gone), into=found.into + 1, before=found.before + before, now=found.now + len(data)
    )


class _Said:
    """What the rules of every version said of the exchanges of a lake."""

    def __init__(self, place: LakePlace) -> None:
        self._place = place
        self._there = set(place.names(FINDINGS))
        self._versions = sorted({name.split("/")[1].removeprefix("rules=") for name in self._there})
        self._about: dict[str, list[str]] = {}
        for name in self._there:
            self._about.setdefault(name.rpartition("/")[2].rpartition("-")[0], []).append(name)

    def carry(self, before: list[files.LakeFile], name: str, told: _Rows) -> None:
        """Say the same of the exchanges where they lie from now on; where a version has not judged all of them, or
        what it said cannot be read, they are judged again."""
        groups = [[row["hash"] for row in group] for group in grouped(told)]
        if len({one for names in groups for one in names}) < len(told):
            return
        for version in self._versions:
            some = list(units(self._place, version, before))
            if all(is_judged(unit, self._there) for unit in some):
                self._carry(some, [Unit(self._place, version, name, at, 0) for at in range(len(groups))], groups)

    def _carry(self, before: list[Unit], after: list[Unit], groups: list[list[str]]) -> None:
        try:
            judged, findings = (self._by_hash(before, kind) for kind in ("judged", "findings"))
        except UnreadableInputError:
            return
        if not all(len(judged.get(one, ())) == 1 for names in groups for one in names):
            return
        judging, finding = schemas()
        for unit, names in zip(after, groups, strict=True):
            for kind, found, schema in (("findings", findings, finding), ("judged", judged, judging)):
                said = [row for name in names for row in found.get(name, ())]
                self._place.write(unit.name(kind), parquet(said, schema))

    def _by_hash(self, some: list[Unit], kind: str) -> dict[str, _Rows]:
        found: dict[str, _Rows] = {}
        for unit in some:
            for row in files.read(self._place, unit.name(kind)).to_pylist():
                found.setdefault(row["hash"], []).append(row)
        return found

    def forget(self, name: str) -> None:
        """Delete what was said of a file that goes."""
        stem = name.rpartition("/")[2].removesuffix(".parquet")
        for one in self._about.pop(stem, ()):
            self._place.remove(one)
