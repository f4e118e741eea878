"""Runs commands as a user would, in this process."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from streamlab.storage.capture_db import CaptureDB
from streamlab.storage.exchange_dir import write_exchange_dir
from tests import commands, streams


class Ran(NamedTuple):
    """What a command printed and its exit code."""

    code: int
    out: str
    err: str


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    """Call it with the words of a command line; runs in an empty folder without any configuration."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("STREAMLAB_DB", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))

    def call(*words: str | Path) -> Ran:
        return Ran(*commands.run(capsys, *map(str, words)))

    return call


GOOD = streams.exchange(streams.sse(streams.chat_text()), label="good")
BAD = streams.exchange(
    streams.sse([{**one, "id": f"chatcmpl-{at}"} for at, one in enumerate(streams.chat_text())], done=False),
    label="bad",
)


@pytest.fixture
def folder(tmp_path) -> Path:
    """A folder of two exchanges: one good, one with changing ids and no [DONE]."""
    home = tmp_path / "exchanges"
    write_exchange_dir(GOOD, home / "good")
    write_exchange_dir(BAD, home / "bad")
    return home


@pytest.fixture
def database(tmp_path) -> Path:
    """A database with the same two."""
    path = tmp_path / "some.db"
    with CaptureDB(path, write=True) as db:
        db.add(GOOD)
        db.add(BAD)
    return path
