"""Work that should take time from nobody: what the recorder's writer and the workbench's analyst do."""

from __future__ import annotations

import contextlib
import os
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path

NICENESS = 10
#: From how many bytes behind on a process no longer stands back, and below how many it does again.
BEHIND_BYTES, CAUGHT_UP_BYTES = 8 * 1024 * 1024, 1024 * 1024
#: How often another looks at that; a second without getting on is too long.
LOOKS_A_SECOND = 4
#: Set to 0 in the environment, nobody stands back: tests wait for these processes, also on a busy machine.
_WISH = "STREAMLAB_STAND_BACK"


def stand_back() -> None:
    """Let other processes go first. For a process that leads a session of its own; does what the system allows."""
    _stand_back_here()
    _share_of_session(NICENESS)


def _stand_back_here() -> None:
    if os.environ.get(_WISH) == "0":
        return
    with contextlib.suppress(OSError, AttributeError):
        # On Linux of this thread alone; elsewhere of the process, for good. Never back up: root may.
        os.setpriority(os.PRIO_PROCESS, 0, max(NICENESS, os.getpriority(os.PRIO_PROCESS, 0)))
        # Waking up never interrupts another process then; that is left to the end of its turn.
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def _share_of_session(niceness: int, pid: int | str = "self") -> bool:
    """Whether that was possible. The system takes it from all of us together ten times a second, and not more."""
    if os.environ.get(_WISH) == "0":
        return True
    with contextlib.suppress(OSError):
        # Linux gives every session its own share of a core, and niceness counts inside it alone.
        Path(f"/proc/{pid}/autogroup").write_text(str(niceness), encoding="ascii")
        return True
    return False


class SharePolicy:
    """When a process that stands back is to do so no more, as seen by another that feeds it: on a busy machine it may
    be in the middle of one piece of work for seconds, and cannot see that itself.

    Told now and then of two positions in one stream: how far it was fed, and how far it has come.
    """

    def __init__(self, set_share: Callable[[int], object] | None = None) -> None:
        self._set_share = set_share
        self._fed: deque[int] = deque(maxlen=LOOKS_A_SECOND)
        self._raised = 0  # for so many looks

    def look(self, pid: int, fed: int, done: int) -> None:
        """Called `LOOKS_A_SECOND` times a second; lets ``pid`` work like anybody else, or stand back again."""
        waiting, overdue = fed - done, len(self._fed) == LOOKS_A_SECOND and done < self._fed[0]
        if waiting > BEHIND_BYTES or overdue:
            if self._raised % LOOKS_A_SECOND == 0:  # once more from time to time: it decides about itself as well
                self._share(pid, 0)
            self._raised += 1
        elif self._raised and waiting < CAUGHT_UP_BYTES and done >= self._fed[-1]:
            self._share(pid, NICENESS)
            self._raised = 0
        self._fed.append(fed)

    def _share(self, pid: int, niceness: int) -> None:
        if self._set_share is not None:
            self._set_share(niceness)
        else:
            _share_of_session(niceness, pid)


class BackgroundThread:
    """Runs calls in a thread that stands back, while the caller waits. Who may not lower a niceness can so have work
    done both ways. For a process that leads a session of its own.

    ``lasting``: the session as a whole stands back from the start, and from each call on, until `hurry`.
    """

    def __init__(self, *, lasting: bool = False) -> None:
        self._lasting = lasting
        self._call: Callable[[], None] | None = None
        self._error: BaseException | None = None
        self._full = not (lasting and _share_of_session(NICENESS))
        self._begin, self._done = threading.Semaphore(0), threading.Semaphore(0)
        threading.Thread(target=self._run, name="background", daemon=True).start()

    def run(self, call: Callable[[], None]) -> None:
        """Until the call returns; what it raises is raised here."""
        if self._full or not self._lasting:
            self._full = not _share_of_session(NICENESS)
        self._call, self._error = call, None
        self._begin.release()
        self._done.acquire()
        if not self._lasting:
            self._full = _share_of_session(0)
        if self._error is not None:
            raise self._error

    def hurry(self) -> None:
        """Make sure, between two pieces of work of the caller's, that nobody stands back."""
        if not self._full:
            self._full = _share_of_session(0)

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
