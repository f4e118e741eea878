"""Nothing that was recorded, imported, or put into a database by somebody else draws on a terminal."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import sqlite3
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from streamlab.report.exchange_text import print_exchange
from streamlab.report.terminal import document, say
from streamlab.storage.capture_db import CaptureDB
from streamlab.wire.visible import UNSAFE
from tests import streams
from tests.cli.conftest import BAD

#: Clears the screen, sets the clipboard, rings, goes back, hides, turns around, and begins a line of its own.
EVIL = "\x1b[2J\x1b]52;c;ZXZpbA==\x07\r\x08\x7f\x9b31m\u202e\u200b\u2028\nFORGED"
#: What a terminal may get: text, line ends and Rich's own colours.
_OWN = re.compile(r"\x1b\[[0-9;]*m")


def unsafe(text: str) -> list[str]:
    """What of a command's output could draw on a terminal."""
    return [
        match.group() for match in UNSAFE.finditer(_OWN.sub("", text).replace("\r\n", "\n")) if match.group() != "\n"
    ]


@pytest.fixture
def evil(tmp_path: Path) -> Path:
    """A database in which every text column of every table holds hostile text, wherever it may."""
    path = tmp_path / "evil.db"
    payloads = [{**one, "model": EVIL, "id": EVIL, EVIL: EVIL} for one in streams.chat_text(EVIL)]
    request = streams.request_for(model=EVIL)
    with CaptureDB(path, write=True) as db:
        db.add(streams.exchange(streams.sse(payloads), request=request, label=EVIL, tap=EVIL))
        db.add(streams.exchange([EVIL.encode("utf-8", "surrogateescape")], request=request, label="raw bytes"))
    return path


def columns(path: Path) -> list[tuple[str, str]]:
    """Every column but the keys: those of numbers, endings and JSON take a text as well."""
    connection = sqlite3.connect(path)
    try:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return [
            (table, row[1])
            for table in tables
            if not table.startswith(("sqlite_", "contents"))
            for row in connection.execute(f"PRAGMA table_info({table})")
            if not row[5] and row[1] != "id"
        ]
    finally:
        connection.close()


COMMANDS = (
    ["ls"], ["ls", "--json"], ["ls", "--first-seen"], ["show", "1"], ["show", "1", "--json"], ["show", "2"],
    ["check", "1", "2"], ["check", "1", "--json"], ["check", "1", "--format", "sarif"],
    ["check", "1", "--format", "junit"], ["check", "1", "--format", "github"], ["diff", "1"], ["diff", "1", "--json"],
    ["compare", "1", "2"], ["compare", "1", "2", "--json"], ["normalize", "1", "--blame"], ["doctor"],
    ["export", "1", "--to", "out"],
)  # fmt: skip


#: Further commands that tell of an exchange or of many.
MORE_COMMANDS = (
    ["ls", "--first-seen", "--by", "model,server,label,day,tap"], ["show", "2", "--json"],
    ["trend", "--by", "model,server,label"], ["trend", "--by", "model", "--format", "json"],
    ["bisect", "--rule", "json-truncated"], ["sql", "{db}", "SELECT * FROM exchanges"],
    ["sql", "{db}", "SELECT * FROM findings", "--format", "csv"], ["normalize", "2", "--blame", "--json"],
    ["redact", "{db}", "--verify"], ["redact", "{db}", "-o", "clean.db"], ["prune", "--dry-run", "1"],
    ["shrink", "2", "--rule", "content-literal-escapes"],
    ["bundle", "1", "2", "-o", "out.slab"], ["import", "{db}"], ["compare", "{db}", "{db}"],
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("words", [*COMMANDS, *MORE_COMMANDS], ids=" ".join)
def test_no_command_lets_any_column_draw(run, evil, tmp_path, monkeypatch, words):
    """Of a database in which one column of every row, each in turn, holds hostile text, whatever its type was."""
    for table, column in columns(evil):
        folder = tmp_path / f"{table}.{column}"
        folder.mkdir()
        monkeypatch.chdir(folder)
        path = folder / "one.db"
        path.write_bytes(evil.read_bytes())
        with contextlib.closing(sqlite3.connect(path)) as connection, contextlib.suppress(sqlite3.Error), connection:
            connection.execute(f"UPDATE {table} SET {column} = ?", (EVIL,))
        ran = run(*(word.replace("{db}", str(path)) for word in words), "--db", path)
        assert "Traceback" not in ran.err, (table, column)
        assert "Usage:" not in ran.err, ran.err
        assert unsafe(ran.err) == [], (table, column)
        if not {"--json", "sarif", "junit", "json", "csv"} & set(words):
            assert unsafe(ran.out) == [], (table, column)


def test_no_column_of_a_database_reaches_the_terminal_raw(run, evil):
    for words in COMMANDS:
        ran = run(*words, "--db", evil)
        if "--json" not in words and "sarif" not in words and "junit" not in words:
            assert unsafe(ran.out) == [], words
        assert unsafe(ran.err) == [], words
        assert "Traceback" not in ran.err


def test_no_column_that_somebody_else_wrote_is_a_way_in(run, evil, tmp_path):
    tried = 0
    for table, column in columns(evil):
        path = tmp_path / "one.db"
        path.write_bytes(evil.read_bytes())
        with sqlite3.connect(path) as connection:
            try:
                connection.execute(f"UPDATE {table} SET {column} = ?", (EVIL,))
            except sqlite3.Error:
                continue  # the schema itself refuses it
        connection.close()
        tried += 1
        for words in (["ls"], ["show", "1"], ["check", "1"]):
            ran = run(*words, "--db", path)
            assert unsafe(ran.out + ran.err) == [], (table, column, words)
            assert "Traceback" not in ran.err, (table, column, words)
    assert tried > 8


def test_names_of_files_and_options_are_made_visible(run, tmp_path):
    (tmp_path / EVIL.replace("\n", "")).mkdir()
    for words in (["check", EVIL], ["rule", EVIL], ["check", "x", "--client", EVIL], [EVIL], ["ls", "--db", EVIL]):
        ran = run(*words)
        assert ran.code == 2
        assert unsafe(ran.out + ran.err) == [], words
        assert "\nFORGED" not in ran.err, words


def test_documents_stay_what_they_are_and_are_escaped_on_a_terminal_alone(run, evil, monkeypatch):
    for words in (["show", "1", "--json"], ["check", "1", "--format", "sarif"], ["check", "1", "--format", "junit"]):
        piped = run(*words, "--db", evil).out
        ran = on_a_terminal(evil, *words)
        assert unsafe(ran) == []
        if "junit" in words:
            assert ElementTree.canonicalize(ran.replace("\r\n", "\n")) == ElementTree.canonicalize(piped)
        else:
            assert json.loads(ran) == json.loads(piped)


@pytest.mark.parametrize("words", [["ls"], ["show", "1"], ["check", "1", "2"], ["normalize", "2"], ["normalize", "1"]])
def test_on_a_real_terminal_nothing_draws(evil, words):
    assert unsafe(on_a_terminal(evil, *words)) == []


#: How far long work has come, which a slow machine sees of short work, too, and the line wiped again.
_OWN_PROGRESS = re.compile(r"\r[0-9a-z,.… ]*\x1b\[K")


def on_a_terminal(db: Path, *words: str) -> str:
    """What a command writes to a terminal."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "streamlab", *words, "--db", str(db)]
    process = subprocess.Popen(command, stdout=theirs, stderr=theirs, stdin=subprocess.DEVNULL, cwd=db.parent)
    os.close(theirs)
    read = b""
    try:
        while piece := os.read(ours, 65536):
            read += piece
    except OSError:  # Linux says so when the last writer has gone
        pass
    os.close(ours)
    process.wait()
    return _OWN_PROGRESS.sub("", read.decode("utf-8", "replace"))


def test_what_is_forgotten_elsewhere_is_caught_at_the_console(capsys):
    from rich.table import Table
    from rich.text import Text

    from streamlab.report.terminal import data

    table = Table(title=EVIL)
    table.add_column(EVIL)
    table.add_row(Text(EVIL))
    data().print(table)
    data().hanging(Text(EVIL))
    say(EVIL)
    assert unsafe(capsys.readouterr().out) == []
    assert print_exchange is not None
    assert BAD.body


def test_escapes_of_a_document_are_those_of_its_format(monkeypatch):
    class Terminal:
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    assert json.loads(document("json", '{"a": "\x9b\u202e\U000e0041"}', terminal)) == {"a": "\x9b\u202e\U000e0041"}  # type: ignore[arg-type]
    assert document("junit", "<a b='\x9b'/>", terminal) == "<a b='&#x9b;'/>"  # type: ignore[arg-type]
