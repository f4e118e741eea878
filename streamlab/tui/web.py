"""``streamlab tui --web``: the same workbench in a browser, served by textual-serve."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from streamlab.errors import CouldNotRunError, UsageError


def serve(target: str | None, db: Path | None, listen: str) -> None:
    """Serve until it is interrupted. Raises CouldNotRunError where textual-serve is not installed."""
    host, _, port = listen.rpartition(":")
    if not (host and port.isascii() and port.isdigit() and int(port) < 65536):
        raise UsageError(f"{listen!r} is not HOST:PORT")
    try:
        from textual_serve.server import Server
    except ImportError:
        raise CouldNotRunError("--web needs textual-serve: pip install 'streamlab[web]'") from None
    words = [
        sys.executable,
        "-m",
        "streamlab",
        "tui",
        *([target] if target else []),
        *(["--db", str(db)] if db else []),
    ]
    Server(shlex.join(words), host=host, port=int(port), title="streamlab").serve()
