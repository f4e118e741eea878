"""Recordings of all kinds copied into a database: each keeps its time and label, and who recorded it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

from streamlab.errors import NotFoundError
from streamlab.exchange import Exchange
from streamlab.record import changed
from streamlab.storage.capture_db import CaptureDB
from streamlab.storage.location import default_db
from streamlab.storage.recorders import RecorderRun, noted, processes_of
from streamlab.storage.targets import Target, find_files


def import_into(files: Iterable[str], db: Path | None, label: str | None) -> tuple[Path, list[int]]:
    """Copy exchanges from files into the database, one after another; returns it and the new ids. All or none: where
    one cannot be read, those before it are taken out again."""
    path, names = db or default_db(), list(files)
    # Found before one is written: the database may be among what is imported.
    targets = [target for name in names for target in find_files(name, _IMPORTED)]
    recorders = _Recorders()
    exchanges = (pair for target in targets for pair in _from_target(target, recorders))
    first = list(islice(exchanges, 1))  # where the first cannot be read, no database is made
    if not first:
        raise NotFoundError(f"{', '.join(names)}: no exchange in it")
    ids: list[int] = []
    with CaptureDB(path, write=True) as database:
        try:
            for source, exchange in chain(first, exchanges):
                ids.append(database.add(_labelled(source, exchange, label)))
        except BaseException:
            for at in range(0, len(ids), _TAKEN_OUT):
                database.prune(ids=ids[at : at + _TAKEN_OUT])
            raise
    return path, ids


#: Endings of the files that are imported out of a folder.
_IMPORTED = (".sse", ".har", ".yaml", ".yml")
#: Exchanges that are deleted at once.
_TAKEN_OUT = 200


class _Recorders:
    """Who recorded the exchanges of databases; each is asked once."""

    def __init__(self) -> None:
        self._processes: dict[str, dict[int, RecorderRun]] = {}

    def note(self, found: Target) -> dict[str, Any]:
        """What is to be noted of one that is taken out of a database."""
        if found.id is None:
            return {}
        if found.path not in self._processes:
            self._processes[found.path] = processes_of(found.path)
        run = self._processes[found.path].get(found.id)
        return noted(found.path, run.process if run else None)


def _from_target(found: Target, recorders: _Recorders) -> Iterator[tuple[str, Exchange]]:
    from streamlab.interop.reading import may_hold_exchanges, read_bytes

    if not found.is_file:
        exchange = found.read()
        # One that was imported there before knows better.
        yield found.source, changed(exchange, notes={**recorders.note(found), **exchange.notes})
        return
    data = found.data()
    if found.below is None or may_hold_exchanges(found.path, data):  # a folder has YAML of many kinds
        for exchange in read_bytes(found.path, data):
            yield found.source, exchange


def _labelled(source: str, exchange: Exchange, label: str | None) -> Exchange:
    name = label or exchange.label or Path(source).stem
    return changed(exchange, label=name, notes={**exchange.notes, "imported_from": Path(source).name})
