"""A directory with a fixture and nothing else, collected without asking of each of its files who collects it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from streamlab.pytest_plugin.end_of_run import META
from streamlab.pytest_plugin.known import Listeners

_BODY = "body.sse"
#: What a fixture consists of.
_FILES = frozenset((META, _BODY, "expected.sse", "findings.json"))


class FixtureDirectory(pytest.Directory):
    """Gives what ``pytest.Dir`` would: what stands for the fixture, where it is not ignored."""

    def __init__(self, stands_for: type[pytest.File], listeners: Listeners, **more: Any) -> None:
        super().__init__(**more)
        self._stands_for, self._listeners = stands_for, listeners

    def collect(self) -> Iterator[pytest.Collector]:
        """At most one collector."""
        path = self.path / META
        wanted = not self._listeners.may_ignore(self.config) or self.session.isinitpath(path)
        if wanted or not self.ihook.pytest_ignore_collect(collection_path=path, config=self.config):
            yield self._stands_for.from_parent(self, path=path, name=META)

    def __repr__(self) -> str:
        return f"<Dir {self.name}>"


def is_fixture(path: Path, config: pytest.Config, listeners: Listeners) -> bool:
    """Whether a directory, which holds an exchange.json, has a body, and nothing that somebody else could collect."""
    if config.getoption("doctestglob", None) or not listeners.are_known(
        "pytest_collect_file", "pytest_collect_directory"
    ):
        return False
    with os.scandir(path) as entries:
        files = {entry.name: entry.is_file() for entry in entries}
    return _BODY in files and _FILES.issuperset(files) and all(files.values())
