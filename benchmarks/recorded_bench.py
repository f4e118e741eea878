"""What it takes to judge the chat streams that others recorded, an event: of all of them, and of the long ones.

``python -m benchmarks.recorded_bench [--quick] [--against CHECKOUT]``; with another checkout both take turns, stream by
stream. Each stream is whole in memory and judged as ``check`` does; an exchange has its beginning and its end however
small it is, which is most of what short ones cost. Streams lie in ``../shared/corpus`` (``STREAMLAB_SHARED`` names
another folder than ``../shared``).
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:  # what judges for another checkout finds none of this one
    from benchmarks.relay_bench import Row

_ROOT = Path(__file__).parents[1]
_FOLDER = Path(os.environ.get("STREAMLAB_SHARED", _ROOT.parent / "shared")) / "corpus" / "recorded" / "chat.completions"
#: Events of a stream that is long, and µs of CPU an event.
_LONG, _GOAL = 100, 2.0
_ROUNDS, _QUICK_ROUNDS = 5, 2


class _Judge:
    """A process that judges with the build of a checkout."""

    def __init__(self, checkout: Path, stack: ExitStack) -> None:
        command = [sys.executable, __file__, "--judge", str(checkout.resolve())]
        environment = {**os.environ, "PYTHONPATH": str(checkout.resolve())}
        self._process = stack.enter_context(
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        )
        self.events: list[int] = self._said()

    def seconds(self, at: int) -> float:
        """The CPU that a stream takes, by its place."""
        assert self._process.stdin is not None
        print(at, file=self._process.stdin, flush=True)
        return float(self._said())

    def end(self) -> None:
        """It is asked no more."""
        assert self._process.stdin is not None
        self._process.stdin.close()

    def _said(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())


def _judge(checkout: str) -> None:
    """Say how many events each stream has, then what one takes, as often as asked."""
    import streamlab

    if not Path(streamlab.__file__).is_relative_to(checkout):
        raise RuntimeError(f"{checkout} holds no streamlab")
    streams = [exchange for _, exchange in streamlab.load(_FOLDER)]
    print(
        json.dumps([streamlab.analyze(one).metrics.events for one in streams]), flush=True
    )  # everything is loaded then
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        began = time.process_time()
        streamlab.analyze(streams[int(line)])
        print(time.process_time() - began, flush=True)


class _Measured(NamedTuple):
    """µs an event, of all streams and of the long ones."""

    every: float
    long: float


def _round(judges: list[_Judge]) -> list[_Measured]:
    taken = [[one.seconds(at) for one in judges] for at in range(len(judges[0].events))]
    found = []
    for which, judge in enumerate(judges):
        each = [(events, seconds[which]) for events, seconds in zip(judge.events, taken, strict=True)]
        of_long = [(events, seconds) for events, seconds in each if events >= _LONG]
        found.append(_Measured(*(sum(s for _, s in some) / sum(n for n, _ in some) * 1e6 for some in (each, of_long))))
    return found


def run(quick: bool = False, against: Path | None = None) -> list[Row]:
    """Measure; with another checkout the ratio to it stands among the figures."""
    from benchmarks.relay_bench import Row

    if not _FOLDER.is_dir():
        raise RuntimeError(f"{_FOLDER} is not there")
    with ExitStack() as stack:
        judges = [_Judge(one, stack) for one in (_ROOT, against) if one is not None]
        rounds = [_round(judges) for _ in range(_QUICK_ROUNDS if quick else _ROUNDS)]
        events = judges[0].events
        for one in judges:
            one.end()
    rows = []
    for name, counts in (("every", events), ("long", [one for one in events if one >= _LONG])):
        ours = [getattr(one[0], name) for one in rounds]
        detail = f"{sum(counts):,} events in {len(counts):,} streams"
        if against is not None:
            theirs = [getattr(one[1], name) for one in rounds]
            ratios = sorted(one / other for one, other in zip(ours, theirs, strict=True))
            detail += f"; {statistics.median(theirs):.1f} µs in {against.name}: {statistics.median(ratios):.2f} of it"
            detail += f" ({ratios[0]:.2f} to {ratios[-1]:.2f})"
        of = "chat streams recorded elsewhere" if name == "every" else f"those of at least {_LONG} events"
        median = statistics.median(ours)
        rows.append(
            Row(f"{of}, µs of CPU an event", median, min(ours), max(ours), f"<= {_GOAL:g}", median <= _GOAL, detail)
        )
    return rows


def main() -> None:
    """Print the rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--against", type=Path)
    options = parser.parse_args()
    for row in run(options.quick, options.against):
        print(
            f"{'ok  ' if row.met else 'MISS'} {row.name}: {row.ratio:.2f} ({row.low:.2f}-{row.high:.2f}) {row.target}"
        )
        print(f"     {row.detail}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--judge"]:
        _judge(sys.argv[2])
    else:
        main()
