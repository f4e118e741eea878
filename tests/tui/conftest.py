"""One analyst process for all tests; a database with the shipped captures."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from streamlab.storage.capture_db import CaptureDB
from streamlab.storage.targets import find_files
from streamlab.tui.link import Link
from tests.tui.driving import drive, of_chat


@pytest.fixture(scope="session")
def link() -> Iterator[Link]:
    """The analyst process."""
    made = Link()
    yield made
    made.close()


@pytest.fixture(scope="session")
def shipped(tmp_path_factory) -> Path:
    """The shipped captures in a database, in the order of their names."""
    path = tmp_path_factory.mktemp("captures") / "shipped.db"
    with CaptureDB(path, write=True) as database:
        for folder in of_chat():
            for target in find_files(str(folder)):
                database.add(target.read())
    return path


@pytest.fixture
def database(shipped, tmp_path) -> Path:
    """A copy of it to write to."""
    return Path(shutil.copy(shipped, tmp_path / "shipped.db"))


@pytest.fixture
def run(link, tmp_path):
    """Run a story: ``run(story, target=..., size=...)`` or ``run(story, db=...)``."""

    def call(story, target="", size=(120, 40), db=None):
        drive(link, target, tmp_path / "state.json", story, size, db)

    return call
