"""Where the demo records to, and where it writes exchanges to when asked."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from streamlab.demo.performance import ActOutcome
from streamlab.storage.exchange_dir import write_exchange_dir
from streamlab.storage.location import default_db


@dataclass(frozen=True, slots=True)
class DemoDatabase:
    """A database; ``stays`` says whether it is still there when the demo is over."""

    path: Path
    stays: bool

    @property
    def option(self) -> str:
        """What a later command needs to find it."""
        return "" if self.path == default_db() else f" --db {self.path}"


@contextlib.contextmanager
def database(db: Path | None, *, keep: bool) -> Iterator[DemoDatabase]:
    """The named database, else the one in captures/ where that folder is, else one in a temporary folder."""
    if db is not None:
        yield DemoDatabase(db, stays=True)
    elif Path("captures").is_dir():
        yield DemoDatabase(default_db(), stays=True)
    else:
        folder = Path(tempfile.mkdtemp(prefix="streamlab-demo-"))
        try:
            yield DemoDatabase(folder / "streamlab.db", stays=keep)
        finally:
            if not keep:
                shutil.rmtree(folder, ignore_errors=True)


def called_here(command: str) -> str:
    """How a command of this environment is called from the current folder: by its name where the shell finds it."""
    if shutil.which(command) is None:
        beside = Path(sys.executable).with_name(command)
        if beside.exists():
            inside = beside.is_relative_to(Path.cwd())
            return os.path.relpath(beside) if inside else str(beside)
    return command


def export(outcomes: Sequence[ActOutcome], folder: Path) -> None:
    """Writes every recorded exchange as a directory named after its act, over one that is there."""
    for outcome in outcomes:
        named = [(outcome.act.name, outcome.front)]
        if outcome.behind is not None:
            named.append((outcome.act.behind_name, outcome.behind))
        for name, hop in named:
            write_exchange_dir(hop.exchange, folder / name)
