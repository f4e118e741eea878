"""Which signals end a command in order: what it made for itself is removed, what it started ends, the terminal is given
back."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType


def signals_to_leave_at() -> list[signal.Signals]:
    """SIGTERM and, when a terminal's window is closed, SIGHUP; but for those that whoever started us has us ignore."""
    known = (getattr(signal, name, None) for name in ("SIGTERM", "SIGHUP"))
    return [one for one in known if one is not None and signal.getsignal(one) is not signal.SIG_IGN]


def leave_at_signals() -> None:
    """From now on they raise SystemExit, so that every ``finally`` is come by; processes that are forked from this one
    end at once."""
    owner = os.getpid()

    def leave(number: int, _: FrameType | None) -> None:
        if os.getpid() == owner:
            sys.exit(128 + number)
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    for number in signals_to_leave_at():
        signal.signal(number, leave)
