"""A lake of very many exchanges in the workbench: how soon it is listed, and in how much memory.

``python -m benchmarks.lake_list [EXCHANGES] [FOLDER]`` makes one (1,000,000), in FOLDER where that is given and has
none yet, and says how long the first screen takes and what it and the process that reads the lake hold.
"""

from __future__ import annotations

import hashlib
import io
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.relay_bench import Row
from benchmarks.terminal import Terminal
from streamlab.storage.lake import rows
from streamlab.storage.lake.adding import FILE_ROWS
from streamlab.storage.lake.columns import schemas
from streamlab.storage.lake.findings import Unit, judge
from streamlab.storage.lake.layout import GROUP_ROWS, parquet, written
from streamlab.storage.lake.place import EXCHANGES, LakePlace, file_name
from streamlab.storage.rules_version import rules_version
from streamlab.workflows.check import load

ROOT = Path(__file__).parents[1]
_STREAMLAB = str(Path(sys.executable).with_name("streamlab"))
_SCREENS = 5


def many(place: LakePlace, count: int) -> None:
    """A lake of ``count`` exchanges, judged: the shipped captures again and again, each begun at another moment."""
    ours = [exchange for _, exchange in load(ROOT / "captures")]
    told = [
        rows.row_of(exchange, rows.hash_of(exchange), rows.RecordedBy("gateway", None, None), redacted=True)
        for exchange in ours
    ]
    place.write("first.parquet", parquet(told, rows.schema()))
    unit = Unit(place, "first", "first.parquet", 0, len(told))
    judge([unit])
    told = pq.read_table(io.BytesIO(_data(place, "first.parquet")))
    kinds = {kind: pq.read_table(io.BytesIO(_data(place, unit.name(kind)))) for kind in ("judged", "findings")}
    at_each = {name.as_py(): at for at, name in enumerate(told.column("hash"))}
    for start in range(0, count, FILE_ROWS):
        numbers = range(start, min(start + FILE_ROWS, count))  # those of one kind are neighbours, whenever they began
        _write(place, told, kinds, at_each, sorted(numbers, key=lambda number: number % len(told)))
    for name in ("first.parquet", *(unit.name(kind) for kind in kinds)):
        os.unlink(place.full(name))


def _data(place: LakePlace, name: str) -> bytes:
    with place.opened(name) as file:
        data: bytes = file.read()
        return data


def _write(
    place: LakePlace, told: pa.Table, kinds: dict[str, pa.Table], at_each: dict[str, int], numbers: list[int]
) -> None:
    """A file of exchanges, and what was said of each of its row groups."""
    names = [hashlib.sha256(str(number).encode()).hexdigest() for number in numbers]
    days = [f"2026-{1 + number * 10 // 1_000_000 % 12:02d}-01" for number in numbers]
    stem = file_name(names)
    folder = f"{EXCHANGES}/day={days[0]}/recorder=gateway-{numbers[0] // FILE_ROWS % 12:02d}"
    table = told.take([number % len(told) for number in numbers])
    moments = [f"{day}T{n // 3600 % 24:02d}:{n // 60 % 60:02d}:{n % 60:02d}.{n % 10**6:06d}Z"
               for n, day in zip(numbers, days, strict=True)]  # fmt: skip
    for name, values in (("hash", names), ("day", days), ("started_at", moments)):
        table = table.set_column(table.schema.get_field_index(name), name, pa.array(values, pa.string()))
    table = table.cast(rows.schema())
    groups = (table.slice(at, GROUP_ROWS) for at in range(0, len(names), GROUP_ROWS))
    place.write(f"{folder}/{stem}", written(groups, rows.schema()))
    for group, at in enumerate(range(0, len(names), GROUP_ROWS)):
        unit = Unit(place, rules_version(), f"{folder}/{stem}", group, 0)
        some = names[at : at + GROUP_ROWS]
        for (kind, said), schema in zip(kinds.items(), schemas(), strict=True):
            place.write(unit.name(kind), _said(said, schema, at_each, some, numbers[at : at + len(some)]))


def _said(said: pa.Table, schema: pa.Schema, at_each: dict[str, int], names: list[str], numbers: list[int]) -> bytes:
    about: dict[int, list[int]] = {}
    for row, name in enumerate(said.column("hash")):
        about.setdefault(at_each[name.as_py()], []).append(row)
    taken, called = [], []
    for name, number in zip(names, numbers, strict=True):
        some = about.get(number % len(at_each), [])
        taken += some
        called += [name] * len(some)
    table = said.take(pa.array(taken, pa.int64()))
    table = table.set_column(0, "hash", pa.array(called, pa.string()))
    return written([table.cast(schema)], schema)


def listed(folder: Path, count: int) -> Iterator[Row]:
    """How long the first screen takes, and what the process that draws it holds."""
    environment = {**os.environ, "XDG_STATE_HOME": str(folder / "state")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    taken, peaks = [], []
    for _ in range(_SCREENS + 1):
        with Terminal([_STREAMLAB, "tui", f"lake:{folder}"], environment) as terminal:
            taken.append(terminal.until(f"{count:,} exchanges"))
            terminal.quiet(60, lasting=3.0)
            peaks.append(terminal.peak)
    taken = taken[1:]  # the first fills the caches
    middle = statistics.median(taken)
    yield Row(
        f"first list of {count:,} exchanges of a lake, s", middle, min(taken), max(taken), "<= 1", middle <= 1, ""
    )
    screen, helper = (max(one.get(name, 0) for one in peaks) / 1024 for name in ("program", "helper"))
    yield Row("its peak memory, MB", screen, screen, screen, "<= 60", screen <= 60, f"{helper:.0f} MB beside it")


def main() -> None:
    """Make a lake, list it."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as home:
        folder = Path(sys.argv[2] if len(sys.argv) > 2 else home)
        if not (folder / EXCHANGES).is_dir():
            many(LakePlace(str(folder)), count)
        for row in listed(folder, count):
            print(row, flush=True)


if __name__ == "__main__":
    main()
