"""Tries the lowest and the newest dependencies that pyproject.toml allows, on each Python that can be had here.

Lowest means the floor of every direct dependency, and whatever pip makes of the rest. Runs the tests that touch a
dependency's interface: command line, reports, storage, redrawing. ``tools/floors.py [PYTHON ...]``
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
VERSIONS = ("3.11", "3.12", "3.13", "3.14")
TESTS = ("tests/cli", "tests/report", "tests/storage", "tests/wire", "tests/interop/test_formats.py",
         "tests/tui/test_commands.py", "tests/tui/test_events.py", "tests/test_pytest_plugin.py")  # fmt: skip
#: What the tests themselves need; it has no floor to keep.
TOOLS = ("hypothesis", "jsonschema", "openai>=2", "pytest-xdist", "vcrpy")
_FLOOR = re.compile(r"([A-Za-z0-9._-]+)(?:\[[^]]*\])?>=([0-9.]+)")


def pythons() -> list[str]:
    """The interpreters of this machine that `requires-python` allows: on PATH, or pyenv's."""
    found = []
    for version in VERSIONS:
        pyenv = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
        candidates = [str(one) for one in pyenv] + [path for path in [shutil.which(f"python{version}")] if path]
        if candidates:
            found.append(candidates[0])
    return found


def floors() -> list[str]:
    """Every direct dependency at its floor."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = (_FLOOR.match(one) for one in project["dependencies"])
    return [f"{match[1]}=={match[2]}" for match in named if match is not None]


def tried(python: str, which: str) -> bool:
    """Whether the tests pass there."""
    home = ROOT / "build" / "floors" / f"{which}-{_version(python)}"
    shutil.rmtree(home, ignore_errors=True)
    home.parent.mkdir(parents=True, exist_ok=True)
    _run(python, "-m", "venv", str(home))
    inner = str(home / "bin" / "python")
    constraints = home / "constraints.txt"
    constraints.write_text("\n".join(floors()) if which == "lowest" else "", encoding="utf-8")
    pip = (inner, "-m", "pip", "--quiet", "--disable-pip-version-check")
    _run(*pip, "install", "--upgrade", "--constraint", str(constraints), str(ROOT), *TOOLS)
    shown = subprocess.run([*pip, "list", "--format=freeze"], capture_output=True, text=True, check=True).stdout
    (home / "installed.txt").write_text(shown, encoding="utf-8")
    # The package of the tree is what the tests import; installed are its dependencies and its plugin.
    done = subprocess.run([inner, "-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider", *TESTS], cwd=ROOT)
    return done.returncode == 0


def _version(python: str) -> str:
    said = "import platform; print(platform.python_version())"
    return subprocess.run([python, "-c", said], capture_output=True, text=True, check=True).stdout.strip()


def _came_through(python: str, which: str) -> bool:
    """`tried`; what cannot be installed there has not come through either."""
    try:
        return tried(python, which)
    except subprocess.CalledProcessError as error:
        print(error, file=sys.stderr)
        return False


def _run(*command: str) -> None:
    subprocess.run(command, check=True)


def main() -> int:
    failed = []
    for python in sys.argv[1:] or pythons():
        for which in ("lowest", "newest"):
            print(f"== {which} on {python}", flush=True)
            if not _came_through(python, which):
                failed.append(f"{which} on {python}")
    print("\n".join(f"failed: {one}" for one in failed) or "floors and newest: all green")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
