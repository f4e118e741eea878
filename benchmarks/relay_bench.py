"""The capture proxy beside a bare asyncio byte relay and mitmproxy (streaming, recording), in one run.

The proxy under test is pinned to one core with everything it starts, the load to another. Each figure is the median
of several rounds, in which the subjects take turns; what counts is the ratio, not the machine.

``python -m benchmarks.relay_bench [--quick] [--mitmdump PATH]``
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.own_environment import command_of

_PROXY_CORE, _LOAD_CORE = 1, 0
_TICKS = os.sysconf("SC_CLK_TCK")
_ROOT = Path(__file__).resolve().parent.parent


#: Something that goes on beside a subject; given the folder of its recording.
Beside = Callable[[Path], contextlib.AbstractContextManager[None]] | None


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison: a ratio (median, and its spread over the rounds) against its target."""

    name: str
    ratio: float
    low: float
    high: float
    target: str
    met: bool
    detail: str


@dataclass
class Samples:
    """What each subject measured, round by round."""

    by_subject: dict[str, list[dict[str, float]]] = field(default_factory=dict)

    def add(self, subject: str, found: dict[str, float]) -> None:
        """One round's result."""
        self.by_subject.setdefault(subject, []).append(found)

    def values(self, subject: str, key: str) -> list[float]:
        """One figure of all rounds."""
        return [found[key] for found in self.by_subject[subject]]

    def median(self, subject: str, key: str) -> float:
        """Its median."""
        return statistics.median(self.values(subject, key))


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.05)
    raise RuntimeError(f"nothing listens on {port}")


def _command(subject: str, upstream: int, folder: Path, mitmdump: str) -> tuple[list[str], int]:
    """The command that runs a subject, and its port (0: it prints one)."""
    if subject == "relay":
        return [sys.executable, "-m", "benchmarks.bare_relay", str(upstream)], 0
    if subject in ("streamlab", "mending"):
        code = "from streamlab.cli import main; main()"
        options = ["--upstream", f"http://127.0.0.1:{upstream}/v1", "--listen", "127.0.0.1:0"]
        return [sys.executable, "-c", code, "record", *options, "--db", str(folder / "bench.db")] + (
            ["--normalize"] if subject == "mending" else []
        ), 0
    port = _free_port()
    settings = ("stream_large_bodies=1", "store_streamed_bodies=true", "connection_strategy=lazy")
    options = ["--mode", f"reverse:http://127.0.0.1:{upstream}", "-p", str(port), "-q", "-w", str(folder / "flows")]
    return [mitmdump, *options, *[part for setting in settings for part in ("--set", setting)]], port


@contextlib.contextmanager
def _running(
    subject: str, upstream: int, mitmdump: str, beside: Beside = None, pinned: bool = True
) -> Iterator[tuple[int, int]]:
    """A subject on the proxy core; gives its port and process id (0 when there is no proxy). ``beside`` is given the
    folder of its recording, and what it returns goes on as long as the subject runs."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with (
            _proxy(subject, upstream, folder, mitmdump, pinned) as found,
            beside(folder) if beside else contextlib.nullcontext(),
        ):
            yield found


@contextlib.contextmanager
def _proxy(subject: str, upstream: int, folder: Path, mitmdump: str, pinned: bool) -> Iterator[tuple[int, int]]:
    if subject == "direct":
        yield upstream, 0
    else:
        command, port = _command(subject, upstream, folder, mitmdump)
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=_ROOT,
            preexec_fn=(lambda: os.sched_setaffinity(0, {_PROXY_CORE})) if pinned else None,
        )
        assert process.stdout is not None
        try:
            if port:
                _wait_for(port)
            else:
                port = int(process.stdout.readline().decode().rsplit(":", 1)[-1].split("/")[0])
            yield port, process.pid
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            process.stdout.close()


def _tree(pid: int) -> list[int]:
    if not pid:
        return []
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *[other for child in children for other in _tree(int(child))]]


def _cpu_seconds(pid: int) -> float:
    ticks = 0
    for process in _tree(pid):
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / _TICKS


def _resident_mb(pid: int) -> float:
    """Resident memory of the whole family, shared pages counted once in each that maps them."""
    pages = sum(int(Path(f"/proc/{process}/statm").read_text().split()[1]) for process in _tree(pid))
    return pages * os.sysconf("SC_PAGESIZE") / 2**20


def _settled_cpu(pid: int) -> float:
    """CPU time once a recorder has worked off what it still had."""
    before = -1.0
    while (now := _cpu_seconds(pid)) != before:
        before = now
        time.sleep(0.1)
    return before


def measure(
    subject: str, mitmdump: str, kind: str, beside: Beside = None, *, pinned: bool = True, **load: float | str
) -> dict[str, float]:
    """One round of one load through one subject (relay, streamlab, mending, mitmproxy, or direct). ``load`` are options
    of `relay_load`; ``like`` says what the streams have in them (`load_kinds.KINDS`)."""
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listener:
        upstream = int(listener.getsockname()[1])
        with _running(subject, upstream, mitmdump, beside, pinned) as (port, pid):
            time.sleep(0.3)
            before = _settled_cpu(pid)
            options = [part for name, value in load.items() for part in (f"--{name.replace('_', '-')}", str(value))]
            command = [sys.executable, "-m", "benchmarks.relay_load", kind, "--fd", str(listener.fileno())]
            result = subprocess.run(
                [*command, "--port", str(port), "--core", str(_LOAD_CORE if pinned else -1), *options],
                pass_fds=(listener.fileno(),),
                capture_output=True,
                check=True,
                cwd=_ROOT,
                timeout=600,
            )
            found: dict[str, float] = json.loads(result.stdout)
            found["cpu"] = _settled_cpu(pid) - before
            found["resident_mb"] = _resident_mb(pid)
            return found


def _rounds(rounds: int, subjects: tuple[str, ...], mitmdump: str, kind: str, **load: float) -> Samples:
    samples = Samples()
    for number in range(rounds):
        for subject in subjects:
            found = measure(subject, mitmdump, kind, **load)
            samples.add(subject, found)
            print(f"  {kind} {number + 1}/{rounds} {subject}: {_short(found)}", file=sys.stderr, flush=True)
    return samples


def _short(found: dict[str, float]) -> str:
    return ", ".join(f"{key} {value:,.2f}" for key, value in found.items())


def _row(name: str, tops: list[float], bottoms: list[float], limit: float, *, at_least: bool, detail: str) -> Row:
    """``tops`` over ``bottoms``: the ratio of the medians, and its extremes round by round."""
    ratio = statistics.median(tops) / statistics.median(bottoms)
    each = [top / bottom for top, bottom in zip(tops, bottoms, strict=True)]
    met = ratio >= limit if at_least else ratio <= limit
    return Row(name, ratio, min(each), max(each), f"{'at least' if at_least else 'at most'} {limit:g}", met, detail)


def _burst_rows(samples: Samples, count: int) -> list[Row]:
    ours, theirs = samples.values("streamlab", "rate"), samples.values("mitmproxy", "rate")
    relay, cpu, their_cpu = (
        samples.median("relay", "rate"),
        samples.values("streamlab", "cpu"),
        samples.values("mitmproxy", "cpu"),
    )
    rates = f"{statistics.median(ours):,.0f} chunks/s; mitmproxy {statistics.median(theirs):,.0f}; relay {relay:,.0f}"
    per = [1e6 * statistics.median(values) / count for values in (cpu, their_cpu)]
    return [
        _row("burst: rate over mitmproxy's", ours, theirs, 6, at_least=True, detail=rates),
        _row(
            "burst: CPU a chunk over mitmproxy's",
            cpu,
            their_cpu,
            0.5,
            at_least=False,
            detail=f"{per[0]:.2f} µs a chunk (relay and writer together); mitmproxy {per[1]:.2f}",
        ),
    ]


def _paced_rows(samples: Samples) -> list[Row]:
    direct = samples.median("direct", "p99_ms")

    def added(subject: str) -> list[float]:
        return [max(value - direct, 0.001) for value in samples.values(subject, "p99_ms")]

    medians = {subject: statistics.median(added(subject)) for subject in ("streamlab", "relay", "mitmproxy")}
    detail = "added p99 " + "; ".join(f"{subject} {value:.2f} ms" for subject, value in medians.items())
    firsts = {subject: samples.median(subject, "first_ms") for subject in ("streamlab", "relay", "mitmproxy", "direct")}
    cpu = {
        subject: [1e6 * found["cpu"] / found["chunks"] for found in samples.by_subject[subject]]
        for subject in ("streamlab", "mitmproxy", "relay")
    }
    per = "; ".join(f"{subject} {statistics.median(values):.1f} µs" for subject, values in cpu.items())
    return [
        _row(
            "200 paced: added p99 over the relay's",
            added("streamlab"),
            added("relay"),
            4,
            at_least=False,
            detail=detail,
        ),
        _row(
            "200 paced: added p99 over mitmproxy's",
            added("streamlab"),
            added("mitmproxy"),
            0.05,
            at_least=False,
            detail=detail,
        ),
        _row(
            "200 paced: time to first chunk over the relay's",
            samples.values("streamlab", "first_ms"),
            samples.values("relay", "first_ms"),
            2,
            at_least=False,
            detail="; ".join(f"{subject} {value:.2f} ms" for subject, value in firsts.items()),
        ),
        _row(
            "200 paced: CPU a chunk over mitmproxy's",
            cpu["streamlab"],
            cpu["mitmproxy"],
            0.5,
            at_least=False,
            detail=per,
        ),
    ]


def _thousand_rows(samples: Samples) -> list[Row]:
    ours, relay = samples.values("streamlab", "rate"), samples.values("relay", "rate")
    whole = min(samples.values("streamlab", "complete"))
    row = _row(
        "1,000 paced: rate over the relay's",
        ours,
        relay,
        0.9,
        at_least=True,
        detail=f"{100 * whole:.1f} % of chunks complete and byte-exact; p99 {samples.median('streamlab', 'p99_ms'):.1f}"
        f" ms, relay {samples.median('relay', 'p99_ms'):.1f} ms",
    )
    return [Row(row.name, row.ratio, row.low, row.high, row.target, row.met and whole == 1.0, row.detail)]


def _repairing_row(samples: Samples) -> Row:
    """Not a ratio: what mending adds, in milliseconds of p99, round by round."""
    added = [
        repaired - plain
        for repaired, plain in zip(
            samples.values("mending", "p99_ms"), samples.values("streamlab", "p99_ms"), strict=True
        )
    ]
    cpu = {
        subject: statistics.median(1e6 * one["cpu"] / one["chunks"] for one in samples.by_subject[subject])
        for subject in ("streamlab", "mending")
    }
    whole = min(samples.values("mending", "complete"))
    median = statistics.median(added)
    detail = "; ".join(
        f"{subject} p99 {samples.median(subject, 'p99_ms'):.2f} ms, {cpu[subject]:.1f} µs CPU a chunk"
        for subject in cpu
    )
    return Row(
        "100 paced, mended: p99 over plain recording, ms",
        median,
        min(added),
        max(added),
        "at most 1",
        median <= 1.0 and whole == 1.0,
        detail,
    )


def _hour_row(quick: bool) -> Row:
    """An hour at 50 chunks a second, played forty times as fast: resident memory late over early."""
    from threading import Thread

    chunks = 30_000 if quick else 180_000
    sampled: list[float] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        upstream = int(listener.getsockname()[1])
        with _running("streamlab", upstream, "") as (port, pid):
            command = [sys.executable, "-m", "benchmarks.relay_load", "paced", "--fd", str(listener.fileno())]
            load = ["--streams", "1", "--gap", "0.0005", "--seconds", str(chunks * 0.0005)]
            process = subprocess.Popen(
                [*command, "--port", str(port), "--core", str(_LOAD_CORE), *load],
                pass_fds=(listener.fileno(),),
                stdout=subprocess.PIPE,
                cwd=_ROOT,
            )
            watcher = Thread(target=process.wait)
            watcher.start()
            while watcher.is_alive():
                sampled.append(_resident_mb(pid))
                watcher.join(0.5)
            assert process.stdout is not None
            complete = json.loads(process.stdout.read())["complete"]
            process.stdout.close()
    early = statistics.median(sampled[len(sampled) // 4 : len(sampled) // 2])
    late = max(sampled[len(sampled) // 2 :])
    detail = f"{chunks:,} chunks; {early:.1f} MB, later at most {late:.1f} MB; complete {complete:.3f}"
    met = late / early <= 1.1 and complete == 1.0
    return Row(
        "an hour's stream: memory late over early", late / early, late / early, late / early, "at most 1.1", met, detail
    )


def run(*, quick: bool = False, mitmdump: str | None = None) -> list[Row]:
    """All comparisons; needs two cores and mitmproxy. Raises RuntimeError when either is missing."""
    found = mitmdump or command_of("mitmproxy", "mitmdump")
    if found is None:
        raise RuntimeError("mitmproxy could not be installed; --mitmdump says where it is")
    if len(os.sched_getaffinity(0)) < 2:
        raise RuntimeError("the load and the proxy need a core each")
    rounds, subjects = (1 if quick else 5), ("relay", "streamlab", "mitmproxy")
    count = 32_000 if quick else 100_000
    rows = _burst_rows(_rounds(rounds, ("direct", *subjects), found, "burst", count=count), count)
    seconds = 2.0 if quick else 5.0
    rows += _paced_rows(_rounds(rounds, ("direct", *subjects), found, "paced", streams=200, gap=0.02, seconds=seconds))
    thousand = _rounds(rounds, ("relay", "streamlab"), found, "paced", streams=1000, gap=0.2, seconds=2 * seconds)
    hundred = _rounds(rounds, ("streamlab", "mending"), found, "paced", streams=100, gap=0.02, seconds=seconds)
    return [*rows, *_thousand_rows(thousand), _repairing_row(hundred), _hour_row(quick)]


def finish(rows: list[Row]) -> None:
    """Print the rows and end the program: with 1 when a target is missed."""
    for row in rows:
        mark = "ok  " if row.met else "MISS"
        print(f"{mark} {row.name}: {row.ratio:.2f} ({row.low:.2f}-{row.high:.2f}; {row.target})  [{row.detail}]")
    sys.exit(0 if all(row.met for row in rows) else 1)


def main() -> None:
    """Print the comparisons; exit 1 when a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round, smaller loads")
    parser.add_argument("--mitmdump", help="where mitmdump is; else it is installed")
    options = parser.parse_args()
    rows = run(quick=options.quick, mitmdump=options.mitmdump)
    finish(rows)


if __name__ == "__main__":
    main()
