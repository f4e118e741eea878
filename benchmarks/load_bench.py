"""Whether the recorder keeps everything: beside busy processors, behind a writer that stands still, and after kill -9.

``python -m benchmarks load``; ``python -m benchmarks.load_bench [--quick] [NAME...]`` runs some scenarios: hogs, core,
stopped, lag, kill.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.load_traffic import Client, PacedClients, checksum
from benchmarks.relay_bench import Row, finish
from streamlab.storage.capture_db import CaptureDB

_ROOT = Path(__file__).resolve().parent.parent
_HOG = "while True: pass"
#: Runs `record` with a shared memory of this many MiB, so that a small load reaches the disk.
_SMALL_MEMORY = """
import sys
from pathlib import Path
from streamlab.workflows import record as recording
from streamlab.servers.access import Access
from streamlab.storage.frames import Layout
upstream, db, size = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
bound = recording.listeners(recording.hops(upstream, "127.0.0.1:0", (), None), allow_remote=False)
say = lambda: print(recording.base_url(bound[0], Access()), flush=True)
warn = lambda text: print("warning:", text, file=sys.stderr, flush=True)
layout = Layout(block=256 * 1024, blocks=max(4, size * 4), file_blocks=8)
sys.exit(recording.record(bound, db, announce=say, warn=warn, layout=layout))
"""


@dataclass
class Recorder:
    """`streamlab record` in a process of its own."""

    process: subprocess.Popen[str]
    port: int
    db: Path
    errors: Path

    @property
    def writer(self) -> int:
        """The process id of its writer."""
        pid = self.process.pid
        return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])

    def spooled(self) -> int:
        """Bytes of spool files."""
        sizes = []
        for path in self.db.parent.glob(f"{self.db.name}-spool-*"):
            with contextlib.suppress(OSError):
                sizes.append(path.stat().st_size)
        return sum(sizes)

    def stop(self) -> tuple[int, float]:
        """The exit code, and how long the end took."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(300), time.monotonic() - began


@contextlib.contextmanager
def started_upstream() -> Iterator[int]:
    """The port of an upstream in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.load_traffic", "upstream"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=_ROOT)
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@contextlib.contextmanager
def _hogs(count: int) -> Iterator[None]:
    processes = [subprocess.Popen([sys.executable, "-c", _HOG]) for _ in range(count)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


@contextlib.contextmanager
def started_recorder(
    upstream: int, folder: Path, *, cores: Sequence[int] = (), memory_mb: int = 64
) -> Iterator[Recorder]:
    db, errors = folder / "load.db", folder / "stderr"
    command = [sys.executable, "-c", _SMALL_MEMORY, f"http://127.0.0.1:{upstream}", str(db), str(memory_mb)]
    if memory_mb == 64:
        program = "from streamlab.cli import main; main()"
        options = ["--upstream", f"http://127.0.0.1:{upstream}", "--listen", "127.0.0.1:0", "--db", str(db)]
        command = [sys.executable, "-c", program, "record", *options]
    pin = (lambda: os.sched_setaffinity(0, set(cores))) if cores else None
    with errors.open("a") as stderr:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, text=True, cwd=_ROOT, preexec_fn=pin)
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line, errors.read_text()
        yield Recorder(process, int(line.rsplit(":", 1)[1].split("/")[0]), db, errors)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        process.stdout.close()


def stored(db: Path) -> dict[int, tuple[str, int, int, str | None, str]]:
    """Of each exchange its path, the length and checksum of its body, its ending, and its notes."""
    found = {}
    with CaptureDB(db) as database:
        for number, url, ending, notes in database.query("SELECT id, url, ending, notes FROM exchanges"):
            size = crc = 0
            for one in database.get(number).segments:
                size, crc = size + len(one.data), zlib.crc32(one.data, crc)
            found[number] = ("/" + url.split("/", 3)[3], size, crc, ending, notes)
        assert [tuple(row) for row in database.query("PRAGMA integrity_check")] == [("ok",)]
    return found


def lost(db: Path, paths: Sequence[str]) -> int:
    """Bytes of these answers that are missing, not as sent, or noted as lost."""
    known = {path: checksum(path) for path in set(paths)}
    missing = sum(known[path][0] for path in paths)
    for path, size, crc, ending, notes in stored(db).values():
        if (size, crc) == known[path] and ending == "complete" and "recording" not in notes:
            missing -= size
    return missing


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one run went."""

    lost: int
    code: int
    seconds: float
    stopping: float
    spooled: int
    noisy: str
    longest_gap: float


def _traffic(recorder: Recorder, paths: Sequence[str], while_running: Callable[[], None]) -> tuple[float, float]:
    """How long it took, and the longest silence of a client."""
    paced = [path for path in paths if path.startswith("/stream") and not path.endswith("/0")]
    clients: list[Client | PacedClients] = [Client(recorder.port, path) for path in paths if path not in set(paced)]
    if paced:
        clients.append(PacedClients(recorder.port, paced, len(paced)))
    began = time.monotonic()
    for client in clients:
        client.start()
    while_running()
    for client in clients:
        client.join()
    assert all(client.whole for client in clients), "a client did not get everything"
    return time.monotonic() - began, max(client.longest_gap for client in clients)


def _one(
    paths: Sequence[str],
    folder: Path,
    *,
    hogs: int = 0,
    cores: Sequence[int] = (),
    stops: Sequence[tuple[float, float]] = (),
) -> Outcome:
    """``stops``: after so many seconds, the writer stands still for so many."""
    spooled = 0
    with started_upstream() as upstream, _hogs(hogs), started_recorder(upstream, folder, cores=cores) as recorder:

        def meanwhile() -> None:
            nonlocal spooled
            for before, still in stops:
                time.sleep(before)
                os.kill(recorder.writer, signal.SIGSTOP)
                time.sleep(still)
                spooled = max(spooled, recorder.spooled())
                os.kill(recorder.writer, signal.SIGCONT)

        seconds, gap = _traffic(recorder, paths, meanwhile)
        spooled = max(spooled, recorder.spooled())
        code, stopping = recorder.stop()
        lines = recorder.errors.read_text().splitlines()
        # What was not judged in passing was recorded all the same.
        noisy = "; ".join(line for line in lines if "warning" in line and "not judged" not in line)
    return Outcome(lost(recorder.db, paths), code, seconds, stopping, spooled, noisy, gap)


def _in_folder(work: Callable[[Path], Outcome]) -> Outcome:
    folder = Path(tempfile.mkdtemp(prefix="load-"))
    try:
        return work(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _row(name: str, outcomes: Sequence[Outcome]) -> Row:
    bad = [one for one in outcomes if one.lost or one.code or one.noisy]
    worst = max(outcomes, key=lambda one: one.lost)
    spooled, stopping = max(one.spooled for one in outcomes), max(one.stopping for one in outcomes)
    silence = max(one.longest_gap for one in outcomes)
    detail = f"{len(outcomes) - len(bad)} of {len(outcomes)} runs whole; up to {spooled >> 20} MiB spooled; "
    detail += f"stopped in {stopping:.1f} s; longest silence {silence:.2f} s; {worst.noisy or 'no warning'}"
    share = worst.lost / 2**20
    return Row(f"{name}: MiB lost", share, 0.0, share, "0", not bad, detail)


def hogs(quick: bool) -> list[Row]:
    """A body of 200 MB and 50 fast streams beside two busy loops."""
    paths = ["/body/200000000", *["/stream/4000/0"] * 50]
    runs = [_in_folder(lambda folder: _one(paths, folder, hogs=2)) for _ in range(2 if quick else 10)]
    return [_row("200 MB and 50 fast streams beside two hogs", runs)]


def core(quick: bool) -> list[Row]:
    """A gigabyte at full speed, everything on one core."""
    size = 200_000_000 if quick else 1_000_000_000
    return [
        _row(f"{size // 10**6} MB on one core", [_in_folder(lambda folder: _one([f"/body/{size}"], folder, cores=[1]))])
    ]


def stopped(quick: bool) -> list[Row]:
    """The writer stands still, twice, while a body and fast streams come."""
    still = 4.0 if quick else 20.0
    paths = ["/body/200000000", *["/stream/4000/0"] * 50, *[f"/stream/{int(2.2 * still * 100)}/0.01"] * 20]
    runs = [_in_folder(lambda folder: _one(paths, folder, stops=[(0.3, still), (0.3, still)]))]
    return [_row(f"writer stopped for {still:.0f} s, twice", runs)]


def lag(quick: bool) -> list[Row]:
    """10,000 chunks a second beside two busy loops: how far behind the writer is, and how long the end takes."""
    seconds, folder = (10 if quick else 60), Path(tempfile.mkdtemp(prefix="load-"))
    paths = [f"/stream/{seconds * 50}/0.02"] * 200
    behind = [0.0]
    with started_upstream() as upstream, _hogs(2), started_recorder(upstream, folder) as recorder:

        def meanwhile() -> None:
            time.sleep(seconds - 1)
            behind[0] = _seconds_behind(recorder)

        _traffic(recorder, paths, meanwhile)
        code, stopping = recorder.stop()
    missing = lost(recorder.db, paths)
    shutil.rmtree(folder, ignore_errors=True)
    detail = f"lost {missing} bytes, exit {code}"
    return [
        Row("10,000 chunks/s beside two hogs: s behind", behind[0], behind[0], behind[0], "5", behind[0] <= 5, detail),
        Row(
            "the same: s until it has stopped", stopping, stopping, stopping, "3", stopping <= 3 and not missing, detail
        ),
    ]


def _seconds_behind(recorder: Recorder) -> float:
    """How long ago the newest thing in the database had come."""
    with contextlib.closing(sqlite3.connect(recorder.db)) as connection:
        now = time.time()
        (newest,) = connection.execute(
            "SELECT max((julianday(e.started_at) - 2440587.5) * 86400 + s.offset_us / 1e6)"
            " FROM segments s JOIN exchanges e ON e.id = s.exchange_id"
        ).fetchone()
    return float(now - newest)


def kill(quick: bool) -> list[Row]:
    """kill -9 of the relay, the writer, or both, while blocks lie on disk."""
    seed = random.Random(16)
    rows = []
    for who in ("relay", "writer", "both"):
        rounds = [_killed(who, seed) for _ in range(4 if quick else 20)]
        missing = max(rounds)
        rows.append(
            Row(
                f"kill -9 of {who}: bytes lost",
                missing,
                min(rounds),
                missing,
                "0",
                missing == 0,
                f"{len(rounds)} rounds",
            )
        )
    return rows


def _killed(who: str, seed: random.Random) -> int:
    """One round; how many bytes of what a client had are missing. Of both, those that had not reached the disk are
    allowed to be."""
    folder = Path(tempfile.mkdtemp(prefix="load-"))
    paths = ["/body/40000000", *["/stream/6000/0"] * 4]
    try:
        with started_upstream() as upstream:
            with started_recorder(upstream, folder, memory_mb=16) as recorder:
                clients = [Client(recorder.port, path) for path in paths]
                os.kill(recorder.writer, signal.SIGSTOP)
                for client in clients:
                    client.start()
                time.sleep(seed.uniform(0.1, 0.6))
                writer, relay = recorder.writer, recorder.process
                if seed.random() < 0.5:
                    os.kill(writer, signal.SIGCONT)
                    time.sleep(seed.uniform(0.0, 0.1))
                on_disk = _on_disk(recorder)
                if who in ("relay", "both"):
                    relay.kill()
                if who in ("writer", "both"):
                    os.kill(writer, signal.SIGKILL)
                else:
                    os.kill(writer, signal.SIGCONT)
                if who == "writer":
                    for client in clients:
                        client.join()
                    code, _ = recorder.stop()
                    assert code == 0, (code, recorder.errors.read_text())
                else:
                    relay.wait()
            for client in clients:
                client.join()
            _wait_for_end(writer)
            with started_recorder(upstream, folder, memory_mb=16) as again:
                assert again.stop()[0] == 0, again.errors.read_text()
            assert not again.spooled()
        return _missing(recorder.db, clients, on_disk if who == "both" else None)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _on_disk(recorder: Recorder) -> int:
    with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(recorder.db)) as connection:
        (size,) = connection.execute("SELECT coalesce(sum(length), 0) FROM segments").fetchone()
        return int(size)
    return 0


def _wait_for_end(pid: int) -> None:
    while True:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return
        if state == "Z":
            return
        time.sleep(0.02)


def _missing(db: Path, clients: Sequence[Client], floor: int | None) -> int:
    """Bytes that clients had and the database has not; with a ``floor``, how many fewer than those it has."""
    rows = stored(db)
    by_path: dict[str, list[int]] = {}
    for path, size, crc, _, _ in rows.values():
        by_path.setdefault(path, []).append(size)
        assert _is_beginning(path, size, crc), (path, size)
    total = sum(size for sizes in by_path.values() for size in sizes)
    if floor is not None:
        return max(0, floor - total)
    missing = 0
    for path in {client.path for client in clients}:
        had = sorted(_body_bytes(client) for client in clients if client.path == path)
        has = sorted(by_path.get(path, []))
        has = [0] * (len(had) - len(has)) + has
        missing += sum(max(0, one - other) for one, other in zip(had, has, strict=True))
    return missing


def _body_bytes(client: Client) -> int:
    """Whole events, or bytes of the body, that a client certainly had."""
    if client.path.startswith("/body"):
        head = len(b"HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\n") + len(client.path.split("/")[2])
        return max(0, client.received - head)
    head = len(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
    one = checksum("/stream/1/0")[0]
    return max(0, client.received - head - len(b"0\r\n\r\n")) // (one + 6) * one


def _is_beginning(path: str, size: int, crc: int) -> bool:
    from benchmarks.load_traffic import body

    found, left = 0, size
    for piece in body(path):
        found = zlib.crc32(piece[:left], found)
        left -= len(piece)
        if left <= 0:
            break
    return left <= 0 and found == crc


SCENARIOS = {"hogs": hogs, "core": core, "stopped": stopped, "lag": lag, "kill": kill}


def run(*, quick: bool = False, names: Sequence[str] = ()) -> list[Row]:
    """All scenarios, or those named."""
    return [row for name in names or SCENARIOS for row in SCENARIOS[name](quick)]


def main() -> None:
    """Print the rows; exit 1 when something was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds, smaller loads")
    parser.add_argument("names", nargs="*", choices=[*SCENARIOS, []], metavar="NAME")
    options = parser.parse_args()
    finish(run(quick=options.quick, names=options.names))


if __name__ == "__main__":
    main()
