"""The import contracts hold, can fail, and are not evaded by deferred imports."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINT = Path(sys.executable).parent / "lint-imports"

#: module -> what a core room must never have loaded, however deep
_CORE = ["streamlab.wire.stream", "streamlab.apis.registry", "streamlab.judging.analyzer", "streamlab.exchange"]
_FORBIDDEN = ["asyncio", "socket", "threading", "sqlite3", "random", "httpx", "textual", "rich", "click", "uvloop"]


def _loaded_by(code: str) -> set[str]:
    program = f"import sys\nbefore = set(sys.modules)\n{code}\nprint('\\n'.join(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(done.stdout.split())


@pytest.mark.parametrize("module", _CORE)
def test_core_rooms_load_nothing_that_touches_the_world(module):
    # What importlib.resources or msgspec pull in of the standard library is theirs; what we import is listed here.
    baseline = _loaded_by(
        "import msgspec, zstandard, brotli, zlib, json, dataclasses, enum, typing, difflib, urllib.parse"
    )
    loaded = _loaded_by(f"import {module}\nfrom streamlab.apis import registry\nregistry.all_rules()") - baseline
    assert not {name for name in loaded if name.partition(".")[0] in _FORBIDDEN}


def test_importing_the_package_loads_nothing_else():
    loaded = {name for name in _loaded_by("import streamlab") if name.startswith("streamlab.")}
    assert loaded == set()


def test_help_loads_click_and_no_command():
    loaded = _loaded_by("from streamlab import cli\ntry:\n    cli.main(['--help'])\nexcept SystemExit:\n    pass")
    heavy = {"rich", "textual", "httpx", "sqlite3", "asyncio", "msgspec", "tomllib"}
    assert not heavy & {name.partition(".")[0] for name in loaded}


@pytest.mark.parametrize(
    ("room", "line", "contract"),
    [
        ("streamlab/apis/chat/rules/lifecycle/done_missing.py", "import time", "Core rooms touch nothing"),
        (
            "streamlab/apis/chat/rules/lifecycle/done_missing.py",
            "from streamlab.apis.chat.rules.lifecycle.finish_reason_key_absent import FinishReasonKeyAbsent",
            "Rules are independent of each other",
        ),
        ("streamlab/wire/sse.py", "from streamlab.rules.base import Rule", "Imports point down"),
        ("streamlab/report/text.py", "import sqlite3", "sqlite3 belongs to storage"),
        ("streamlab/servers/dialogue.py", "import socket", "The relay's protocol touches no socket"),
        (
            "streamlab/tui/screens/page.py",
            "from streamlab.storage.capture_db import CaptureDB",
            "Screens ask the watcher, never storage",
        ),
        (
            "streamlab/tui/widgets/rows.py",
            "from streamlab.storage.filtering import SORTS",
            "Screens ask the watcher, never storage",
        ),
        (
            "streamlab/tui/viewing/tour.py",
            "from streamlab.storage.browsing import ListRow",
            "Screens ask the watcher, never storage",
        ),
    ],
)
def test_a_seeded_violation_breaks_its_contract(tmp_path, room, line, contract):
    copy = tmp_path / "project"
    copy.mkdir()
    subprocess.run(["cp", "-r", str(ROOT / "streamlab"), str(copy)], check=True)
    (copy / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    target = copy / room
    target.write_text(target.read_text(encoding="utf-8") + f"\n{line}\n", encoding="utf-8")
    # The copy has to be what is imported, not the installed project.
    done = subprocess.run(
        [str(LINT), "--no-cache"], cwd=copy, capture_output=True, text=True, env={"PYTHONPATH": str(copy), "PATH": ""}
    )
    broken = [text for text in done.stdout.splitlines() if " BROKEN" in text]
    assert any(text.startswith(contract) for text in broken), textwrap.shorten(done.stdout, 2000)
