"""Consoles for data (stdout) and for progress and diagnostics (stderr); both honour NO_COLOR and pipes."""

from __future__ import annotations

import sys

from rich.console import Console


def data() -> Console:
    """Where answers go. Not wrapped when it is a pipe: somebody may grep it."""
    return Console(
        file=sys.stdout, highlight=False, emoji=False, markup=False, width=None if sys.stdout.isatty() else 240
    )


def diagnostics() -> Console:
    """Where progress and complaints go."""
    return Console(file=sys.stderr, highlight=False, emoji=False, markup=False, stderr=True)
