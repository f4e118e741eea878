"""A lake filled, judged and asked: by processes here, or by Dask on a LocalCluster or a running cluster."""

from __future__ import annotations

import contextlib
import glob
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from streamlab.about import requirement
from streamlab.errors import CouldNotRunError, StreamlabError, UnreadableInputError, UsageError
from streamlab.exchange import Exchange
from streamlab.judging.kept import unpacked
from streamlab.sharing.wanted import Masking
from streamlab.storage.lake import files, findings, rows
from streamlab.storage.lake.adding import AlreadyThere, LakeFiller, alone_with
from streamlab.storage.lake.place import LakePlace, need_fleet, parted
from streamlab.storage.lasting import may_be_kept
from streamlab.storage.recorders import RecorderRun, day_of, processes_of, recorder_of, told_recorder
from streamlab.storage.rules_version import rules_version
from streamlab.storage.targets import Target, find
from streamlab.workflows.check import Checked, CheckOptions, check, checked_of, narrowed
from streamlab.workflows.cores import on_all_cores, spawning
from streamlab.workflows.share import prepared

Warn = Callable[[str], object]
#: Exchanges masked at once; row groups judged at once by one process.
_BATCH = 32
#: Up to this many exchanges one process is faster than several.
_ALONE = 64


def place_of(target: str) -> LakePlace:
    """The lake that a TARGET or ``--to`` names. Raises CouldNotRunError without the extra."""
    need_fleet()
    return LakePlace(parted(target)[0])


# -- filling -------------------------------------------------------------------------------------------------------


@dataclass
class Filled:
    """What came of adding: new exchanges, those the lake had, those left out, and which of a database are there now."""

    new: int = 0
    known: int = 0
    left_out: int = 0
    #: Of each database, the exchanges that are in the lake now.
    there: dict[str, list[int]] | None = None


@dataclass(frozen=True)
class _Prepared:
    target: Target
    row: dict[str, Any] | None
    name: str = ""
    error: str | None = None


def add(
    captures: Sequence[str],
    place: LakePlace,
    *,
    recorder: str | None,
    masking: Masking | None,
    advance: Callable[[], None],
    warn: Warn,
) -> Filled:
    """Put the finished exchanges of captures into a lake, each once; masked on the way unless ``masking`` is None.

    Whoever else adds one of them from this machine is waited for: what it adds is not in the lake before it is done.
    """
    with alone_with(captures):
        known = AlreadyThere(place, warn)
        adding, added = LakeFiller(place), Filled(there={})
        for capture in captures:
            processes = processes_of(capture)
            wanted = _wanted(capture, processes, known, added)
            work = partial(_prepare, capture=capture, named=recorder, processes=processes, masking=masking)
            for one in (one for some in _on_cores(work, wanted) for one in some):
                advance()
                _take(one, known, adding, added, warn)
        adding.finish()
    return added


def _on_cores(work: Callable[[list[Target]], list[_Prepared]], wanted: Iterator[Target]) -> Iterator[list[_Prepared]]:
    first = list(islice(wanted, _BATCH))
    if len(first) < _BATCH:
        return iter([work(first)])
    batches = chain([first], iter(lambda: list(islice(wanted, _BATCH)), []))
    return on_all_cores(work, batches, context=spawning())


def _take(one: _Prepared, known: AlreadyThere, adding: LakeFiller, added: Filled, warn: Warn) -> None:
    if one.row is None:
        if one.error is not None:
            warn(f"left out: {one.target.source}: {one.error}")
            added.left_out += 1
        return
    if known.holds(one.row["day"], one.name):
        added.known += 1
    else:
        known.add(one.row["day"], one.name)
        adding.add(one.row)
        added.new += 1
    _there(added, one.target)


def _there(added: Filled, target: Target) -> None:
    if added.there is not None and target.id is not None:
        added.there.setdefault(target.path, []).append(target.id)


def _wanted(capture: str, processes: dict[int, RecorderRun], known: AlreadyThere, added: Filled) -> Iterator[Target]:
    """What is not known by what it is called where it was recorded."""
    for target in find(capture):
        run = processes.get(target.id) if target.id is not None else None
        if _is_known(target, known) if run is None else known.holds_number(run.day, run.process, target.id or 0):
            added.known += 1
            _there(added, target)
        else:
            yield target


def _is_known(target: Target, known: AlreadyThere) -> bool:
    told = None
    with contextlib.suppress(StreamlabError), target.opened() as exchange:
        told = day_of(exchange.started_at), rows.hash_of(exchange)
    return told is not None and known.holds(*told)


def _prepare(
    targets: list[Target],
    *,
    capture: str,
    named: str | None,
    processes: dict[int, RecorderRun],
    masking: Masking | None,
) -> list[_Prepared]:
    found = []
    for target in targets:
        try:
            exchange = target.read()
            if not _is_over(target, exchange):
                found.append(_Prepared(target, None))  # it goes on: the next time
                continue
            name = rows.hash_of(exchange)
            shared = prepared(exchange, masking).exchange
            recorder = named or told_recorder(shared.notes) or recorder_of(capture)
            run = processes.get(target.id or 0)
            origin = rows.RecordedBy(recorder, run.process if run else None, target.id)
            found.append(_Prepared(target, rows.row_of(shared, name, origin, redacted=masking is not None), name))
        except StreamlabError as error:
            found.append(_Prepared(target, None, error=str(error)))
    return found


def _is_over(target: Target, exchange: Exchange) -> bool:
    """Whether nothing more comes: what a dead recorder left in files beside its database is taken up by the next."""
    path = Path(target.path)
    spooled = target.id is not None and any(path.parent.glob(f"{glob.escape(path.name)}-spool-*"))
    return may_be_kept(exchange) or not (exchange.notes.get("in_progress") or spooled)


# -- judging -------------------------------------------------------------------------------------------------------


class Engine(Protocol):
    """Has row groups judged, in any order."""

    def run(self, units: list[findings.Unit]) -> Iterator[findings.Judged]:
        """What each came to, as it comes."""
        ...


@dataclass(frozen=True)
class LocalEngine:
    """Processes of this machine, as many as it has cores unless told otherwise."""

    workers: int | None = None

    def run(self, units: list[findings.Unit]) -> Iterator[findings.Judged]:
        """See `Engine`."""
        if not units:
            return
        alone = sum(unit.rows for unit in units) <= _ALONE or units[0].place.is_only_here
        batches = ([unit] for unit in units)
        workers = 1 if alone else self.workers
        for some in on_all_cores(findings.judge, batches, workers=workers, context=spawning()):
            yield from some


@dataclass(frozen=True)
class DaskEngine:
    """Dask: a LocalCluster of ``workers`` processes, or the running cluster at ``address``."""

    workers: int | None = None
    address: str | None = None

    def run(self, units: list[findings.Unit]) -> Iterator[findings.Judged]:
        """See `Engine`. Raises CouldNotRunError when the cluster is gone; what was judged stays."""
        if not units:
            return
        try:
            import distributed
        except ImportError:
            raise CouldNotRunError(f"--engine dask needs Dask: pip install '{requirement('fleet')}'") from None
        with contextlib.ExitStack() as stack:
            client = self._client(distributed, stack)
            waiting = client.map(_judge_one, units, pure=False, retries=2)
            try:
                for future in distributed.as_completed(waiting):
                    yield future.result()
            except StreamlabError:
                raise
            except Exception as error:
                told = " ".join(str(error).split())[:200] or type(error).__name__
                raise CouldNotRunError(f"the cluster failed: {told}; what was judged is kept") from None

    def _client(self, distributed: Any, stack: contextlib.ExitStack) -> Any:
        try:
            if self.address is not None:
                return stack.enter_context(distributed.Client(self.address, timeout="10s"))
            cluster = distributed.LocalCluster(
                n_workers=self.workers, threads_per_worker=1, dashboard_address=None, silence_logs=50
            )
            stack.enter_context(cluster)
            return stack.enter_context(distributed.Client(cluster))
        except (OSError, ValueError) as error:
            told = " ".join(str(error).split())[:200]
            raise CouldNotRunError(f"no Dask cluster{f' at {self.address}' if self.address else ''}: {told}") from None


def _judge_one(unit: findings.Unit) -> findings.Judged:
    return findings.judge([unit])[0]


def engine_of(name: str | None, workers: int | None, address: str | None) -> Engine:
    """The engine that options mean. Raises UsageError."""
    if address is not None and workers is not None:
        raise UsageError("--cluster has its own workers: give either it or --workers")
    if name == "local" and address is not None:
        raise UsageError("--cluster is Dask's: leave --engine local away")
    if name == "dask" or address is not None:
        return DaskEngine(workers, address)
    return LocalEngine(workers)


class Lake:
    """A lake whose files were looked at; ``warn`` was told of those that cannot be read."""

    def __init__(self, place: LakePlace, warn: Warn) -> None:
        place.require()
        self.place = place
        self.version = rules_version()
        self.unreadable = 0
        self.files: list[files.LakeFile] = []
        for one in files.listed(place):
            if isinstance(one, files.LakeFile):
                self.files.append(one)
            else:
                self.unreadable += 1
                warn(str(one))
        self.units = list(findings.units(place, self.version, self.files))

    def judge(
        self,
        engine: Engine,
        warn: Warn,
        advance: Callable[[int], None] = lambda _: None,
        total: Callable[[int], None] = lambda _: None,
        *,
        anew: bool = False,
    ) -> int:
        """Have judged what this version has not; returns how many exchanges were."""
        there = set() if anew else findings.judged_files(self.place, self.version)
        waiting = [unit for unit in self.units if not findings.is_judged(unit, there)]
        total(sum(unit.rows for unit in waiting))
        judged = 0
        for one in engine.run(waiting):
            advance(one.unit.rows)
            judged += one.exchanges
            if one.error is not None:
                self.unreadable += 1
                self.units.remove(one.unit)
                warn(one.error)
        return judged

    def targets(self, name: str) -> Iterator[Target]:
        """Its exchanges, unopened."""
        for file in self.files:
            for row in files.located(self.place, file):
                yield Target(f"{name}#{row.hash[:16] or row.file}", self.place.address, row=row)

    def names(self, view: str) -> list[str]:
        """The files that a view reads."""
        if view == "exchanges":
            return [one.name for one in self.files]
        return [unit.name(view) for unit in self.units]

    def checked(self, name: str) -> Iterator[Checked]:
        """What was said of each exchange, in the order of the files, without reading any."""
        for unit in self.units:
            try:
                kept = files.read(self.place, unit.name("judged")).to_pylist()
            except UnreadableInputError as error:
                yield Checked(Target(f"{name}#{unit.name('judged')}", self.place.address), None, error=str(error))
                continue
            for at, row in enumerate(kept):
                # What stays after a repair is asked of the exchange itself, which lies where its judgement does.
                lies = files.LakeRow(self.place, unit.file, unit.group, at, row["hash"])
                target = Target(f"{name}#{row['hash'][:16]}", self.place.address, row=lies)
                report = unpacked(row["report"]) if row["report"] is not None else None
                if report is None:
                    yield Checked(target, None, error=row["error"] or f"{target.source}: its kept report is damaged")
                else:
                    notes = rows.notes_of(row["notes"])
                    yield checked_of(target, report, row["status"], row["ending"], notes)


class LakeChecked(NamedTuple):
    """The outcomes of a whole lake, and how many of its files could not be read."""

    outcomes: Iterator[Checked]
    unreadable: int


def check_lake(
    target: str,
    options: CheckOptions,
    engine: Engine,
    warn: Warn,
    advance: Callable[[int], None],
    total: Callable[[int], None],
) -> LakeChecked:
    """Judge what these rules have not judged of a lake; the outcomes are read from what is kept."""
    options.rules()
    lake = Lake(place_of(target), warn)
    if not options.whole:  # what is kept is of every exchange as it is
        return LakeChecked(check(lake.targets(target), options), lake.unreadable)
    lake.judge(engine, warn, advance, total, anew=options.anew)
    found = lake.checked(target)
    return LakeChecked((narrowed(one, options) for one in found), lake.unreadable)
