"""A synthetic fleet: twelve recorders' captures into a lake, judged, asked. ``python -m benchmarks fleet [--quick]``

``python -m benchmarks.fleet_bench EXCHANGES`` runs it at any size (100,000 takes an hour on two cores). Speeds are
ratios inside one run; what has to be equal is compared bit for bit, and what is not ends the run.
"""

from __future__ import annotations

import json
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
from io import StringIO
from pathlib import Path

from benchmarks.relay_bench import Row
from streamlab import cli
from streamlab.judging.trend import By
from streamlab.storage.capture_db import CaptureDB
from streamlab.storage.lake import columns
from streamlab.storage.lake.asking import LakeQuestions
from streamlab.storage.lake.files import parquet
from streamlab.storage.lake.place import LakePlace
from streamlab.storage.lake.trends import shares
from streamlab.workflows.check import load
from streamlab.workflows.fleet import DaskEngine, Engine, Lake, LocalEngine

ROOT = Path(__file__).parents[1]
_RECORDERS = 12
_FINDING_ROWS = 10_000_000


def fleet(folder: Path, count: int) -> list[Path]:
    """The captures of a dozen recorders, ``count`` exchanges in all: ours, each begun at a time of its own."""
    chance = random.Random(20261128)
    ours = [exchange for one in ("captures", "corpus") for _, exchange in load(ROOT / one)]
    began = datetime(2026, 11, 1, tzinfo=UTC)
    paths = []
    for number in range(_RECORDERS):
        paths.append(folder / f"gateway-{number:02d}.db")
        with CaptureDB(paths[-1], write=True) as database:
            for at in range(count // _RECORDERS):
                moment = began + timedelta(seconds=at * 2_000_000 / count, microseconds=number)
                started = moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
                database.add(replace(chance.choice(ours), id=None, started_at=started, label=f"v{at % 7}"))
            with database.writing():
                name = (f"boot-{number}:1:1", "2026-11-01T00:00:00Z")
                database.connection.execute("INSERT INTO recorders (process, started_at) VALUES (?, ?)", name)
                database.connection.execute("UPDATE exchanges SET recorder_id = 1")
    return paths


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


def _outcomes(document: str) -> list[str]:
    return sorted(json.dumps({**one, "source": None, "id": None}) for one in json.loads(document)["exchanges"])


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
        databases = _size(captures)
        said("lake", "add", *captures[:-1], "--to", folder, "--keep-secrets")
        Lake(place, print).judge(LocalEngine(), print)
        said("lake", "add", *captures, "--to", folder, "--keep-secrets")
        added = Lake(place, print).judge(LocalEngine(), print)
        _require(added == count // _RECORDERS, f"adding a recorder had {added} exchanges judged")
        _require(Lake(place, print).judge(LocalEngine(), print) == 0, "a second run judged something")
        of_lake = _outcomes(said("check", f"lake:{folder}", "--json"))
        of_captures = sorted(one for path in captures for one in _outcomes(said("check", path, "--json")))
        _require(of_lake == of_captures, "a lake's findings are not those of its captures")
        yield _row("a lake's size, beside its databases", [_size(folder.glob("exchanges/**/*")) / databases], 0.1)
        yield from _engines(place, folder, rounds)
        yield from _first_seen(Path(home), captures, count)
    yield from _many_findings(rounds)


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
    for line in measured(int(sys.argv[1]), 3):
        print(line)
