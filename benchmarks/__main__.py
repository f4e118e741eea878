"""Every benchmark, or those named: ``python -m benchmarks [--quick] [NAME...]``.

Each prints a table of ratios, every one taken inside one run on one machine. What a benchmark needs and does not find
(mitmproxy, a second core) is said, and counts as a miss.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

#: Name -> module; the order is that of the run.
BENCHMARKS = {
    name: f"benchmarks.{name}_bench"
    for name in ("framing", "writer", "size", "relay", "check", "recorded", "normalizer", "replay")
}
BENCHMARKS |= {name: f"benchmarks.{name}_bench" for name in ("plugin", "tui", "watching", "load", "compare", "fleet")}


def _table(name: str, rows: list[Any], seconds: float) -> Table:
    table = Table(title=f"{name} ({seconds:.0f} s)", title_justify="left")
    for column in ("", "comparison", "ratio", "spread", "target", "figures"):
        table.add_column(column, justify="right" if column in ("ratio", "spread") else "left")
    for row in rows:
        cells = (
            "ok" if row.met else "MISS",
            row.name,
            f"{row.ratio:.3g}",
            f"{row.low:.3g} to {row.high:.3g}",
            row.target,
            row.detail,
        )
        table.add_row(*map(Text, cells), style="" if row.met else "yellow")
    return table


def _run(name: str, quick: bool, console: Console) -> bool:
    """Whether every target was met."""
    began = time.perf_counter()
    try:
        rows = importlib.import_module(BENCHMARKS[name]).run(quick=quick)
    except RuntimeError as error:
        console.print(Text(f"{name}: {error}", style="yellow"))
        return False
    console.print(_table(name, rows, time.perf_counter() - began))
    return all(row.met for row in rows)


def main() -> None:
    """Print a table for each; exit 1 when a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds, smaller loads")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}; all when none is given")
    options = parser.parse_args()
    unknown = [name for name in options.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"no benchmark is called {unknown[0]!r}; there are {', '.join(BENCHMARKS)}")
    console = Console(width=None if sys.stdout.isatty() else 180)
    met = [_run(name, options.quick, console) for name in options.names or BENCHMARKS]
    sys.exit(0 if all(met) else 1)


if __name__ == "__main__":
    main()
