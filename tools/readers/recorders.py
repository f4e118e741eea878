"""What recorders for tests keep of a stream: ``python tools/readers/recorders.py [--write]``.

Each records an answer whose two events come a second apart, once whole and once cut behind the second event, and
replays it in a process of its own; the outcome is compared with recorders.json (``--write``: taken for that).
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from run import held_to, python_environment, versions
from streams import PAUSE_S, Server

HERE = Path(__file__).parent
RESULTS = HERE / "recorders.json"
EXPECTED = "data: one\n\ndata: two\n\n"
NAMES = ("bare httpx", "vcrpy httpx", "bare aiohttp", "vcrpy aiohttp", "bare requests", "vcrpy requests",
         "responses requests")  # fmt: skip


def main() -> int:
    """Every recorder with every client."""
    python, server = python_environment(), Server(once=False)
    with tempfile.TemporaryDirectory() as folder:
        recorders = {name: _measured(python, server, name, Path(folder)) for name in NAMES}
    packages = sorted({word for name in NAMES for word in name.split()} - {"bare"})
    return held_to(RESULTS, {"versions": versions(python, packages), "recorders": recorders})


def _measured(python: Path, server: Server, name: str, folder: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for case in ("late-lf", "cut"):
        path, file = f"/{name.replace(' ', '-')}/{case}", folder / f"{name}-{case}.yaml"

        def read(path: str = path, file: Path = file) -> dict[str, Any]:
            words = [python, HERE / "python_recorders.py", name, f"http://127.0.0.1:{server.port}{path}", file]
            said = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True).stdout
            return dict(json.loads(said))

        recording = read()
        if case == "late-lf":
            found["first event"] = "as it comes" if recording["gap"] > PAUSE_S / 2 else "with the last"
        else:
            found["cut, recording"] = _told(recording)
        if name.startswith("bare"):
            continue
        before = server.requests[path]
        replayed = _told(read()) + (", from the live server" if server.requests[path] > before else "")
        found["whole, replayed" if case == "late-lf" else "cut, replayed"] = replayed
        if case == "cut":
            kept = file.read_text(encoding="utf-8") if file.exists() else None
            found["cut, kept"] = "no file" if kept is None else "a file" if "one" in kept else "a file with no event"
    return found


def _told(got: dict[str, Any]) -> str:
    events = {EXPECTED: "both events", "": "no event"}.get(got["text"], "other text")
    return f"{events}, {got['ended']}"


if __name__ == "__main__":
    sys.exit(main())
