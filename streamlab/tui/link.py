"""The screen's end of the analyst process: starts it, sends questions, hands answers on."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable

from streamlab.tui import protocol


class Link:
    """One analyst process. ``listener`` is called with every answer, from a thread; it may be exchanged.

    The process is started by `start` or the first question, and by the next question after it died. `close` ends it
    and waits.
    """

    def __init__(self) -> None:
        self.listener: Callable[[object], None] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._thread: threading.Thread | None = None
        self._closed = False

    def start(self) -> subprocess.Popen[bytes]:
        """Start the process, so that it is ready when it is asked."""
        if self._process is None:
            # -I would drop PYTHONPATH, by which a checkout may be on the path.
            self._process = subprocess.Popen(
                [sys.executable, "-m", "streamlab.tui.analyst"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                # Ctrl-C is the screen's affair; the process ends when its input does.
                start_new_session=True,
            )
        return self._process

    def send(self, question: object) -> None:
        """Ask. What a process that dies was asked is lost, and the listener is told."""
        process = self.start()
        if self._thread is None:
            self._thread = threading.Thread(target=self._read, args=(process,), name="analyst", daemon=True)
            self._thread.start()
        assert process.stdin is not None
        try:
            protocol.send(process.stdin, question)
        except (OSError, ValueError):
            return

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        try:
            while (answer := protocol.receive(process.stdout)) is not None:
                self._tell(answer)
        except (OSError, ValueError):
            pass
        if not self._closed:
            self._process = self._thread = None
            _end(process)
            self._tell(
                protocol.Failed("the analysis has stopped unexpectedly; open the exchange again to start it anew")
            )

    def _tell(self, answer: object) -> None:
        listener = self.listener
        if listener is not None:
            listener(answer)

    @property
    def pid(self) -> int | None:
        """The number of the process; None while there is none."""
        return self._process.pid if self._process is not None else None

    def close(self) -> None:
        """End the process."""
        self._closed = True
        process, thread, self.listener = self._process, self._thread, None
        self._process = self._thread = None
        if process is None:
            return
        process.kill()
        if thread is not None:
            thread.join()
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            try:
                pipe.close()
            except OSError:
                pass  # what was still to be sent has nowhere to go
