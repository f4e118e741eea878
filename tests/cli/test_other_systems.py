"""Consoles that are not UTF-8, and systems without fork, file locks and signals, as Windows is."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys

import pytest

from streamlab import cli
from streamlab.errors import CouldNotRunError
from streamlab.servers import posix
from streamlab.storage import opening
from tests import streams


class _Console(io.TextIOWrapper):
    """A stream of some coding, to a terminal or not."""

    def __init__(self, encoding: str, *, live: bool) -> None:
        super().__init__(io.BytesIO(), encoding=encoding)
        self._live = live

    def isatty(self) -> bool:
        return self._live

    def written(self) -> bytes:
        self.flush()
        buffer = self.buffer
        assert isinstance(buffer, io.BytesIO)
        return buffer.getvalue()


def _said(monkeypatch, encoding, *words, live=False):
    console = _Console(encoding, live=live)
    monkeypatch.setattr(sys, "stdout", console)
    with pytest.raises(SystemExit):
        cli.main(words)
    return console.written()


@pytest.fixture
def foreign(tmp_path):
    """A file whose text no code page of the West has."""
    path = tmp_path / "foreign.sse"
    path.write_bytes(streams.sse(streams.chat_text("整理书桌"), done=False))
    return str(path)


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "cp437"])
def test_a_file_gets_utf8_whatever_the_code_page(monkeypatch, foreign, encoding):
    monkeypatch.delenv("PYTHONIOENCODING", raising=False)
    said = _said(monkeypatch, encoding, "show", foreign).decode("utf-8")
    assert "整" in said
    answer = json.loads(_said(monkeypatch, encoding, "show", foreign, "--json"))
    assert "整理书桌" in json.dumps(answer, ensure_ascii=False)


def test_a_terminal_and_who_asks_for_a_coding_get_escapes_for_what_it_lacks(monkeypatch, foreign):
    monkeypatch.delenv("PYTHONIOENCODING", raising=False)
    assert b"\\u6574" in _said(monkeypatch, "cp1252", "show", foreign, live=True)
    monkeypatch.setenv("PYTHONIOENCODING", "latin-1")
    assert b"\\u6574" in _said(monkeypatch, "latin-1", "show", foreign)


_WITHOUT = """
import os, signal, sys
for name in ("fcntl", "resource", "termios", "uvloop"):
    sys.modules[name] = None
for name in ("fork", "killpg", "fchmod", "O_NONBLOCK", "O_NOCTTY", "O_CLOEXEC", "O_NOFOLLOW", "ttyname"):
    vars(os).pop(name, None)
for name in ("SIGHUP", "SIGKILL"):
    vars(signal).pop(name, None)
from streamlab import cli
for line in sys.stdin.read().splitlines():
    try:
        cli.main(line.split())
    except SystemExit as ended:
        print("ended", ended.code, line, file=sys.stderr)
"""


def test_what_needs_no_server_runs_without_what_windows_lacks(tmp_path, foreign):
    commands = {
        f"import {foreign} --db new.db": 0,
        "ls --db new.db": 0,
        "show last --db new.db": 0,
        "check last --db new.db": 1,
        "normalize last --db new.db": 0,
        "export last --to out --db new.db": 0,
        "bundle last -o out.slab --db new.db": 0,
        "redact last -o clean.db --db new.db": 0,
        "doctor --db new.db": 0,
        "compare --runs 1 --db new.db": 2,
        "demo": 3,
        "fuzz last --db new.db -- true": 3,
        "shrink last --db new.db --rule done-missing": 3,
        "compare http://127.0.0.1:1 http://127.0.0.1:1 --runs 1 --ask last --db new.db": 3,
    }
    ran = subprocess.run(
        [sys.executable, "-c", _WITHOUT],
        input="\n".join(commands),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONUTF8": "1"},
    )
    assert [line for line in ran.stderr.splitlines() if line.startswith("ended")] == [
        f"ended {code} {line}" for line, code in commands.items()
    ], ran.stderr
    assert ran.stderr.count("needs Linux or macOS") == 4


def test_what_listens_says_in_one_line_that_it_cannot(monkeypatch):
    monkeypatch.delattr(os, "fork")
    with pytest.raises(CouldNotRunError, match="serving an exchange needs Linux or macOS"):
        posix.need_posix("serving an exchange")


def test_a_database_is_its_owners_without_fchmod(monkeypatch, tmp_path):
    monkeypatch.delattr(os, "fchmod")
    opening._create_private(tmp_path / "new.db")
    assert (tmp_path / "new.db").stat().st_mode & 0o777 == 0o600
