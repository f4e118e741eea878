"""Programs that we are compared with and cannot share our environment with, because they pin what we need newer."""

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
