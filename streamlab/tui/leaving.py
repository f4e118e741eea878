"""Which signals end a command in order: what it made for itself is removed, the terminal is given back."""

from __future__ import annotations

import signal
import sys
from types import FrameType


def signals_to_leave_at() -> list[signal.Signals]:
    """SIGTERM and, when a terminal's window is closed, SIGHUP; but for those that whoever started us has us ignore."""
    known = (getattr(signal, name, None) for name in ("SIGTERM", "SIGHUP"))
    return [one for one in known if one is not None and signal.getsignal(one) is not signal.SIG_IGN]


def leave_at_signals() -> None:
    """From now on they raise SystemExit, so that every ``finally`` is come by."""
    for number in signals_to_leave_at():
        signal.signal(number, _leave)


def _leave(number: int, _: FrameType | None) -> None:
    sys.exit(128 + number)
