"""How exactly a replay keeps the recorded times, beside a server that sleeps between chunks, in one run.

Both servers play the same 200 chunks, 3 to 17 ms apart, to one client and to a hundred at once. The client runs on
another core and notes when each chunk arrived; the error is arrival minus (first byte of the request plus recorded
offset), so it holds everything: the server's lateness, the kernel's, the client's own.

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
_SIZE = 40
_REQUEST = b"POST /@bench/v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\n\r\n{}"
_SERVER_CORE, _CLIENT_CORE = 1, 0


def offsets_us() -> list[int]:
    """When each chunk is due after the request, the same in every run."""
    chance, at, found = random.Random(7), 20_000, []
    for _ in range(_CHUNKS):
        found.append(at)
        at += chance.randint(3_000, 17_000)
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


def _write_fixture(home: Path) -> None:
    home.mkdir(parents=True)
    offsets = offsets_us()
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


@contextlib.contextmanager
def _serving(kind: str, folder: Path) -> Iterator[int]:
    """A server in a process and on a core of its own; its port."""
    if kind == "replay":
        arguments = ["-m", "streamlab", "replay", str(folder / "bench"), "--listen", "127.0.0.1:0"]
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
        yield int(process.stdout.readline().rsplit(":", 1)[1].split("/")[0])
    finally:
        process.terminate()
        process.communicate(timeout=10)


# -- the client ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Measured:
    """Errors in microseconds, and by how much the last chunk of each stream came later than its first."""

    errors_us: list[float]
    drift_us: list[float]


def measure(port: int, streams: int) -> Measured:
    """Ask for so many streams, started 7 ms apart, and time every chunk."""
    due = offsets_us()
    selector = selectors.DefaultSelector()
    errors: list[float] = []
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
                drift.append(state["errors"][-1] - state["errors"][0])
                selector.unregister(key.fileobj)
                key.fileobj.close()  # type: ignore[union-attr]
                open_streams -= 1
    if len(errors) != streams * _CHUNKS:
        raise RuntimeError(f"{len(errors)} chunks arrived of {streams * _CHUNKS}")
    return Measured(errors, drift)


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
            _write_fixture(Path(folder) / "bench")
            for streams in (1, _STREAMS):
                found = _rounds(Path(folder), streams, 1 if quick else 5)
                rows.append(_error_row(streams, found))
                everything += found["replay"]
    finally:
        os.sched_setaffinity(0, before)
    return [*rows, _drift_row(everything), _early_row(everything)]


def _rounds(folder: Path, streams: int, rounds: int) -> dict[str, list[Measured]]:
    found: dict[str, list[Measured]] = {"replay": [], "sleeping": []}
    for _ in range(rounds):
        for kind, measured in found.items():
            with _serving(kind, folder) as port:
                measured.append(measure(port, streams))
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
