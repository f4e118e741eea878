"""Whether a recorder that runs on stays as it is: 200 streams for half an hour, whose connections come and go.

``python -m benchmarks.soak_bench [--minutes N] [--streams N]`` prints a line a minute (descriptors, memory of the relay
and of the writer, how far the database is behind) and compares the last third with the first after the ramp. Each
stream has 20 to 100 events, five a second; of every twentieth the client leaves in the middle.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import shutil
import sqlite3
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from benchmarks.load_bench import Recorder, started_recorder, started_upstream, stored
from benchmarks.load_traffic import PacedClients, checksum
from benchmarks.relay_bench import Row, finish

_GAP = 0.2
_SAMPLE_SECONDS = 5.0
_PAGES = os.sysconf("SC_PAGESIZE") / 2**20


class Sample(NamedTuple):
    """What was seen at one time; megabytes without what the shared memory takes, seconds behind."""

    descriptors: int
    relay_mb: float
    writer_mb: float
    behind: float


def _sample(found: Recorder) -> Sample:
    relay, writer = found.process.pid, found.writer
    descriptors = sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in (relay, writer))
    return Sample(descriptors, _private_mb(relay), _private_mb(writer), _behind(found.db))


def _private_mb(pid: int) -> float:
    fields = Path(f"/proc/{pid}/statm").read_text().split()
    return (int(fields[1]) - int(fields[2])) * _PAGES


def _behind(db: Path) -> float:
    """How old the newest row is, of those written last, which may be of an exchange that was packed; 0 while there is
    none."""
    with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(db)) as connection:
        row = connection.execute(
            "SELECT max((julianday(e.started_at) - 2440587.5) * 86400 + s.offset_us / 1e6)"
            " FROM (SELECT * FROM segments ORDER BY rowid DESC LIMIT 1000) s JOIN exchanges e ON e.id = s.exchange_id"
        ).fetchone()
        return max(0.0, time.time() - row[0]) if row[0] is not None else 0.0
    return 0.0


def _paths(until: float, seed: random.Random) -> Iterator[str]:
    while time.monotonic() < until:
        yield f"/stream/{seed.randint(20, 100)}/{_GAP}"


def _missing(db: Path, finished: list[str]) -> int:
    """Bytes of streams that clients had whole and the database has not."""
    known = {path: checksum(path) for path in set(finished)}
    rows = stored(db).values()
    found = Counter(path for path, size, crc, end, _ in rows if end == "complete" and (size, crc) == known.get(path))
    return sum(known[path][0] * max(0, count - found[path]) for path, count in Counter(finished).items())


def _row(name: str, samples: list[Sample], allowed: float, unit: str) -> Row:
    """The last third beside the second tenth, when every stream has begun; ``allowed`` is how much more is flat."""
    values = [float(getattr(one, name)) for one in samples]
    early = statistics.median(values[len(values) // 10 : max(len(values) // 4, len(values) // 10 + 1)])
    late = statistics.median(values[-max(1, len(values) // 3) :])
    detail = f"{early:.1f} {unit}, later {late:.1f}; at most {max(values):.1f}"
    return Row(
        f"{name}: later less early, {unit}", late - early, early, late, f"{allowed:g}", late - early <= allowed, detail
    )


def run(*, quick: bool = False, minutes: float = 30.0, streams: int = 200) -> list[Row]:
    """A row for descriptors, memory and lag each, and one for what is missing."""
    seconds = 30.0 if quick else minutes * 60
    folder = Path(tempfile.mkdtemp(prefix="soak-"))
    samples: list[Sample] = []
    try:
        with started_upstream() as port, started_recorder(port, folder) as found:
            clients = PacedClients(found.port, _paths(time.monotonic() + seconds, random.Random(16)), streams, leave=20)
            clients.start()
            began = said = time.monotonic()
            while time.monotonic() - began < seconds:
                time.sleep(_SAMPLE_SECONDS)
                samples.append(_sample(found))
                if time.monotonic() - said >= 60:
                    said = time.monotonic()
                    print(f"{(said - began) / 60:.0f} min: {samples[-1]}", file=sys.stderr, flush=True)
            clients.join()
            code, stopping = found.stop()
        missing = _missing(found.db, clients.finished)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    detail = f"{clients.opened} connections, {clients.left} left by their clients, {clients.cut} cut; "
    detail += f"{clients.received / 2**20:.0f} MiB; exit {code}, stopped in {stopping:.1f} s"
    rows = [_row("descriptors", samples, 10, "open"), _row("relay_mb", samples, 5, "MB")]
    rows += [_row("writer_mb", samples, 5, "MB"), _row("behind", samples, 1, "s")]
    whole = not missing and not clients.cut and code == 0
    return [*rows, Row(f"{seconds / 60:.1f} min: bytes lost", missing, 0, missing, "0", whole, detail)]


def main() -> None:
    """Print the rows; exit 1 when something grew or was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--streams", type=int, default=200)
    options = parser.parse_args()
    finish(run(minutes=options.minutes, streams=options.streams))


if __name__ == "__main__":
    main()
