"""Exchanges into a lake: what is there is known by its hash, files are written when they are large enough."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from streamlab.errors import UnreadableInputError
from streamlab.storage.lake import rows
from streamlab.storage.lake.files import LakeFile, listed, read
from streamlab.storage.lake.layout import grouped, neighbours, parquet, weight
from streamlab.storage.lake.place import EXCHANGES, LakePlace, file_name, partition

#: A file is written when it would hold more.
FILE_ROWS, FILE_BYTES = 4096, 64 * 1024 * 1024
#: Bytes of all files in the making; the largest is written when there are more.
_MOST_WAITING = 4 * FILE_BYTES


class _Day(NamedTuple):
    """What is there of one: hashes, and what its exchanges are called where they were recorded."""

    hashes: set[str]
    origins: set[tuple[str, int]]


class AlreadyThere:
    """What a lake holds, looked up a day at a time: an exchange lies in the folder of its day, whoever adds it."""

    def __init__(self, place: LakePlace, warn: Callable[[str], object]) -> None:
        self._place, self._warn = place, warn
        self._days: dict[str, _Day] = {}

    def holds(self, day: str, name: str) -> bool:
        """Whether an exchange of this hash is there."""
        return name in self._of(day).hashes

    def holds_number(self, day: str, process: str, number: int) -> bool:
        """Whether the exchange is there that this run of a recorder calls so."""
        return (process, number) in self._of(day).origins

    def add(self, day: str, name: str) -> None:
        """One more is there."""
        self._of(day).hashes.add(name)

    def _of(self, day: str) -> _Day:
        folder = partition(day)
        if folder not in self._days:
            self._days[folder] = self._read(folder)
        return self._days[folder]

    def _read(self, folder: str) -> _Day:
        there = _Day(set(), set())
        for one in listed(self._place, f"{EXCHANGES}/day={folder}"):
            try:
                if not isinstance(one, LakeFile):
                    raise one
                found = read(self._place, one.name, columns=["hash", "process", "number"])
            except UnreadableInputError as error:
                self._warn(str(error))  # what it held is added again
                continue
            there.hashes.update(found.column("hash").to_pylist())
            origins = zip(found.column("process").to_pylist(), found.column("number").to_pylist(), strict=True)
            there.origins.update((process, number) for process, number in origins if process and number)
        return there


@contextlib.contextmanager
def alone_with(captures: Iterable[str]) -> Iterator[None]:
    """While no other process of this machine has them so; it is waited for, and one that dies lets go of them."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    with contextlib.ExitStack() as stack:
        # Always in the same order: two that want the same never wait for each other.
        for path in sorted({os.path.realpath(one.partition("#")[0]) for one in captures}):
            with contextlib.suppress(OSError):  # what is not there, or may not be read, is told by whoever reads it
                handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
                stack.callback(os.close, handle)
                fcntl.flock(handle, fcntl.LOCK_EX)
        yield


class LakeFiller:
    """Files in the making, one a day and recorder. `finish` writes what is left."""

    def __init__(self, place: LakePlace) -> None:
        self._place = place
        self._schema = rows.schema()
        self._waiting: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
        self._sizes: dict[tuple[str, str], int] = {}

    def add(self, row: Mapping[str, Any]) -> None:
        """Take a row. Raises CouldNotRunError when a file cannot be written."""
        key = row["day"], row["recorder"]
        self._waiting.setdefault(key, []).append(row)
        self._sizes[key] = self._sizes.get(key, 0) + weight(row)
        if len(self._waiting[key]) >= FILE_ROWS or self._sizes[key] >= FILE_BYTES:
            self._write(key)
        elif sum(self._sizes.values()) >= _MOST_WAITING:
            self._write(max(self._sizes, key=self._sizes.__getitem__))

    def _write(self, key: tuple[str, str]) -> None:
        found = self._waiting.pop(key)
        del self._sizes[key]
        day, recorder = key
        folder = f"{EXCHANGES}/day={partition(day)}/recorder={partition(recorder)}"
        found = neighbours(found)
        self._place.write(f"{folder}/{name_of(found)}", parquet(found, self._schema))

    def finish(self) -> None:
        """Write what is left."""
        for key in sorted(self._waiting):
            self._write(key)


def name_of(found: Sequence[Mapping[str, Any]]) -> str:
    """The name of a file of these rows. What is said of a row group is found by it: it tells where groups end, too."""
    return file_name("".join("\n" + row["hash"] for row in group) for group in grouped(found))
