"""Reading, judging and mending take time in proportion to the size, whatever the bytes are.

Work is counted, not timed: the lines of Python that are run. What one of them does inside a regular expression or a
copy does not show in that, so a process of its own is given as much of each kind as takes minutes where that grows with
the square, and may use the processor for as long as no input ever may.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from types import FrameType
from typing import Any

import pytest

from streamlab.errors import StreamlabError
from streamlab.interop.reading import read_bytes
from streamlab.judging.analyzer import analyze
from streamlab.repairing.normalizer import normalize
from tests.batches import batched
from tests.floods import FLOODS, flood

_SMALL, _TIMES = 1_500, 4
#: Lines run for four times as many bytes, at most.
_MOST = 4.5
_LARGE, _SECONDS = 40_000, 20


def work(body: bytes) -> None:
    """All that is done with a file that is checked and normalized."""
    try:
        for exchange in read_bytes("x.txt", body):
            analyze(exchange)
            normalize(exchange)
    except StreamlabError:
        pass


def _lines_run(body: bytes) -> int:
    count = 0

    def trace(_frame: FrameType, what: str, _arg: Any) -> Any:
        nonlocal count
        count += what == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work(body)
    finally:
        sys.settrace(before)
    return count


@pytest.mark.slow
@batched("name", FLOODS)
def test_work_grows_with_the_size(name: str) -> None:
    work(flood(name, _SMALL))  # what is loaded on first use is no work of a body
    work(flood(name, _TIMES * _SMALL))
    once, more = _lines_run(flood(name, _SMALL)), _lines_run(flood(name, _TIMES * _SMALL))
    assert more < _MOST * once, f"{once} lines run, and {more} for {_TIMES} times as much"


def _within_seconds() -> None:
    """In a process of its own, which the first kind that takes too long ends."""
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    for name in FLOODS:
        print(name, flush=True)
        signal.setitimer(signal.ITIMER_PROF, _SECONDS)
        work(flood(name, _LARGE))


@pytest.mark.slow
def test_nothing_takes_the_processor_for_twenty_seconds() -> None:
    command = "from tests.interop import test_linear as here; here._within_seconds()"
    ran = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, timeout=1200)
    assert ran.returncode == 0, f"{ran.stdout.split(chr(10))[-2:]} took more than {_SECONDS} s\n{ran.stderr[-2000:]}"
