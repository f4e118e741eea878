"""Many exchanges mended, on all cores, and written into a database or a folder in the order in which they lay.

What is written is an export, without known secrets unless they are to be kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any

from streamlab.apis import Api
from streamlab.errors import StreamlabError, UsageError
from streamlab.exchange import Exchange
from streamlab.repairing.normalizer import errors_left, normalize
from streamlab.report.blame import summary_json
from streamlab.storage.capture_db import CaptureDB
from streamlab.storage.exchange_dir import write_exchange_dir
from streamlab.storage.naming import directory_name, free_directory
from streamlab.storage.targets import Target
from streamlab.workflows.cores import on_all_cores, spawning
from streamlab.workflows.share import Masking, prepared

_DATABASES = (".db", ".sqlite", ".sqlite3")
#: Up to this many exchanges one process is faster than several.
_ALONE = 64
_BATCH = 32


@dataclass(frozen=True, slots=True)
class MendOptions:
    """What is asked of the repairs; picklable."""

    unsafe: bool = False
    api: Api | None = None
    to_chat: bool = False
    masking: Masking | None = None  # of what is written; None: secrets are kept


@dataclass(frozen=True, slots=True)
class Mended:
    """What became of one exchange; ``error`` says why it could not be read. ``left`` are the errors that remain."""

    source: str
    exchange: Exchange | None = None
    account: dict[str, Any] = field(default_factory=dict)
    left: tuple[str, ...] = ()
    failed: bool = False
    error: str | None = None


def is_database(output: Path) -> bool:
    """Whether what is written there is a database, by its name."""
    return output.suffix.lower() in _DATABASES


def mend_into(output: Path, targets: Iterable[Target], options: MendOptions) -> Iterator[Mended]:
    """Mend targets, in order, and write each where it is wanted before it is told. Raises UsageError."""
    if is_database(output) and output.exists():
        raise UsageError(f"{output} is there already; what is mended goes into a database of its own")
    for some in _mended(targets, options):
        yield from _written(some, output)


def _mended(targets: Iterable[Target], options: MendOptions) -> Iterator[list[Mended]]:
    waiting = iter(targets)
    first = list(islice(waiting, _ALONE + 1))
    work = partial(_mend, options=options)
    everything = chain(first, waiting)
    batches = iter(lambda: list(islice(everything, _BATCH)), [])
    of_lake = bool(first) and first[0].row is not None
    alone = len(first) <= _ALONE or first[0].path == "-"
    yield from on_all_cores(work, batches, workers=1 if alone else None, context=spawning() if of_lake else None)


def _mend(targets: list[Target], options: MendOptions) -> list[Mended]:
    return [_mend_one(target, options) for target in targets]


def _mend_one(target: Target, options: MendOptions) -> Mended:
    try:
        with target.opened() as exchange:
            done = normalize(exchange, unsafe=options.unsafe, api=options.api, to_chat=options.to_chat, each=bool)
            mended = prepared(done.exchange, options.masking).exchange
    except StreamlabError as error:
        return Mended(target.source, error=str(error))
    return Mended(target.source, mended, summary_json(done), errors_left(done), done.failed)


def _written(some: Sequence[Mended], output: Path) -> Iterator[Mended]:
    """Each once it is written. A database is open only meanwhile: processes may be started at any other time."""
    if not is_database(output):
        output.mkdir(parents=True, exist_ok=True)
        for one in some:
            if one.exchange is not None:
                write_exchange_dir(one.exchange, free_directory(output, directory_name(one.exchange, one.source)))
            yield one
        return
    with CaptureDB(output, write=True) as database:
        for one in some:
            if one.exchange is not None:
                database.add(one.exchange)
            yield one
