"""The import contracts hold, can fail, and are not evaded by deferred imports."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINT = Path(sys.executable).parent / "lint-imports"

#: Core rooms, and what they must never have loaded, however deep.
_CORE = ["streamlab.wire.stream", "streamlab.apis.registry", "streamlab.judging.analyzer", "streamlab.exchange"]
_FORBIDDEN = ["asyncio", "socket", "threading", "sqlite3", "random", "httpx", "textual", "rich", "click", "uvloop"]


def _loaded_by(code: str) -> set[str]:
    program = f"import sys\nbefore = set(sys.modules)\n{code}\nprint('\\n'.join(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(done.stdout.split())


def test_core_rooms_load_nothing_that_touches_the_world():
    # What importlib.resources or msgspec pull in of the standard library is theirs; what we import is listed here.
    baseline = _loaded_by(
        "import msgspec, zstandard, brotli, zlib, json, dataclasses, enum, typing, difflib, urllib.parse"
    )
    loaded = (
        _loaded_by(f"import {', '.join(_CORE)}\nfrom streamlab.apis import registry\nregistry.all_rules()") - baseline
    )
    assert loaded >= set(_CORE)
    assert not {name for name in loaded if name.partition(".")[0] in _FORBIDDEN}


def test_every_room_but_storage_is_kept_from_sqlite():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    (sources,) = [
        one["source_modules"] for one in contracts["contracts"] if one["name"] == "sqlite3 belongs to storage"
    ]
    rooms = {path.stem for path in (ROOT / "streamlab").iterdir() if path.suffix == ".py" or path.is_dir()}
    assert {one.removeprefix("streamlab.") for one in sources} == rooms - {"storage", "__init__", "__pycache__"}


def test_importing_the_package_loads_nothing_else():
    loaded = {name for name in _loaded_by("import streamlab") if name.startswith("streamlab.")}
    assert loaded == set()


def test_help_loads_click_and_no_command():
    loaded = _loaded_by("from streamlab import cli\ntry:\n    cli.main(['--help'])\nexcept SystemExit:\n    pass")
    heavy = {"rich", "textual", "httpx", "sqlite3", "asyncio", "msgspec", "tomllib"}
    assert not heavy & {name.partition(".")[0] for name in loaded}


def test_what_encrypts_is_loaded_when_a_block_waits_on_disk_and_not_before():
    modules = "cli, cli.check, cli.record, servers.relay, storage.recorder_process, workflows.record, workflows.check"
    loading = "; ".join(f"import streamlab.{one}" for one in modules.split(", "))
    making = (
        "from streamlab.storage.recorder_process import Recording; Recording(pathlib.Path('x'), None, print).files()"
    )
    assert "cryptography" not in _loaded_by(f"import pathlib; {loading}; {making}")
    assert "cryptography" in _loaded_by(
        "from streamlab.storage.block_cipher import BlockCipher as one; one().applied(b'n' * 16, b'')"
    )


#: module, a line that does not belong there, the contract it breaks, and how `lint-imports` names the import.
_VIOLATIONS = [
    ("apis/chat/rules/lifecycle/done_missing.py", "import time", "Core rooms touch nothing", "time"),
    (
        "apis/chat/rules/lifecycle/done_missing.py",
        "from streamlab.apis.chat.rules.lifecycle.finish_reason_key_absent import FinishReasonKeyAbsent",
        "Rules are independent of each other",
        "streamlab.apis.chat.rules.lifecycle.finish_reason_key_absent",
    ),
    ("wire/sse.py", "from streamlab.rules.base import Rule", "Imports point down", "streamlab.rules.base"),
    ("report/text.py", "import sqlite3", "sqlite3 belongs to storage", "sqlite3"),
    ("workflows/doctor.py", "import sqlite_utils", "sqlite3 belongs to storage", "sqlite_utils"),
    ("servers/dialogue.py", "import socket", "The relay's protocol touches no socket", "socket"),
    (
        "tui/screens/page.py",
        "from streamlab.storage.capture_db import CaptureDB",
        "Screens ask the watcher, never storage",
        "streamlab.storage.capture_db",
    ),
    (
        "tui/widgets/rows.py",
        "from streamlab.storage.filtering import SORTS",
        "Screens ask the watcher, never storage",
        "streamlab.storage.filtering",
    ),
    (
        "tui/viewing/tour.py",
        "from streamlab.storage.browsing import ListRow",
        "Screens ask the watcher, never storage",
        "streamlab.storage.browsing",
    ),
]


@pytest.fixture(scope="module")
def violated(tmp_path_factory) -> dict[str, str]:
    """What `lint-imports` says of a copy with all violations, by contract."""
    copy = tmp_path_factory.mktemp("seeded") / "project"
    shutil.copytree(ROOT / "streamlab", copy / "streamlab", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    for room, line, _, _ in _VIOLATIONS:
        with (copy / "streamlab" / room).open("a", encoding="utf-8") as module:
            module.write(f"\n{line}\n")
    # The copy has to be what is imported, not the installed project.
    done = subprocess.run(
        [str(LINT), "--no-cache"], cwd=copy, capture_output=True, text=True, env={"PYTHONPATH": str(copy), "PATH": ""}
    )
    broken = done.stdout.partition("Broken contracts")[2]
    names = "|".join(re.escape(contract) for _, _, contract, _ in _VIOLATIONS)
    parts = re.split(rf"^({names})\n-+$", broken, flags=re.MULTILINE)
    return {name: " ".join(said.split()) for name, said in zip(parts[1::2], parts[2::2], strict=True)}


@pytest.mark.parametrize(("room", "line", "contract", "imported"), _VIOLATIONS)
def test_a_seeded_violation_breaks_its_contract(violated, room, line, contract, imported):
    importer = "streamlab." + room.removesuffix(".py").replace("/", ".")
    assert f"- {importer} -> {imported} (l." in violated[contract]
