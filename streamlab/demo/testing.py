"""The end of the demo: what was just recorded becomes regression fixtures, and pytest runs them."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.text import Text

from streamlab.demo.performance import ActOutcome, RecordedHop
from streamlab.demo.place import called_here
from streamlab.storage.exchange_dir import read_exchange_dir, write_exchange_dir
from streamlab.workflows.regression.fixture import write_expectations


@dataclass(frozen=True, slots=True)
class Tested:
    """What pytest made of the fixtures: exit code and output."""

    folder: Path
    fixtures: int
    code: int
    output: str

    @property
    def green(self) -> bool:
        return self.code == 0


@contextlib.contextmanager
def fixtures_folder(folder: Path | None, *, keep: bool) -> Iterator[Path]:
    """The folder that was named, else a temporary one; the demo never writes into the current folder by itself."""
    if folder is not None:
        yield folder
        return
    made = Path(tempfile.mkdtemp(prefix="streamlab-demo-fixtures-"))
    try:
        yield made
    finally:
        if not keep:
            shutil.rmtree(made, ignore_errors=True)


def run_as_tests(outcomes: Sequence[ActOutcome], folder: Path) -> Tested:
    """Export every recorded hop as a fixture below ``folder``, over one of the same name, and run pytest on it."""
    hops: list[tuple[str, RecordedHop]] = [(outcome.act.name, outcome.front) for outcome in outcomes]
    hops += [(outcome.act.behind_name, outcome.behind) for outcome in outcomes if outcome.behind is not None]
    for name, hop in hops:
        write_exchange_dir(hop.exchange, folder / name)
        write_expectations(folder / name, read_exchange_dir(folder / name))
    command = [sys.executable, "-m", "pytest", "-q", "--color=no", "-p", "no:cacheprovider", str(folder)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    return Tested(folder, len(hops), done.returncode, (done.stdout + done.stderr).strip())


def show_tests(console: Console, tested: Tested) -> None:
    """The command to repeat it, and the result: its last line, or all of it when something failed."""
    last = tested.output.rpartition("\n")[2].strip(" =")
    again = f"{called_here('pytest')} {tested.folder}"
    console.print(Text(f"\n{tested.fixtures} regression fixtures exported. $ {again}"), soft_wrap=True)
    console.print(Text(last if tested.green else tested.output, style="green" if tested.green else "red"))
