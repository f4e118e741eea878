"""An `ls` that asks for nothing particular is answered without click and Rich, and says what it says with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from streamlab.cli.list_words import USUAL_LIMIT, listed_plainly
from streamlab.cli.ls import command
from streamlab.report.cells import cell_len, set_cell_size
from streamlab.storage.capture_db import CaptureDB
from tests import streams
from tests.cli.plainly import said


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A database of sixty exchanges with names of all kinds, and an empty one."""
    home = tmp_path_factory.mktemp("plain")
    labels = ("plain", "naïve", "長い名前です", "a\x1b[31mred", "x" * 90, None)
    with CaptureDB(home / "many.db", write=True) as database:
        for number in range(60):
            body = streams.sse(streams.chat_text(), done=number % 2 == 0)
            database.add(streams.exchange(body, request=streams.request_for(), label=labels[number % 6]))
    with CaptureDB(home / "plain.db", write=True) as database:
        database.add(streams.exchange(streams.sse(streams.chat_text()), request=streams.request_for(), label="plain"))
    CaptureDB(home / "empty.db", write=True).close()
    (home / "none.db").write_bytes(b"no database at all, and long enough" * 10)
    return home


def _said(how: str, folder: Path, *args: str, **env: str):
    return said(how, folder, "ls", *args, text=True, **env)


@pytest.mark.parametrize(
    ("args", "env"),
    [
        (("--db", "many.db"), {}),
        (("many.db", "--limit=7"), {"COLUMNS": "60"}),
        (("many.db",), {"COLUMNS": "200"}),
        (("many.db",), {"FORCE_COLOR": "1"}),
        (("many.db", "--json", "--limit", "3"), {}),
        ((), {"STREAMLAB_DB": "many.db"}),
        (("empty.db",), {}),
        (("none.db",), {}),
        (("missing.db",), {}),
        ((), {"STREAMLAB_DB": "missing.db"}),
        ((), {"STREAMLAB_DB": "."}),
        (("many.db", "many.db"), {}),
        (("many.db", "--limit", "0"), {}),
        (("many.db", "--limit"), {}),
        (("--db",), {}),
        (("--help",), {}),
    ],
)
def test_it_says_what_it_says_with_them(folder, args, env):
    assert _said("plainly", folder, *args, **env) == _said("by click", folder, *args, **env)


def test_it_loads_neither(folder):
    _said("plainly", folder, "plain.db")  # which judges it
    for form in ((), ("--json",)):
        code, out, _ = _said("plainly", folder, "plain.db", *form, MODULES="1")
        loaded = set(out.splitlines()[-1].split())
        assert code == 0
        assert "streamlab.cli.list_printing" in loaded
        assert not loaded & {"click", "rich", "uuid", "threading", "hashlib", "streamlab.cli.dispatch"}


def test_as_many_are_listed_as_click_lists():
    assert next(one for one in command.params if one.name == "limit").default == USUAL_LIMIT


@pytest.mark.parametrize("word", ["--rule", "--first-seen", "-h", "--limit=x", "--json=1", "lake:x", "--db=", "--"])
def test_whatever_else_is_asked_is_clicks(folder, word, monkeypatch):
    monkeypatch.chdir(folder)
    assert listed_plainly(["many.db", word]) is None


@pytest.mark.parametrize("text", ["", "plain", "a–b…", "長い", "é", "👩‍👩‍👧", "…"])
@pytest.mark.parametrize("cells", [0, 1, 3, 9])
def test_cells_are_counted_as_rich_counts_them(text, cells):
    from rich import cells as rich_cells

    assert cell_len(text) == rich_cells.cell_len(text)
    assert set_cell_size(text, cells) == rich_cells.set_cell_size(text, cells)
