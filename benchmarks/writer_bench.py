"""What the writer spends on a chunk: CPU from the shared memory to the committed row, the database's own in it.

The frames lie in memory before the writer begins, as after a burst, so nothing but its work is measured. They come from
200 streams in turn, one event a read, and from a few streams of many events a read.

``python -m benchmarks.writer_bench [--quick] [--against CHECKOUT]``; a checkout of another commit, with its
environment in .venv, is measured by turns.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.relay_bench import Row, finish

_ROOT = Path(__file__).resolve().parent.parent
_LIMIT_US = 3.5
_ROUNDS = 5
_FRAMES, _QUICK_FRAMES = 200_000, 40_000
_BLOCKS, _BLOCK = 96, 2 * 1024 * 1024

_REQUEST = b"POST /v1/chat/completions HTTP/1.1\r\nHost: bench\r\nContent-Length: 15\r\n\r\n"
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def _event(number: int) -> bytes:
    data = (
        b'data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1741570283,"model":"bench",'
        b'"service_tier":"default","choices":[{"index":0,"delta":{"content":"tick%d "},"finish_reason":null}]}\n\n'
    ) % number
    return b"%x\r\n%b\r\n" % (len(data), data)


class _Silent:
    """Watches nothing."""

    def changed(self, draft: object) -> None: ...
    def warn(self, message: str) -> None:
        print(message, file=sys.stderr)

    def tick(self) -> bool:
        return False

    def close(self) -> None: ...


def _fill(writer: object, streams: int, frames: int, per_read: int) -> None:
    """The frames of some streams in turn, in the way of a relay."""
    for stream in range(streams):
        writer.opened(stream, 1000, None, "http://127.0.0.1:1")  # type: ignore[attr-defined]
        writer.request(stream, 1000, _REQUEST)  # type: ignore[attr-defined]
        writer.request_body(stream, 1000, b'{"stream":true}')  # type: ignore[attr-defined]
        writer.response(stream, 2000, _HEAD)  # type: ignore[attr-defined]
    for number in range(frames // streams):
        data = b"".join(_event(number * per_read + part) for part in range(per_read))
        for stream in range(streams):
            writer.response(stream, 3_000_000 + number * 20_000_000, data)  # type: ignore[attr-defined]
    for stream in range(streams):
        writer.response(stream, 10**12, b"0\r\n\r\n")  # type: ignore[attr-defined]
        writer.closed(stream, 10**12)  # type: ignore[attr-defined]


def measure(streams: int, frames: int, per_read: int) -> float:
    """Microseconds of CPU a chunk, of this process."""
    from streamlab.storage.frames import Layout, create_memory
    from streamlab.storage.overflow import Overflow, about_run
    from streamlab.storage.recorder import Recorder
    from streamlab.storage.spool import SpoolWriter
    from streamlab.storage.spool_files import SpoolFiles
    from streamlab.storage.spool_reader import SpoolReader
    from streamlab.storage.writing import Writing

    layout = Layout(block=_BLOCK, blocks=_BLOCKS)
    with tempfile.TemporaryDirectory() as folder:
        path, run = Path(folder) / "bench.db", "0123abcd"
        memory = create_memory(layout)
        reading, pipe = os.pipe()
        os.set_blocking(pipe, False)
        overflow = Overflow(memory, layout, path, SpoolFiles(path, run, layout), about_run(layout, None))
        overflow.wake = lambda: None  # type: ignore[method-assign]
        writer = SpoolWriter(memory, layout, pipe, overflow)
        writer._armed = True
        _fill(writer, streams, frames, per_read)
        assert not writer._lost
        writer.goodbye()
        observer = _Silent()
        recorder = Recorder(path, None, observer, run)  # type: ignore[arg-type]
        assert recorder.start()
        spool = SpoolReader(memory, layout, reading, SpoolFiles(path, run, layout))
        writing = Writing(spool, recorder, observer, on_start=lambda: None, about={})  # type: ignore[arg-type]
        writing.begin()
        began = time.process_time()
        assert writing.run() == 0
        took = time.process_time() - began
        assert recorder.counts[0] == streams
    return 1e6 * took / (frames // streams * streams * per_read)


_SHAPES = {"200 streams, one event a read": (200, 1), "4 streams, 16 events a read": (4, 16)}


def _measured(root: Path, name: str, frames: int) -> float:
    streams, per_read = _SHAPES[name]
    code = "import runpy, sys; print(runpy.run_path(sys.argv[1])['measure'](*map(int, sys.argv[2:])))"
    python = root / ".venv" / "bin" / "python"
    command = [str(python) if python.exists() else sys.executable, "-c", code, str(Path(__file__).resolve())]
    # The measure is this checkout's; what it measures is that of the folder it runs in.
    environment = {**os.environ, "PYTHONPATH": str(root), "STREAMLAB_STAND_BACK": "0"}
    numbers = [str(streams), str(frames // per_read), str(per_read)]
    return float(json.loads(subprocess.check_output([*command, *numbers], cwd=root, env=environment, text=True)))


def _samples(roots: list[Path], frames: int, rounds: int) -> Iterator[tuple[str, list[list[float]]]]:
    for name in _SHAPES:
        yield name, [[_measured(root, name, frames) for root in roots] for _ in range(rounds)]


def run(*, quick: bool = False, against: Path | None = None) -> list[Row]:
    """A row a shape: microseconds a chunk, and of the other checkout where one is named."""
    roots = [_ROOT] if against is None else [_ROOT, against]
    rows = []
    for name, samples in _samples(roots, _QUICK_FRAMES if quick else _FRAMES, 2 if quick else _ROUNDS):
        ours = [one[0] for one in samples]
        median = statistics.median(ours)
        detail = ""
        if against is not None:
            ratios = [one[0] / one[1] for one in samples]
            detail = (
                f"{statistics.median(one[1] for one in samples):.2f} µs there; ratio {statistics.median(ratios):.2f}"
            )
        rows.append(
            Row(
                f"writer, {name}: µs a chunk",
                median,
                min(ours),
                max(ours),
                f"at most {_LIMIT_US}",
                median <= _LIMIT_US,
                detail,
            )
        )
    return rows


def main() -> None:
    """Print the rows; exit 1 when a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds, smaller loads")
    parser.add_argument("--against", type=Path, metavar="CHECKOUT")
    options = parser.parse_args()
    rows = run(quick=options.quick, against=options.against)
    finish(rows)


if __name__ == "__main__":
    main()
