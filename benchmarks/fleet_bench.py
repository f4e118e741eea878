"""A synthetic fleet: twelve recorders' captures into a lake, judged, asked. ``python -m benchmarks fleet [--quick]``

``python -m benchmarks.fleet_bench EXCHANGES [ROUNDS]`` runs it at any size; with no rounds (0) what has to be equal is
compared and nothing is timed against something else. Speeds are ratios inside one run; what has to be equal is compared
bit for bit, and what is not ends the run. Streams that were recorded elsewhere are read from ``../shared/corpus`` where
somebody has put them (``STREAMLAB_SHARED`` names another folder than ``../shared``).
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from io import StringIO
from pathlib import Path

from benchmarks import lake_list
from benchmarks.relay_bench import Row
from streamlab import cli
from streamlab.judging.trend import By
from streamlab.storage.capture_db import CaptureDB
from streamlab.storage.lake import columns
from streamlab.storage.lake.asking import LakeQuestions
from streamlab.storage.lake.layout import parquet
from streamlab.storage.lake.place import LakePlace
from streamlab.storage.lake.trends import shares
from streamlab.workflows.check import load
from streamlab.workflows.fleet import DaskEngine, Engine, Lake, LocalEngine

ROOT = Path(__file__).parents[1]
_SHARED = Path(os.environ.get("STREAMLAB_SHARED", ROOT.parent / "shared")) / "corpus"
_RECORDERS = 12
_FINDING_ROWS = 10_000_000
#: From this many exchanges on the list is of a million.
_LARGE = 12_000


def fleet(folder: Path, count: int) -> list[Path]:
    """The captures of a dozen recorders, ``count`` exchanges in all, each begun at a time of its own."""
    chance = random.Random(20261128)
    folders = [ROOT / "captures", ROOT / "corpus", *([_SHARED] if _SHARED.is_dir() else [])]
    ours = [exchange for one in folders for _, exchange in load(one)]
    began = datetime(2026, 11, 1, tzinfo=UTC)
    paths = []
    for number in range(_RECORDERS):
        paths.append(folder / f"gateway-{number:02d}.db")
        with CaptureDB(paths[-1], write=True) as database:
            for at in range(_of_one(number, count)):
                moment = began + timedelta(seconds=at * 2_000_000 / count, microseconds=number)
                started = moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
                database.add(replace(chance.choice(ours), id=None, started_at=started, label=f"v{at % 7}"))
            with database.writing():
                name = (f"boot-{number}:1:1", "2026-11-01T00:00:00Z")
                database.connection.execute("INSERT INTO recorders (process, started_at) VALUES (?, ?)", name)
                database.connection.execute("UPDATE exchanges SET recorder_id = 1")
    return paths


def _of_one(recorder: int, count: int) -> int:
    """How many exchanges one of them recorded."""
    return count // _RECORDERS + (recorder < count % _RECORDERS)


def said(*words: object) -> str:
    """What a command prints."""
    out = StringIO()
    with redirect_stdout(out), suppress(SystemExit):
        cli.main([str(word) for word in words])
    return out.getvalue()


def _seconds(work: Callable[[], object]) -> tuple[float, float]:
    """Wall clock and CPU of this process and its children."""
    began, before = time.perf_counter(), _cpu()
    work()
    return time.perf_counter() - began, _cpu() - before


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def _outcomes(document: str) -> list[bytes]:
    """What was said of each exchange, as a hash of it, in an order that does not tell where it lay."""
    outcomes = ({**one, "source": None, "id": None} for one in json.loads(document)["exchanges"])
    return sorted(hashlib.sha256(json.dumps(one).encode()).digest() for one in outcomes)


def _judged_by(engine: Engine, place: LakePlace, folder: Path) -> float:
    shutil.rmtree(folder / "findings", ignore_errors=True)
    return _seconds(lambda: Lake(place, print).judge(engine, print))[0]


def _size(paths: Iterator[Path] | list[Path]) -> int:
    return sum(path.stat().st_size for path in paths if path.is_file())


def measured(count: int, rounds: int) -> Iterator[Row]:
    """Every figure, at this size."""
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home) / "lake"
        captures, place = fleet(Path(home), count), LakePlace(str(folder))
        _tell(f"{count:,} exchanges of {len(captures)} recorders, {_size(captures) / 1e6:,.0f} MB")
        yield _row("a lake's size, beside its databases", [_filled_and_judged(captures, place, folder, count)], 0.1)
        _same_findings(captures, folder)
        if rounds:
            yield from _engines(place, folder, rounds)
        yield from _first_seen(Path(home), captures, count)
    if rounds:
        yield from _many_findings(rounds)
        yield from _listed(1_000_000 if count >= _LARGE else 50_000)


def _filled_and_judged(captures: list[Path], place: LakePlace, folder: Path, count: int) -> float:
    """All recorders but the last, then that one, then nothing new. The lake's size beside the databases'."""
    databases, last = _size(captures), _of_one(_RECORDERS - 1, count)
    for some, new in ((captures[:-1], count - last), (captures, last), (captures, 0)):
        filled = _seconds(partial(said, "lake", "add", *some, "--to", folder, "--keep-secrets"))
        judged: list[int] = []
        spent = _seconds(partial(_judge, place, judged))
        _tell(f"{new:,} new: filled in {filled[0]:,.0f} s (CPU {filled[1]:,.0f}), {judged[0]:,} judged in"
              f" {spent[0]:,.0f} s (CPU {spent[1]:,.0f})")  # fmt: skip
        _require(judged == [new], f"{judged[0]} exchanges were judged where {new} are new")
    return _size(folder.glob("exchanges/**/*")) / databases


def _judge(place: LakePlace, judged: list[int]) -> None:
    judged.append(Lake(place, print).judge(LocalEngine(), print))


def _same_findings(captures: list[Path], folder: Path) -> None:
    of_lake = _outcomes(said("check", f"lake:{folder}", "--json"))
    of_captures = sorted(one for path in captures for one in _outcomes(said("check", path, "--json")))
    _require(of_lake == of_captures, "a lake's findings are not those of its captures")
    _tell(f"{len(of_lake):,} outcomes of the lake are those of the databases, bit for bit")


def _engines(place: LakePlace, folder: Path, rounds: int) -> Iterator[Row]:
    taken = [
        [_judged_by(engine, place, folder) for engine in (LocalEngine(1), LocalEngine(2), DaskEngine(2))]
        for _ in range(rounds)
    ]
    yield _row("one process, beside two", [one / two for one, two, _ in taken], 1.7, least=True)
    yield _row("Dask with two workers, beside two processes", [dask / two for _, two, dask in taken], 1.15)


def _first_seen(home: Path, captures: list[Path], count: int) -> Iterator[Row]:
    path = home / "all.db"
    with CaptureDB(path, write=True) as database:
        for capture in captures:
            for _, exchange in load(capture):
                database.add(replace(exchange, id=None))
    first = _seconds(lambda: said("ls", path, "--first-seen", "--json"))
    again = _seconds(lambda: said("ls", path, "--first-seen", "--json"))
    detail = f"{count:,} exchanges: {first[1]:.1f} s of CPU, then {again[0]:.2f} s"
    yield _row("--first-seen asked again, beside the first time", [again[0] / first[0]], 0.1, detail=detail)


def _many_findings(rounds: int) -> Iterator[Row]:
    """Ten million findings, in files as large as those of a judged lake are when they are many."""
    chance = random.Random(1)
    with tempfile.TemporaryDirectory() as home:
        place = LakePlace(home)
        judging, finding = columns.schemas()
        rows = [
            {
                "hash": f"{at:064x}", "day": f"2026-11-{chance.randrange(1, 29):02d}", "recorder": "gateway-01",
                "started_at": "2026-11-01T00:00:00Z", "server": f"http://10.0.0.{chance.randrange(9)}",
                "model": f"m{chance.randrange(40)}", "label": "v1", "rule": f"rule-{chance.randrange(120)}",
                "severity": chance.choice(["error", "warning"]), "counts": True, "message": "It is wrong.", "count": 1,
                "judged": True,
            }
            for at in range(_FINDING_ROWS // 100)
        ]  # fmt: skip
        data = parquet(rows, finding)
        names = [f"findings/{at:03d}.parquet" for at in range(100)]
        for name in names:
            place.write(name, data)
        place.write("judged.parquet", parquet(rows, judging))

        def ask() -> None:
            with LakeQuestions() as questions:
                questions.files("findings", place, names)
                questions.files("judged", place, ["judged.parquet"])
                found = shares(questions, [By.MODEL, By.SERVER, By.DAY], ["rule-1*"])
                _require(sum(one.count for one in found) > 0, "nothing was found")

        taken = [_seconds(ask)[0] for _ in range(rounds)]
        yield _row("trend over 10,000,000 findings, seconds", taken, 2.0)


def _tell(line: str) -> None:
    print(f"{datetime.now(UTC):%H:%M:%S} {line}", file=sys.stderr, flush=True)


def _listed(count: int) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as home:
        lake_list.many(LakePlace(home), count)
        yield from lake_list.listed(Path(home), count)


def _row(name: str, ratios: list[float], limit: float, *, least: bool = False, detail: str = "") -> Row:
    ratio = sorted(ratios)[len(ratios) // 2]
    met = ratio >= limit if least else ratio <= limit
    return Row(name, ratio, min(ratios), max(ratios), f"{'>=' if least else '<='} {limit:g}", met, detail)


def _require(holds: bool, told: str) -> None:
    if not holds:
        raise RuntimeError(told)


def run(*, quick: bool = False) -> list[Row]:
    """Every figure at a size that takes minutes."""
    return list(measured(1_200 if quick else 12_000, 1 if quick else 3))


if __name__ == "__main__":
    for line in measured(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 3):
        print(line, flush=True)
