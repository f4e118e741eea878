"""What a recorder says while it runs and how it ends: never in anybody's way, and in order from the first line on."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pytest

from streamlab.errors import UsageError
from streamlab.report.log_file import LogFile
from streamlab.report.unblocked import Unblocked
from streamlab.storage.capture_db import CaptureDB
from streamlab.workflows.findings_beside import FindingsBeside
from streamlab.workflows.record_display import Telling, status_line
from tests import streams
from tests.servers.harness import END, HEAD, RECORD, Upstream, event, eventually, fetch, get, post, recording, run

_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
_ASKED = b'{"model":"m","stream":true,"messages":[]}'


def _chunk(**choice: object) -> bytes:
    base = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return event(json.dumps({**base, "choices": [{"index": 0, "delta": {}, "finish_reason": None, **choice}]}))


_GOOD = [HEAD, _chunk(delta={"role": "assistant", "content": "Hi"}), _chunk(finish_reason="stop"), event("[DONE]"), END]
_BAD = [*_GOOD[:-2], END]


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    scripts = {"/v1/chat/completions": _BAD, "/good/v1/chat/completions": _GOOD, "/v1/ok": [_OK]}
    with Upstream(scripts) as running:
        yield running


# --- findings of each exchange


def test_each_exchange_is_said_with_its_worst_finding_and_the_command_that_shows_it(
    upstream: Upstream, tmp_path: Path
) -> None:
    log = tmp_path / "record.log"
    with recording(tmp_path, "--upstream", upstream.url, "--log", str(log), findings=True) as proxy:
        run(fetch(proxy.port, post("/v1/chat/completions", _ASKED)))
        run(fetch(proxy.port, post("/good/v1/chat/completions", _ASKED)))
        command = f"streamlab check 1 --db {proxy.db}"
        eventually(lambda: command in proxy.stderr, 300)
        assert proxy.stop() == 0, proxy.stderr
        (line,) = [one for one in proxy.stderr.splitlines() if command in one]
    assert "done-missing" in line
    assert line.startswith(("1  error ", "1  warning "))
    assert "streamlab check 2" not in proxy.stderr, "nothing is wrong with the second"
    assert str(proxy.db) in proxy.stderr.splitlines()[0], "the first line says into which database"
    assert line in log.read_text()


def test_at_its_end_it_waits_for_what_is_still_to_be_said(upstream: Upstream, tmp_path: Path) -> None:
    code = (
        "import os, urllib.request as u;"
        f"q = u.Request(os.environ['OPENAI_BASE_URL'] + '/chat/completions', {_ASKED!r});"
        "print(u.urlopen(q).read())"
    )
    arguments = ("--upstream", upstream.url, "--listen", "127.0.0.1:0", "--db", str(tmp_path / "x.db"))
    done = subprocess.run(
        [*RECORD, *arguments, "--", sys.executable, "-c", code], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert "streamlab check 1" in done.stderr or "were not judged in passing" in done.stderr


def test_what_was_repaired_is_said(upstream: Upstream, tmp_path: Path) -> None:
    with recording(tmp_path, "--upstream", upstream.url, "--normalize", findings=True) as proxy:
        run(fetch(proxy.port, post("/v1/chat/completions", _ASKED), until=lambda seen: b"[DONE]" in seen.raw))
        eventually(lambda: "1  mended: done-missing" in proxy.stderr, 300)
        assert proxy.stop() == 0, proxy.stderr


# --- nobody reads


@contextlib.contextmanager
def _full_pipe() -> Iterator[int]:
    """The writing end of a pipe that takes no byte, and that nobody reads."""
    reading, writing = os.pipe()
    flags = fcntl.fcntl(writing, fcntl.F_GETFL)
    os.set_blocking(writing, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writing, b"x" * 4096)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writing, b"x")
    fcntl.fcntl(writing, fcntl.F_SETFL, flags)  # it is shared with whom it is given to
    try:
        yield writing
    finally:
        os.close(reading)
        os.close(writing)


def test_a_display_that_nobody_reads_does_not_wait() -> None:
    code = (
        "from streamlab.workflows.record_display import RecordDisplay; import sys, pathlib;"
        "d = RecordDisplay(pathlib.Path('x.db')); [d.warn('w' * 300) for _ in range(1000)]; d.tick(); d.close();"
        "print('done')"
    )
    with _full_pipe() as full:
        done = subprocess.run([sys.executable, "-c", code], stderr=full, stdout=subprocess.PIPE, timeout=300)
    assert done.stdout == b"done\n"


def test_a_recorder_whose_stderr_fills_up_records_and_ends(upstream: Upstream, tmp_path: Path) -> None:
    reading, writing = os.pipe()
    fcntl.fcntl(writing, 1031, 4096)  # F_SETPIPE_SZ: one page
    arguments = ("--upstream", upstream.url, "--listen", "127.0.0.1:0", "--db", str(tmp_path / "x.db"))
    process = subprocess.Popen([*RECORD, *arguments], stdout=subprocess.PIPE, stderr=writing)
    assert process.stdout is not None
    try:
        port = int(process.stdout.readline().decode().rsplit(":", 1)[1].split("/")[0])
        for _ in range(100):  # of which a page holds some thirty lines
            assert run(fetch(port, get("/v1/ok"))).raw == _OK
        process.send_signal(signal.SIGTERM)
        assert process.wait(300) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        os.close(reading)
        os.close(writing)
    with CaptureDB(tmp_path / "x.db") as db:
        assert len(db.overview()) == 100


def _stream(descriptor: int) -> IO[str]:
    return open(descriptor, "w", closefd=False)


def test_lines_that_do_not_fit_are_counted() -> None:
    reading, writing = os.pipe()
    with _stream(writing) as stream:
        beside = Unblocked(stream)
        for number in range(5000):
            beside.line(f"line {number} " + "x" * 100)
        first = os.read(reading, 1_000_000).decode()
        assert first.startswith("line 0 ")
        kept = first.count("\n")
        beside.line("again")
        rest = os.read(reading, 1_000_000).decode()
    assert rest == f"streamlab: {5000 - kept} lines were left out, nobody was reading\nagain\n"
    os.close(reading)
    os.close(writing)


def test_a_reader_that_is_gone_is_no_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with _stream(writing) as stream:
        Unblocked(stream).line("nobody hears this")
    os.close(writing)


def test_a_socket_is_written_to_without_waiting() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, _stream(ours.fileno()) as stream:
        beside = Unblocked(stream)
        for _ in range(20_000):
            beside.line("x" * 100)
        assert theirs.recv(5) == b"xxxxx"
        assert ours.getblocking(), "the one that others share is left as it was"


def test_what_is_said_draws_on_no_terminal(tmp_path: Path) -> None:
    with (tmp_path / "out").open("w") as stream:
        Unblocked(stream).line("\x1b]0;owned\x07 \u202e")
    assert "\x1b" not in (tmp_path / "out").read_text()


# --- signals


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("with_command", [False, True])
def test_a_signal_right_after_the_first_line_ends_it_in_order(
    upstream: Upstream, tmp_path: Path, number: int, with_command: bool
) -> None:
    arguments = ["--upstream", upstream.url, "--listen", "127.0.0.1:0", "--db", str(tmp_path / "x.db")]
    command = ["--", sys.executable, "-c", "import signal; signal.pause()"] if with_command else []
    process = subprocess.Popen(
        [*RECORD, *arguments, *command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stderr is not None
    assert process.stderr.readline().startswith(b"recording ")
    process.send_signal(number)
    _, said = process.communicate(timeout=300)
    assert with_command or b"Traceback" not in said  # of a command in Python, SIGINT draws one
    # A command's end by a signal is told as shells do; Python's own way to end by SIGINT is that as well.
    assert process.returncode == (128 + number if with_command else 0)


def test_a_hangup_that_is_to_be_ignored_is(upstream: Upstream, tmp_path: Path) -> None:
    prefix = (
        sys.executable,
        "-c",
        "import os,sys,signal; signal.signal(signal.SIGHUP, signal.SIG_IGN); os.execvp(sys.argv[1], sys.argv[1:])",
    )
    with recording(tmp_path, "--upstream", upstream.url, prefix=prefix) as proxy:
        proxy.process.send_signal(signal.SIGHUP)
        assert run(fetch(proxy.port, get("/v1/ok"))).raw == _OK
        assert proxy.stop() == 0


# --- the log, and how it stands


def test_a_log_that_is_moved_away_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "record.log"
    log = LogFile(path)
    log.line("one")
    path.rename(tmp_path / "record.log.1")
    log.line("two \x1b[2J")
    assert (tmp_path / "record.log.1").read_text().endswith("Z one\n")
    assert "two" in path.read_text()
    assert "\x1b" not in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_log_that_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    reading = os.open(tmp_path / "fifo", os.O_RDONLY | os.O_NONBLOCK)
    with pytest.raises(UsageError, match="regular"):
        LogFile(tmp_path / "fifo")
    os.close(reading)


@pytest.mark.parametrize(("name", "code"), [("missing/record.log", 3), ("/dev/null", 2)])
def test_a_log_that_cannot_be_written_is_said_in_one_line(tmp_path: Path, name: str, code: int) -> None:
    arguments = ("--upstream", "http://127.0.0.1:1", "--listen", "127.0.0.1:0", "--log", name)
    done = subprocess.run([*RECORD, *arguments], capture_output=True, text=True, timeout=300, cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (code, 1)


@dataclass
class _Stands:
    exchanges: int = 1234
    bytes: int = 5_000_000
    behind: int = 0
    spooled: int = 0


def test_how_it_stands_is_said_again_and_again() -> None:
    said: list[str] = []

    async def some() -> None:
        telling = asyncio.create_task(Telling(status_seconds=0.001).status(_Stands, said.append))
        while len(said) < 3:
            await asyncio.sleep(0)
        telling.cancel()

    asyncio.run(some())
    assert said[0] == "status: 1,234 exchanges, 5,000,000 bytes of answers recorded; the writer keeps up"


def test_how_far_the_writer_is_behind_is_said() -> None:
    assert status_line(_Stands(behind=3_000_000)).endswith("; the writer is 3,000,000 bytes behind")
    line = status_line(_Stands(behind=3_000_000, spooled=1_000_000))
    assert line.endswith("3,000,000 bytes behind, 1,000,000 of them in the spool on disk")


def test_an_exchange_that_is_written_late_is_judged_and_holds_up_no_other(tmp_path: Path) -> None:
    database, broken = tmp_path / "late.db", streams.exchange(streams.sse(streams.chat_text(), done=False))
    with CaptureDB(database, write=True) as db:
        db.add(broken)
    beside = FindingsBeside(database)
    said = []
    for number in (2, 1):
        beside.ask(number)
    eventually(lambda: said.extend(beside.verdicts()) or said)
    with CaptureDB(database, write=True) as db:
        db.add(broken)
    eventually(lambda: said.extend(beside.verdicts()) or len(said) == 2)
    assert [(one.id, one.rule) for one in said] == [(1, "done-missing"), (2, "done-missing")]
    assert list(beside.close(0.0)) == []
    assert beside.left_out == 0


def test_what_the_end_waits_for_is_said_where_it_takes_a_while(tmp_path: Path) -> None:
    database = tmp_path / "late.db"
    with CaptureDB(database, write=True):
        pass
    beside, said = FindingsBeside(database), []
    beside.ask(1)  # never written
    list(beside.close(0.7, lambda *told: said.append(told)))
    [(outstanding, seconds)] = said
    assert outstanding == 1
    assert 0 < seconds < 0.3
    assert list(FindingsBeside(database).close(5.0, lambda *told: said.append(told))) == []
    assert len(said) == 1


def test_what_is_too_large_to_be_judged_in_passing_is_counted(tmp_path: Path) -> None:
    with CaptureDB(tmp_path / "large.db", write=True) as db:
        db.add(streams.exchange(b"data: " + b"x" * (16 << 20)))
    beside = FindingsBeside(tmp_path / "large.db")
    beside.ask(1)
    [verdict] = eventually(lambda: list(beside.verdicts()))
    assert (verdict.rule, verdict.judged) == (None, False)
    list(beside.close(0.0))
    assert beside.left_out == 1
