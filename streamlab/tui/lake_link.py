"""The screen's end of the process that reads a lake."""

from __future__ import annotations

import subprocess
import sys
import threading
from typing import Any

from streamlab.errors import CouldNotRunError
from streamlab.tui import protocol
from streamlab.tui.lake_protocol import AskLake


class PendingAnswer:
    """A question that is being answered."""

    def __init__(self) -> None:
        self._there = threading.Event()
        self._answer: Any = None

    def take(self, answer: Any, more: bool = False) -> None:
        """The answer has come, or a piece of it."""
        if self._answer is None or isinstance(answer, Exception):
            self._answer = answer
        else:
            self._answer.extend(answer)
        if not more:
            self._there.set()

    def wait(self) -> Any:
        """The answer, when it has come. Raises what the reader raised."""
        self._there.wait()
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


class LakeLink:
    """A process that reads a lake, from here on until `close`. May be asked by several threads at once."""

    def __init__(self, lake: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "streamlab.tui.lake_reader", lake],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is the screen's affair
        )
        self._lock = threading.Lock()
        self._waiting: dict[int, PendingAnswer] = {}
        self._count = 0
        self._gone = False
        self._thread = threading.Thread(target=self._read, name="lake", daemon=True)
        self._thread.start()

    def ask(self, call: str, *arguments: object) -> PendingAnswer:
        """Ask for what a method of `LakeReader` answers."""
        asked = PendingAnswer()
        with self._lock:
            if self._gone:
                asked.take(_stopped())
                return asked
            self._count += 1
            self._waiting[self._count] = asked
            assert self._process.stdin is not None
            try:
                protocol.send(self._process.stdin, AskLake(self._count, call, arguments))
            except (OSError, ValueError):
                asked.take(_stopped())
        return asked

    def _read(self) -> None:
        assert self._process.stdout is not None
        try:
            while (answer := protocol.receive(self._process.stdout)) is not None:
                asked = self._waiting[answer.number] if answer.more else self._waiting.pop(answer.number)
                asked.take(answer.content, answer.more)
        except (OSError, ValueError):
            pass
        with self._lock:
            self._gone = True
            for asked in self._waiting.values():
                asked.take(_stopped())

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._thread.join()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            try:
                pipe.close()
            except OSError:
                pass  # what was still to be asked has nowhere to go


def _stopped() -> CouldNotRunError:
    return CouldNotRunError("what reads the lake has stopped unexpectedly; leave the workbench and open the lake again")
