"""A command that is told to end does so at once: what it started ends, and what it made for itself goes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from streamlab.workflows import cores
from streamlab.workflows.cores import on_all_cores
from streamlab.workflows.regression import recording

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
#: Says who it is once it has been started, and goes on for long.
_LONG = "import os, sys, time; open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(600)"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_what_runs_under_a_command_ends_with_it(tmp_path, number):
    os.mkfifo(tmp_path / "who")
    interruptible = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    streamlab = [sys.executable, "-c", f"{interruptible}; from streamlab.cli import main; main()"]
    command = [*streamlab, "fuzz", ROOT / "captures/openai-plain", "--", sys.executable, "-c", _LONG, tmp_path / "who"]
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with subprocess.Popen(command, env={**os.environ, "TMPDIR": str(scratch)}, stderr=subprocess.PIPE) as running:
        who = int((tmp_path / "who").read_text())
        running.send_signal(number)
        _, said = running.communicate(timeout=60)
    assert running.returncode == 128 + number
    assert said.strip() == b""
    with pytest.raises(ProcessLookupError):
        os.kill(who, 0)
    assert list(scratch.iterdir()) == []


def _goes_on(_numbers: list[int], *, begun: Path, made: Path) -> list[int]:
    made.touch()
    try:
        begun.write_text("begun")
        time.sleep(600)
    finally:
        made.unlink()
    return []


def test_work_on_all_cores_ends_with_whoever_wanted_it(tmp_path):
    """A batch may take minutes, and nobody waits for it."""
    os.mkfifo(tmp_path / "begun")

    def batches() -> Iterator[list[int]]:
        yield [1]
        assert (tmp_path / "begun").read_text() == "begun"
        raise KeyboardInterrupt

    work = partial(_goes_on, begun=tmp_path / "begun", made=tmp_path / "made")
    with pytest.raises(KeyboardInterrupt):
        list(on_all_cores(work, batches(), workers=2))
    assert [one.name for one in tmp_path.iterdir()] == ["begun"]


def test_a_recorder_that_is_not_waited_for_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(recording, "next", interrupted, raising=False)
    recorder = recording.LiveRecorder(None, "http://127.0.0.1:9", tmp_path / "folder" / "kept.db")
    with pytest.raises(KeyboardInterrupt):
        recorder.__enter__()
    assert recorder._process.returncode is not None
    assert list(tmp_path.iterdir()) == []


def _numbers(batch: list[int]) -> list[int]:
    return batch


def test_who_says_what_it_found_is_not_broken_off(monkeypatch):
    """It holds a lock of the queue: left taken, all that wait for it wait for good."""
    told = []
    monkeypatch.setattr(cores.signal, "alarm", told.append)
    cores._end(signal.SIGTERM, None)
    assert told == [1]
    monkeypatch.setattr(cores, "_at_work", True)
    with pytest.raises(SystemExit):
        cores._end(signal.SIGTERM, None)


def test_work_that_is_done_is_not_told_to_end(monkeypatch):
    monkeypatch.setattr("multiprocessing.process.BaseProcess.terminate", lambda _: pytest.fail("told to end"))
    assert list(on_all_cores(_numbers, ([at] for at in range(9)), workers=2)) == [[at] for at in range(9)]
