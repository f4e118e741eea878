"""Environments below our own: for programs that we are compared with, because they pin what we need newer, and for a
checkout as a user has it, without what only developers install."""

from __future__ import annotations

import shutil
import subprocess
import sys
import venv
from pathlib import Path


def command_of(package: str, command: str) -> str | None:
    """The path of a package's command: on PATH, or installed at its first use into an environment below our own.

    None where it cannot be installed.
    """
    home = Path(sys.prefix) / "bench" / package
    path = home / "bin" / command
    if path.exists():
        return str(path)
    if found := shutil.which(command):
        return found
    print(f"  installing {package} into an environment of its own", file=sys.stderr, flush=True)
    venv.create(home, with_pip=True, clear=True)
    pip = [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", package]
    if subprocess.run(pip, capture_output=True).returncode or not path.exists():
        return None
    return str(path)


def user_environment(checkout: Path, name: str, *packages: str) -> str | None:
    """The Python of an environment with what a user of a checkout has: the checkout, what it needs, and ``packages``.

    Made at its first use and brought up to date at each. None where that cannot be done, as without a network.
    """
    home = Path(sys.prefix) / "bench" / name
    python = home / "bin" / "python"
    print(f"  installing {checkout} into an environment of its own", file=sys.stderr, flush=True)
    if not python.exists():
        venv.create(home, with_pip=True, clear=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-e", str(checkout)]
    return None if subprocess.run([*pip, *packages], capture_output=True).returncode else str(python)
