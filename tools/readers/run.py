"""What SSE readers make of lawful streams: ``python tools/readers/run.py [--write]``.

Installs what is pinned in python.txt and package.json under build/readers, reads every stream of streams.py with every
reader, each in a process of its own, and compares the outcome with results.json (``--write``: takes it for that).
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

sys.path.insert(0, str(Path(__file__).parent))
from streams import CASES, CUT, CUT_SUDDENLY, PAUSE_S, Case, Server

HERE = Path(__file__).parent
HOME = HERE.parents[1] / "build" / "readers"
RESULTS = HERE / "results.json"
_PATIENCE_S = 30
_SLOW = f"not through within {_PATIENCE_S} s"
_AT_ONCE = 4


def main() -> int:
    """Every reader, every stream."""
    python, node = python_environment(), node_environment()
    listed = json.loads(
        subprocess.run([python, "-c", _LIST], capture_output=True, text=True, cwd=HERE, check=True).stdout
    )
    server, found = Server(), {}
    for name, version in listed.items():
        found[name] = {"version": version, **_read_all([python, HERE / "python_readers.py", name], server)}
        print(name, file=sys.stderr)
    for name, version in json.loads((HERE / "package.json").read_text())["dependencies"].items():
        shown = "openai-node" if name == "openai" else name
        words = ["node", HERE / "node_readers.mjs", node, shown]
        found[shown] = {"version": version, **_read_all(words, server)}
        print(shown, file=sys.stderr)
    streams = {case.name: case.about for case in CASES}
    text = json.dumps({"streams": streams, "readers": found}, indent=1, ensure_ascii=False) + "\n"
    if "--write" in sys.argv:
        RESULTS.write_text(text, encoding="utf-8")
        return 0
    expected = json.loads(RESULTS.read_text(encoding="utf-8"))["readers"]
    changed = [
        f"{name}: {case}"
        for name in found
        for case in found[name]
        if expected.get(name, {}).get(case) != found[name][case]
    ]
    print("\n".join(changed) or "as measured before")
    return int(bool(changed))


_LIST = (
    "import json, platform, importlib.metadata as m, python_readers as p;"
    "own = '.'.join(platform.python_version_tuple()[:2]);"
    "print(json.dumps({name: m.version(one[0]) if one[0] else own for name, one in p.READERS.items()}))"
)


def python_environment(name: str = "python") -> Path:
    """The Python of the virtual environment in which the file of that name (python.txt) is installed."""
    venv = HOME / name
    if not (venv / "bin").exists():
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    python = venv / "bin" / "python"
    pip = [python, "-m", "pip", "--quiet", "--disable-pip-version-check", "install", "-r", HERE / f"{name}.txt"]
    subprocess.run(pip, check=True)
    return python


def versions(python: Path, packages: Sequence[str]) -> dict[str, str]:
    """The versions of packages in an environment."""
    listed = "import sys, importlib.metadata as m; print('\\n'.join(m.version(one) for one in sys.argv[1:]))"
    told = subprocess.run([python, "-c", listed, *packages], capture_output=True, text=True, check=True).stdout
    return dict(zip(packages, told.split(), strict=True))


def held_to(results: Path, found: dict[str, Any]) -> int:
    """The exit code of a measurement: 0 where it was the same before, or is taken for that (``--write``)."""
    if "--write" in sys.argv:
        results.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        return 0
    same = json.loads(results.read_text(encoding="utf-8")) == found
    print("as measured before" if same else json.dumps(found, indent=1))
    return int(not same)


def node_environment(name: str = "node", packages: str = "package.json") -> Path:
    """The folder of that name in which the packages that the file names are installed."""
    folder = HOME / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "package.json").write_bytes((HERE / packages).read_bytes())
    subprocess.run(["npm", "install", "--silent", "--no-fund", "--no-audit", "--prefix", folder], check=True)
    return folder


def _read_all(words: list[Any], server: Server) -> dict[str, str]:
    """The outcome of every case, and what the reader does when an answer is over, or cut."""
    again: set[str] = set()

    def read(case: Case) -> str:
        path = f"/{uuid4().hex}/{case.name}"  # of its own: the server counts the requests for it
        outcome = _outcome(case, [*map(str, words), f"http://127.0.0.1:{server.port}{path}"])
        if server.requests[path] > 1:
            again.add(case.name)
        return outcome

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = dict(zip((case.name for case in CASES), pool.map(read, CASES), strict=True))
    for case in CASES:
        if found[case.name] in ("late", _SLOW):  # or the machine was busy: once more, alone
            found[case.name] = read(case)
    return {**found, "at the end": "asks again" if again else "stops", "at a cut": _at_a_cut(words, server)}


def _at_a_cut(words: list[Any], server: Server) -> str:
    """What the reader does where HTTP's last chunk is missing."""

    def read(case: Case) -> str:
        path = f"/{uuid4().hex}/{case.name}"
        url = f"http://127.0.0.1:{server.port}{path}"
        done = subprocess.run([*map(str, words), url], capture_output=True, timeout=_PATIENCE_S)
        if server.requests[path] > 1:
            return "asks again"
        return "raises" if done.returncode else "ends without an error"

    suddenly, announced = read(CUT_SUDDENLY), read(CUT)
    return suddenly if suddenly == announced else f"{suddenly}; {announced} behind `Connection: close`"


def _outcome(case: Case, words: list[str]) -> str:
    """In a few words: "right", what is other, "late", or what was raised."""
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=_PATIENCE_S)
    except subprocess.TimeoutExpired:
        return _SLOW
    events = [json.loads(line) for line in done.stdout.split("\n") if line.startswith("{")]
    datas = tuple(one["data"] for one in events)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["?"])[-1]
        raised = last.partition(":")[0].rpartition(".")[2][:40] if words[0] != "node" else "an error"
        if datas != case.expected:
            return f"raises {raised} after {len(datas)} of {len(case.expected)} events"
    if datas == case.expected:
        return "late" if None in case.writes and _gap(events) < PAUSE_S / 2 else "right"
    if datas == (*case.expected, "two") and case.name == "unterminated":
        return "gives it all the same"
    return _difference(datas, case.expected)


def _gap(events: list[dict[str, Any]]) -> float:
    return float(events[1]["at"] - events[0]["at"])


def _difference(datas: tuple[str, ...], expected: tuple[str, ...]) -> str:
    if not datas:
        return "no event"
    if len(datas) < len(expected):
        gone = [one for one in expected if one not in datas]
        return f"loses {len(expected) - len(datas)} of {len(expected)} events" + ("" if gone else ", others are other")
    if len(datas) > len(expected):
        return f"{len(datas)} events instead of {len(expected)}"
    return "other data: " + json.dumps(next(a for a, b in zip(datas, expected, strict=True) if a != b)[:30])


if __name__ == "__main__":
    sys.exit(main())
