"""Work that should take time from nobody: what the recorder's writer and the workbench's analyst do."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable
from pathlib import Path

_NICENESS = 10
#: Set to 0 in the environment, nobody stands back: tests wait for these processes, also on a busy machine.
_WISH = "STREAMLAB_STAND_BACK"


def stand_back() -> None:
    """Let other processes go first. For a process that leads a session of its own; does what the system allows."""
    _stand_back_here()
    _share_of_session(_NICENESS)


def _stand_back_here() -> None:
    if os.environ.get(_WISH) == "0":
        return
    with contextlib.suppress(OSError, AttributeError):
        # On Linux of this thread alone; elsewhere of the process, for good.
        os.setpriority(os.PRIO_PROCESS, 0, _NICENESS)
        # Waking up never interrupts another process then; that is left to the end of its turn.
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def _share_of_session(niceness: int) -> None:
    if os.environ.get(_WISH) == "0":
        return
    with contextlib.suppress(OSError):
        # Linux gives every session its own share of a core, and niceness counts inside it alone.
        Path("/proc/self/autogroup").write_text(str(niceness), encoding="ascii")


class BackgroundThread:
    """Runs calls in a thread that stands back, while the caller waits. Who may not lower a niceness can so have work
    done both ways. For a process that leads a session of its own."""

    def __init__(self) -> None:
        self._call: Callable[[], None] | None = None
        self._error: BaseException | None = None
        self._begin, self._done = threading.Semaphore(0), threading.Semaphore(0)
        threading.Thread(target=self._run, name="background", daemon=True).start()

    def run(self, call: Callable[[], None]) -> None:
        """Until the call returns; what it raises is raised here."""
        _share_of_session(_NICENESS)
        self._call, self._error = call, None
        self._begin.release()
        self._done.acquire()
        _share_of_session(0)
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        _stand_back_here()
        while True:
            self._begin.acquire()
            try:
                assert self._call is not None
                self._call()
            except BaseException as error:
                self._error = error
            self._done.release()
