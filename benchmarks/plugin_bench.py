"""The pytest plugin: what it adds to every start of pytest, and how long a thousand fixtures take on two cores.

``python -m benchmarks.plugin_bench [--quick] [--against CHECKOUT] [--as-user]``: with another checkout, which has a
``.venv``, what it takes for the fixtures beside what this one does, round by round in turn. With ``--as-user`` each
checkout is installed into an environment made for it, with pytest-xdist and nothing else: there pytest loads no plugin
that only our developers have, such as Hypothesis's.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import NamedTuple

from benchmarks.own_environment import user_environment
from benchmarks.relay_bench import Row, finish

_ROOT = Path(__file__).resolve().parent.parent
_MOST_START_MS, _MOST_SECONDS, _MOST_OF_OTHER, _FIXTURES, _ROUNDS = 15.0, 5.0, 0.4, 1000, 3
_DIGITS = b"0123456789"
#: Ids, by the beginnings that servers give them, and numbers of seconds: what differs between answers.
_ID = re.compile(rb"(chatcmpl-|cmpl-|gen-|msg_|resp_|call_|toolu_|fc_|rs_|\"created\": ?)([A-Za-z0-9]{4,})")


def run(*, quick: bool = False, against: Path | None = None, as_user: bool = False) -> list[Row]:
    """Both comparisons."""
    builds = _builds(against, as_user)
    with tempfile.TemporaryDirectory(prefix="streamlab-bench-") as folder:
        bytecode = Path(folder) / "bytecode"
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(bytecode)}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # nobody starts pytest without compiled modules
        # Or each run would remove, at its end, what earlier runs of anything left where all put their files.
        temporary = Path(folder) / "temporary"
        temporary.mkdir()
        environment["PYTEST_DEBUG_TEMPROOT"] = str(temporary)
        return [_start(Path(folder), environment, quick), *_thousand(Path(folder), environment, quick, builds)]


def _builds(against: Path | None, as_user: bool) -> dict[str, str]:
    """What is compared, by its name, and the Python that runs it. Raises RuntimeError where a user's cannot be made."""
    builds = {"this build": sys.executable}
    if against is not None:
        builds["the other"] = str(against / ".venv" / "bin" / "python")
    for name, checkout in zip([*builds] if as_user else (), (_ROOT, against), strict=False):
        assert checkout is not None
        found = user_environment(checkout.resolve(), f"plugin-{name.replace(' ', '-')}", "pytest-xdist")
        if found is None:
            raise RuntimeError(f"{checkout} cannot be installed into an environment of its own")
        builds[name] = found
    return builds


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


def _renamed(table: bytes, found: re.Match[bytes]) -> bytes:
    return found[1] + found[2].translate(table)


def _fixtures(target: Path, count: int) -> None:
    """Variations of our own fixtures: each has ids of its own, of the same length, so that no two are alike."""
    homes = sorted(found.parent for found in (_ROOT / "fixtures").rglob("expected.sse"))
    if not homes:
        raise RuntimeError("no fixture has an expected.sse: run `make fixtures`")
    for number in range(count):
        home = target / f"{number:04}"
        shutil.copytree(homes[number % len(homes)], home)
        shuffled = [*_DIGITS]
        random.Random(number).shuffle(shuffled)
        table = bytes.maketrans(_DIGITS, bytes(shuffled))
        body = home / "body.sse"
        body.write_bytes(_ID.sub(partial(_renamed, table), body.read_bytes()))
    (target / "pytest.ini").write_text("[pytest]\n")


class _Took(NamedTuple):
    """Seconds that pytest took, and its last line."""

    wall: float
    cpu: float
    last: str


def _timed(python: str, target: Path, environment: dict[str, str], *arguments: str) -> _Took:
    """pytest over all fixtures with two workers."""
    command = [python, "-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider", *arguments, str(target)]
    used = os.times()
    before = time.perf_counter()
    done = subprocess.run(command, cwd=target, env=environment, capture_output=True, text=True, check=False)
    took, now = time.perf_counter() - before, os.times()
    cpu = now.children_user + now.children_system - used.children_user - used.children_system
    last = done.stdout.strip().splitlines()[-1] if done.stdout.strip() else done.stderr.strip()
    if done.returncode:
        raise RuntimeError(f"{python}: {last}")
    return _Took(took, cpu, last)


def _thousand(folder: Path, environment: dict[str, str], quick: bool, builds: dict[str, str]) -> list[Row]:
    """A thousand fixtures, findings and normalized stream each, with pytest-xdist on two cores; another checkout, which
    writes its own expectations of the same streams first, by turns with this one."""
    count = _FIXTURES // 10 if quick else _FIXTURES
    for name, python in builds.items():
        _fixtures(folder / name, count)
        _timed(python, folder / name, environment, "--streamlab-update")
    rounds = [
        {name: _timed(python, folder / name, environment) for name, python in builds.items()}
        for _ in range(1 if quick else _ROUNDS)
    ]
    rows = []
    for name in builds:
        took = sorted(one[name].wall * _FIXTURES / count for one in rounds)
        cpu = statistics.median(one[name].cpu * _FIXTURES / count for one in rounds)
        middle = statistics.median(took)
        detail = f"{cpu:.1f} s of CPU; {rounds[-1][name].last}"
        what = f"seconds for {_FIXTURES} fixtures on two cores, {name}"
        rows.append(
            Row(what, middle, took[0], took[-1], "<= 5", middle <= _MOST_SECONDS or name != "this build", detail)
        )
    if "the other" in builds:
        for what in ("wall", "cpu"):
            pairs = sorted(getattr(one["this build"], what) / getattr(one["the other"], what) for one in rounds)
            middle = statistics.median(pairs)
            name = f"this build over the other, {what}, medians of {len(pairs)} rounds"
            rows.append(Row(name, middle, pairs[0], pairs[-1], "<= 0.4", middle <= _MOST_OF_OTHER, ""))
    return rows


def main() -> None:
    """Print both; exit 1 when a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds, a tenth of the fixtures")
    parser.add_argument("--against", type=Path, metavar="CHECKOUT", help="another checkout, with its .venv")
    parser.add_argument("--as-user", action="store_true", help="in environments without what only developers have")
    options = parser.parse_args()
    finish(run(quick=options.quick, against=options.against, as_user=options.as_user))


if __name__ == "__main__":
    main()
