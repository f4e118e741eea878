"""Two hundred questions asked again by a process that is killed in the middle: the next one goes on there."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from streamlab.storage.exchange_dir import write_exchange_dir
from streamlab.workflows import drift
from streamlab.workflows.regression.recording import LiveRecorder
from streamlab.workflows.replay import replay
from tests import streams

QUESTIONS, KILLED_AT = 200, 120
_DIES = """
import os, signal, sys
from streamlab.workflows.drift import drift

told = []

def advance(name):
    told.append(name)
    if len(told) == int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)

list(drift(sys.argv[1], sys.argv[2], per_minute=0, update=False, advance=advance))
"""


def test_a_killed_run_goes_on_where_it_was(run, tmp_path: Path) -> None:
    folder = tmp_path / "questions"
    answer = streams.sse(streams.chat_text("One"))
    for number in range(QUESTIONS):
        write_exchange_dir(streams.exchange(answer, request=streams.request_for(seed=number)), folder / f"q{number:03}")
    with replay(folder / "q000", match="any", speed=0) as server:
        words = [str(folder), server.base_url, str(KILLED_AT)]
        died = subprocess.run([sys.executable, "-c", _DIES, *words], capture_output=True, check=False, timeout=120)
        assert died.returncode == -signal.SIGKILL
        assert len(server.requests) == KILLED_AT
        assert (folder / ".streamlab-drift.db").exists()
        done = run("drift", folder, "--against", server.base_url, "--per-minute", "0", "--json")
        asked = [json.loads(one.body)["seed"] for one in server.requests]
    told = json.loads(done.out)["questions"]
    assert len(told) == QUESTIONS
    assert not any(one["changes"] or one.get("skipped") for one in told)
    assert done.code == 0
    assert sorted(asked) == list(range(QUESTIONS))
    assert not (folder / ".streamlab-drift.db").exists()


def test_two_runs_at_once_are_told_of_each_other(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drift, "_WRITTEN_WITHIN_S", 0.1)
    folder = tmp_path / "questions"
    write_exchange_dir(streams.exchange(streams.sse(streams.chat_text("One"))), folder / "q")
    with replay(folder / "q", match="any", speed=0) as server:
        with LiveRecorder(None, server.base_url, folder / ".streamlab-drift.db"):
            busy = run("drift", folder, "--against", server.base_url)
        assert (busy.code, len(server.requests)) == (3, 0)
        assert "another run still asks" in busy.err
        assert run("drift", folder, "--against", server.base_url).code == 0
