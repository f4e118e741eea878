"""The pytest plugin: what it adds to every start of pytest, and how long a thousand fixtures take on two cores.

``python -m benchmarks.plugin_bench [--quick]``
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.relay_bench import Row, finish

_ROOT = Path(__file__).resolve().parent.parent
_MOST_START_MS, _MOST_SECONDS, _FIXTURES = 15.0, 60.0, 1000


def run(*, quick: bool = False) -> list[Row]:
    """Both comparisons."""
    with tempfile.TemporaryDirectory(prefix="streamlab-bench-") as folder:
        bytecode = Path(folder) / "bytecode"
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(bytecode)}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # nobody starts pytest without compiled modules
        return [_start(Path(folder), environment, quick), _thousand(Path(folder), environment, quick)]


def _start(folder: Path, environment: dict[str, str], quick: bool) -> Row:
    """An empty collection with the plugin and without it, by turns; the first round fills the caches."""
    empty = folder / "empty"
    empty.mkdir()
    (empty / "pytest.ini").write_text("[pytest]\n")
    others = [f"-pno:{name}" for name in ("xdist", "cov", "hypothesispytest", "anyio")]
    took: dict[str, list[float]] = {"with": [], "without": []}
    for number in range(6 if quick else 31):
        for kind, arguments in (("with", []), ("without", ["-pno:streamlab"])):
            command = [sys.executable, "-m", "pytest", "--collect-only", "-q", *others, *arguments]
            before = time.perf_counter()
            subprocess.run(command, cwd=empty, env=environment, capture_output=True, check=False)
            if number:
                took[kind].append((time.perf_counter() - before) * 1000)
    pairs = [one - other for one, other in zip(took["with"], took["without"], strict=True)]
    more = statistics.median(pairs)
    low, _, high = statistics.quantiles(pairs, n=4)
    detail = f"pytest alone {statistics.median(took['without']):.0f} ms, {len(pairs)} pairs"
    return Row("ms the plugin adds to a start of pytest", more, low, high, "< 15", more < _MOST_START_MS, detail)


def _thousand(folder: Path, environment: dict[str, str], quick: bool) -> Row:
    """A thousand copies of our own fixtures, findings and normalized stream each, with pytest-xdist on two cores."""
    count = _FIXTURES // 10 if quick else _FIXTURES
    homes = sorted(found.parent for found in (_ROOT / "fixtures").rglob("expected.sse"))
    if not homes:
        raise RuntimeError("no fixture has an expected.sse: run `make fixtures`")
    target = folder / "many"
    for number in range(count):
        shutil.copytree(homes[number % len(homes)], target / f"{number:04}")
    (target / "pytest.ini").write_text("[pytest]\n")
    before = time.perf_counter()
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider", str(target)]
    done = subprocess.run(command, cwd=target, env=environment, capture_output=True, text=True, check=False)
    took = (time.perf_counter() - before) * _FIXTURES / count
    last = done.stdout.strip().splitlines()[-1] if done.stdout.strip() else done.stderr.strip()
    met = done.returncode == 0 and took <= _MOST_SECONDS
    return Row(f"seconds for {_FIXTURES} fixtures on two cores", took, took, took, "<= 60", met, last)


def main() -> None:
    """Print both; exit 1 when a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds, a tenth of the fixtures")
    rows = run(quick=parser.parse_args().quick)
    finish(rows)


if __name__ == "__main__":
    main()
