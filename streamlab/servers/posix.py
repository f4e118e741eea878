"""What listens, and what starts commands, is built on what Windows lacks: fork, file locks, signals."""

from __future__ import annotations

import os

from streamlab.errors import CouldNotRunError


def need_posix(what: str) -> None:
    """Raise CouldNotRunError, in one line, where that is missing. Called before a module that needs it is imported."""
    if not hasattr(os, "fork"):
        raise CouldNotRunError(f"{what} needs Linux or macOS (on Windows: WSL); check, show and normalize do not")
