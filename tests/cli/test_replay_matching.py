"""``streamlab replay``: what was exact, tolerated and missed is counted, and fails the command where that is wanted."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from streamlab.storage.exchange_dir import write_exchange_dir
from tests import streams


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("replayed") / "first"
    write_exchange_dir(streams.exchange(streams.sse(streams.chat_text())), home)
    return home


@pytest.mark.parametrize("fail", [True, False])
def test_misses_are_counted_and_fail_on_request(recorded: Path, fail: bool) -> None:
    options = ["--listen", "127.0.0.1:0", "--speed", "0", "--match", "ladder", "--ignore", "messages[*].id"]
    command = [sys.executable, "-m", "streamlab", "replay", str(recorded), *options]
    if fail:
        command.append("--fail-on-miss")
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        base_url = running.stdout.readline().partition("=")[2].strip()
        asked = json.loads(streams.request_for().body or b"")
        for body in (asked, {**asked, "user": "me"}, {**asked, "model": "other"}):
            httpx.post(f"{base_url}/chat/completions", json=body)
        running.send_signal(signal.SIGINT)
        _, said = running.communicate()
    assert running.returncode == (1 if fail else 0)
    assert "user may differ" in said
    assert "3 requests: 1 exact, 1 tolerated, 1 missed" in said


def test_what_is_no_path_to_ignore_is_said_at_once(recorded: Path, run) -> None:
    done = run("replay", str(recorded), "--ignore", "a..b")
    assert done.code == 2
    assert "no path to ignore" in done.err
