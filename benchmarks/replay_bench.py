"""How exactly a replay keeps the recorded times, beside a server that sleeps between chunks, in one run.

Both servers play the same 200 chunks, 3 to 17 ms apart, to one client and to a hundred at once. The client runs on
another core and notes when each chunk arrived; the error is arrival minus (first byte of the request plus recorded
offset), so it holds everything: the server's lateness, the kernel's, the client's own. Then the replay alone plays to a
thousand streams some 17,000 chunks a second, and to fifty as fast as it can (``--speed 0``).

``python -m benchmarks.replay_bench [--quick]``
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import selectors
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.relay_bench import Row

_CHUNKS, _STREAMS = 200, 100
_CROWD, _CROWD_APART_US = 1000, (29_000, 89_000)
_AT_ONCE, _TIMES = 50, 20
_SIZE = 40
_REQUEST = b"POST /@bench/v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\n\r\n{}"
_SERVER_CORE, _CLIENT_CORE = 1, 0


def offsets_us(apart: tuple[int, int] = (3_000, 17_000)) -> list[int]:
    """When each chunk is due after the request, the same in every run."""
    chance, at, found = random.Random(7), 20_000, []
    for _ in range(_CHUNKS):
        found.append(at)
        at += chance.randint(*apart)
    return found


def _chunk(number: int) -> bytes:
    return b"data: %05d %s\n\n" % (number, b"." * (_SIZE - 14))


# -- the servers -----------------------------------------------------------------------------------------------------


async def sleeping_server() -> None:
    """What one would write first: sleep for the gap, write the chunk."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"{}")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        before = 0
        for number, offset in enumerate(offsets_us()):
            await asyncio.sleep((offset - before) / 1e6)
            before = offset
            writer.write(b"%x\r\n%s\r\n" % (_SIZE, _chunk(number)))
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=256)
    print(f"OPENAI_BASE_URL=http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", flush=True)
    await server.serve_forever()


def _write_fixture(home: Path, offsets: Sequence[int]) -> None:
    home.mkdir(parents=True)
    (home / "body.sse").write_bytes(b"".join(map(_chunk, range(_CHUNKS))))
    meta = {
        "format": "streamlab.exchange/1",
        "request": None,
        "response": {
            "status": 200,
            "headers": [["Content-Type", "text/event-stream"], ["Transfer-Encoding", "chunked"]],
            "head_us": 0,
        },
        "segments": [[offset, _SIZE] for offset in offsets],
        "end_us": offsets[-1],
        "ending": "complete",
    }
    (home / "exchange.json").write_text(json.dumps(meta))


@dataclass(frozen=True, slots=True)
class _Server:
    port: int
    pid: int

    @property
    def cpu_s(self) -> float:
        """Seconds of CPU it has taken."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def _serving(kind: str, folder: Path, *options: str) -> Iterator[_Server]:
    """A server in a process and on a core of its own."""
    if kind == "replay":
        arguments = ["-m", "streamlab", "replay", str(folder / "bench"), "--listen", "127.0.0.1:0", *options]
    else:
        arguments = ["-m", "benchmarks.replay_bench", "--sleeping-server"]
    process = subprocess.Popen(
        ["taskset", "-c", str(_SERVER_CORE), sys.executable, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield _Server(int(process.stdout.readline().rsplit(":", 1)[1].split("/")[0]), process.pid)
    finally:
        process.terminate()
        process.communicate(timeout=10)


# -- the client ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Measured:
    """Errors in microseconds, those of first chunks alone, and how much later a stream's last came than its first."""

    errors_us: list[float]
    first_us: list[float]
    drift_us: list[float]


def measure(port: int, streams: int, due: Sequence[int]) -> Measured:
    """Ask for so many streams, started 7 ms apart, and time every chunk."""
    selector = selectors.DefaultSelector()
    errors: list[float] = []
    first: list[float] = []
    drift: list[float] = []
    waiting, open_streams, next_start = streams, 0, time.monotonic_ns()
    while waiting or open_streams:
        now = time.monotonic_ns()
        if waiting and now >= next_start:
            _start(selector, port)
            waiting, open_streams, next_start = waiting - 1, open_streams + 1, next_start + 7_000_000
        for key, _ in selector.select(0.001 if waiting else None):
            arrived = time.monotonic_ns()
            state = key.data
            data = key.fileobj.recv(65536)  # type: ignore[union-attr]
            state["seen"] += data.count(b"data: ")
            while len(state["errors"]) < state["seen"]:
                at = len(state["errors"])
                state["errors"].append((arrived - state["zero"]) / 1000 - due[at])
            if not data or data.endswith(b"0\r\n\r\n"):
                errors += state["errors"]
                first.append(state["errors"][0])
                drift.append(state["errors"][-1] - state["errors"][0])
                selector.unregister(key.fileobj)
                key.fileobj.close()  # type: ignore[union-attr]
                open_streams -= 1
    if len(errors) != streams * _CHUNKS:
        raise RuntimeError(f"{len(errors)} chunks arrived of {streams * _CHUNKS}")
    return Measured(errors, first, drift)


def _start(selector: selectors.DefaultSelector, port: int) -> None:
    sock = socket.create_connection(("127.0.0.1", port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    zero = time.monotonic_ns()
    sock.sendall(_REQUEST)
    selector.register(sock, selectors.EVENT_READ, {"zero": zero, "seen": 0, "errors": []})


# -- the comparison --------------------------------------------------------------------------------------------------


def _percentile(values: Sequence[float], percent: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def run(*, quick: bool = False) -> list[Row]:
    """One stream, and a hundred at once: error against sleeping, drift, and the earliest chunk."""
    if len(os.sched_getaffinity(0)) < 2:
        raise RuntimeError("the server and the client need a core each")
    rows: list[Row] = []
    everything: list[Measured] = []
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {_CLIENT_CORE})
    try:
        with tempfile.TemporaryDirectory(prefix="streamlab-bench-") as folder:
            rounds = 1 if quick else 5
            _write_fixture(Path(folder) / "bench", offsets_us())
            for streams in (1, _STREAMS):
                found = _rounds(Path(folder), streams, rounds)
                rows.append(_error_row(streams, found))
                everything += found["replay"]
            rows.append(_first_row(found["replay"]))
            rows.append(_rate_row(Path(folder), rounds))
            _write_fixture(Path(folder) / "crowd" / "bench", offsets_us(_CROWD_APART_US))
            rows.append(_crowd_row(Path(folder) / "crowd", 1 if quick else 3))
    finally:
        os.sched_setaffinity(0, before)
    return [*rows, _drift_row(everything), _early_row(everything)]


def _rounds(folder: Path, streams: int, rounds: int) -> dict[str, list[Measured]]:
    found: dict[str, list[Measured]] = {"replay": [], "sleeping": []}
    for _ in range(rounds):
        for kind, measured in found.items():
            with _serving(kind, folder) as server:
                measured.append(measure(server.port, streams, offsets_us()))
    return found


def _error_row(streams: int, found: dict[str, list[Measured]]) -> Row:
    tails = {kind: [_percentile(one.errors_us, 99) for one in rounds] for kind, rounds in found.items()}
    middles = {kind: statistics.median(_percentile(one.errors_us, 50) for one in all_) for kind, all_ in found.items()}
    ratios = [ours / theirs for ours, theirs in zip(tails["replay"], tails["sleeping"], strict=True)]
    ratio = statistics.median(ratios)
    detail = "; ".join(
        f"{kind} p50 {middles[kind] / 1000:.3f} ms, p99 {statistics.median(tails[kind]) / 1000:.3f} ms"
        for kind in ("replay", "sleeping")
    )
    name = f"timing error p99 against sleeping, {streams} stream{'s' if streams > 1 else ''}"
    return Row(name, ratio, min(ratios), max(ratios), "<= 0.25", ratio <= 0.25, detail)


def _first_row(measured: list[Measured]) -> Row:
    middles = [statistics.median(one.first_us) / 1000 for one in measured]
    middle = statistics.median(middles)
    detail = f"median over {_STREAMS} streams at once, in each round"
    return Row("ms of the first chunk's error", middle, min(middles), max(middles), "<= 0.1", middle <= 0.1, detail)


def _crowd_row(folder: Path, rounds: int) -> Row:
    tails, busy = [], []
    due = offsets_us(_CROWD_APART_US)
    for _ in range(rounds):
        with _serving("replay", folder) as server:
            tails.append(_percentile(measure(server.port, _CROWD, due).errors_us, 99) / 1000)
            busy.append(server.cpu_s * 1e6 / _CROWD / _CHUNKS)
    tail = statistics.median(tails)
    detail = f"{_CROWD} streams started 7 ms apart; {statistics.median(busy):.1f} µs of CPU a chunk"
    return Row("ms of error p99 of a thousand streams", tail, min(tails), max(tails), "<= 2", tail <= 2, detail)


def _rate_row(folder: Path, rounds: int) -> Row:
    rates = []
    for _ in range(rounds):
        with _serving("replay", folder, "--speed", "0") as server:
            before = server.cpu_s
            for _ in range(_TIMES):
                measure_at_once(server.port)
            rates.append(_TIMES * _AT_ONCE * _CHUNKS / (server.cpu_s - before))
    rate = statistics.median(rates)
    detail = "chunks over the server's seconds of CPU, requests included"
    return Row(
        "chunks a second of one core at once", rate, min(rates), max(rates), ">= 150000", rate >= 150_000, detail
    )


def measure_at_once(port: int) -> None:
    """Ask for streams at the same time and read each to its end."""
    selector = selectors.DefaultSelector()
    for _ in range(_AT_ONCE):
        _start(selector, port)
    left = _AT_ONCE
    while left:
        for key, _ in selector.select():
            data = key.fileobj.recv(65536)  # type: ignore[union-attr]
            if not data or data.endswith(b"0\r\n\r\n"):
                selector.unregister(key.fileobj)
                key.fileobj.close()  # type: ignore[union-attr]
                left -= 1


def _drift_row(measured: list[Measured]) -> Row:
    drifts = [one / 1000 for found in measured for one in found.drift_us]
    middle = statistics.median(drifts)
    detail = f"median over {len(drifts)} streams of last chunk's error minus first one's"
    low, high = _percentile(drifts, 5), _percentile(drifts, 95)
    return Row(f"ms of drift over {_CHUNKS} chunks", middle, low, high, "< 0.5", abs(middle) < 0.5, detail)


def _early_row(measured: list[Measured]) -> Row:
    earliest = min(min(found.errors_us) for found in measured) / 1000
    late = _percentile([one / 1000 for found in measured for one in found.errors_us], 99)
    return Row("ms of the earliest chunk", earliest, earliest, late, ">= -0.2", earliest >= -0.2, "high is the p99")


def main() -> None:
    """Print the comparison; exit 1 when a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round")
    parser.add_argument("--sleeping-server", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.sleeping_server:
        asyncio.run(sleeping_server())
    rows = run(quick=options.quick)
    for row in rows:
        mark = "ok  " if row.met else "MISS"
        print(f"{mark} {row.name}: {row.ratio:.3f} ({row.low:.3f}-{row.high:.3f}; {row.target})  [{row.detail}]")
    sys.exit(0 if all(row.met for row in rows) else 1)


if __name__ == "__main__":
    main()
