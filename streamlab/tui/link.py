"""The screen's end of the analyst process: starts it, sends questions, hands answers on."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable

from streamlab.tui import protocol


class Link:
    """One analyst process. ``listener`` is called with every answer, from a thread; it may be exchanged.

    Nothing is started before the first question. `close` ends the process and waits for it.
    """

    def __init__(self) -> None:
        self.listener: Callable[[object], None] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._thread: threading.Thread | None = None

    def send(self, question: object) -> None:
        """Ask; a process that has died says nothing any more."""
        process = self._process or self._start()
        assert process.stdin is not None
        try:
            protocol.send(process.stdin, question)
        except (OSError, ValueError):
            return

    def _start(self) -> subprocess.Popen[bytes]:
        # -I would drop PYTHONPATH, by which a checkout may be on the path.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "streamlab.tui.analyst"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            # Ctrl-C is the screen's affair; the process ends when its input does.
            start_new_session=True,
        )
        self._thread = threading.Thread(target=self._read, args=(self._process,), name="analyst", daemon=True)
        self._thread.start()
        return self._process

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        try:
            while (answer := protocol.receive(process.stdout)) is not None:
                listener = self.listener
                if listener is not None:
                    listener(answer)
        except (OSError, ValueError):
            return

    @property
    def pid(self) -> int | None:
        """The number of the process; None before it was started."""
        return self._process.pid if self._process is not None else None

    def close(self) -> None:
        """End the process."""
        process, self._process, self.listener = self._process, None, None
        if process is None:
            return
        process.kill()
        process.wait()
        if self._thread is not None:
            self._thread.join()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:
                    pass
