"""A command in a process of its own, answered without click where it can be (``plainly``), or by it (``by click``)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

_COMMAND = """
import os, sys
from streamlab import cli
if sys.argv.pop(1) == "by click":
    cli._plainly = lambda args: None
try:
    cli.main(sys.argv[1:])
except SystemExit as stop:
    code = stop.code
if "MODULES" in os.environ:
    print(*sys.modules)
raise SystemExit(code)
"""


def said(how: str, folder: Path, *args: str, text: bool = False, **env: str) -> tuple[int, Any, Any]:
    """Exit code, standard output and standard error; with ``MODULES`` the last line of output names what was loaded."""
    known = {name: value for name, value in os.environ.items() if name not in ("STREAMLAB_DB", "COLUMNS")}
    command = [sys.executable, "-c", _COMMAND, how, *args]
    done = subprocess.run(command, cwd=folder, env={**known, **env}, capture_output=True, text=text)
    return done.returncode, done.stdout, done.stderr
