"""Work that should take time from nobody: what the recorder's writer and the workbench's analyst do."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

_NICENESS = 10
#: Set to 0 in the environment, nobody stands back: tests wait for these processes, also on a busy machine.
_WISH = "STREAMLAB_STAND_BACK"


def stand_back() -> None:
    """Let other processes go first. For a process that leads a session of its own; does what the system allows."""
    if os.environ.get(_WISH) == "0":
        return
    with contextlib.suppress(OSError, AttributeError):
        os.nice(_NICENESS)
        # Waking up never interrupts another process then; that is left to the end of its turn.
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    with contextlib.suppress(OSError):
        # Linux gives every session its own share of a core, and niceness counts inside it alone.
        Path("/proc/self/autogroup").write_text(str(_NICENESS), encoding="ascii")
