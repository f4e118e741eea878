"""Whether a recorder gets slower while the workbench watches it: 20 streams of 50 events a second, with and without.

``python -m benchmarks watching``. Nothing is pinned to a core, because nobody who watches a recorder does that. The
workbench takes time from the load as well, so latency is compared with that of a direct run beside which a workbench
watches something else. Added latency is that of the recorded streams less that of direct ones.
"""

from __future__ import annotations

import contextlib
import os
import statistics
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from benchmarks.live_recording import LiveRecording
from benchmarks.relay_bench import Row, Samples, measure
from benchmarks.terminal import Terminal

_STREAMS, _GAP = 20, 0.02


@contextlib.contextmanager
def _watching(folder: Path) -> Iterator[None]:
    """A workbench on the recording in a folder: the list, and as soon as there is one, the newest exchange's end."""
    command = [str(Path(sys.executable).with_name("streamlab")), "tui", "--db", str(folder / "bench.db")]
    left = threading.Event()
    with Terminal(command, {**os.environ, "XDG_STATE_HOME": str(folder / "state")}) as terminal:

        def look() -> None:
            opened = False
            while not left.is_set():
                drawn = terminal.seen(0.05)
                if not opened and b"recording" in drawn:
                    terminal.write(b"\r")
                    opened = True
                elif b"recording" in drawn:
                    terminal.write(b"G")  # the last event, which it follows from now on

        looking = threading.Thread(target=look, name="looking")
        looking.start()
        try:
            yield
        finally:
            left.set()
            looking.join()


@contextlib.contextmanager
def _watching_something_else(folder: Path) -> Iterator[None]:
    recording = LiveRecording(folder / "bench.db", _STREAMS, 100_000)
    recording.start()
    recording.ready.wait()
    with _watching(folder):
        recording.go.set()
        try:
            yield
        finally:
            recording.stop()


def run(*, quick: bool = False) -> list[Row]:
    """Both comparisons; needs two cores."""
    if len(os.sched_getaffinity(0)) < 2:
        raise RuntimeError("the load and the proxy need a core each")
    turns = (
        ("direct", "direct", None),
        ("recorded", "streamlab", None),
        ("direct beside", "direct", _watching_something_else),
        ("watched", "streamlab", _watching),
    )
    samples, seconds = Samples(), 4.0 if quick else 10.0
    for number in range(1 if quick else 5):
        for name, subject, beside in turns:
            found = measure(subject, "", "paced", beside, pinned=False, streams=_STREAMS, gap=_GAP, seconds=seconds)
            samples.add(name, found)
            latency = ", ".join(f"{key[:3]} {found[key]:.2f}" for key in ("p50_ms", "p95_ms", "p99_ms"))
            print(f"  {number + 1} {name}: {latency} ms", file=sys.stderr)
    return [_row(samples, "p50_ms", 0.1), _row(samples, "p95_ms", 0.25), _row(samples, "p99_ms", None)]


def _row(samples: Samples, key: str, most: float | None) -> Row:
    """Not a ratio: by how many milliseconds the added latency changes when somebody watches.

    One chunk in a hundred waits for the writer's turn or the scheduler's clock, watched or not; p99 says how the runs
    fell, and has no target.
    """
    values = [samples.values(name, key) for name in ("recorded", "direct", "watched", "direct beside")]
    changes = [(watched - beside) - (alone - direct) for alone, direct, watched, beside in zip(*values, strict=True)]
    alone, direct, watched, beside = (statistics.median(one) for one in values)
    change = statistics.median(changes)
    detail = f"added {alone - direct:.2f} ms, watched {watched - beside:.2f} ms (direct {direct:.2f}, {beside:.2f})"
    whole = min(samples.values("watched", "complete")) == 1.0
    name = f"added {key[:3]} of 20 streams, watched less unwatched, ms"
    if most is None:
        return Row(name, change, min(changes), max(changes), "none", True, detail)
    return Row(name, change, min(changes), max(changes), f"at most {most:g}", change <= most and whole, detail)


if __name__ == "__main__":
    for row in run(quick="--quick" in sys.argv):
        mark = "ok  " if row.met else "MISS"
        print(f"{mark} {row.name}: {row.ratio:.2f} ({row.low:.2f}-{row.high:.2f})  [{row.detail}]")
