"""A log of one line a thing, with the time before it, in a file that may be moved away while it is written."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from datetime import UTC, datetime
from pathlib import Path

from streamlab.errors import CouldNotRunError, UsageError
from streamlab.report.unblocked import Unblocked
from streamlab.wire.visible import visible


class LogFile:
    """Appends; several processes may. A file that was moved or deleted is made anew with the next line, so a rotation
    needs no signal. What cannot be written (a full disk) is lost, and nobody waits for it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = self._open()
        if not stat.S_ISREG(os.fstat(self._descriptor).st_mode):
            os.close(self._descriptor)
            raise UsageError(f"--log {path}: not a regular file")

    def _open(self) -> int:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
        try:
            return os.open(self._path, flags, 0o600)
        except OSError as error:
            raise CouldNotRunError(
                f"cannot write the log {self._path}: {(error.strerror or str(error)).lower()}"
            ) from None

    def line(self, text: str) -> None:
        """One line."""
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        with contextlib.suppress(OSError, CouldNotRunError):
            if self._moved():
                os.close(self._descriptor)
                self._descriptor = self._open()
            os.write(self._descriptor, f"{now} {visible(text)}\n".encode("utf-8", "replace"))

    def _moved(self) -> bool:
        ours = os.fstat(self._descriptor)
        try:
            there = os.stat(self._path)
        except OSError:
            return True
        return (ours.st_dev, ours.st_ino) != (there.st_dev, there.st_ino)


class Teller:
    """What a process that must never wait says beside its work: on standard error, and in a log where there is one."""

    def __init__(self, log: Path | None) -> None:
        self._beside = Unblocked(sys.stderr)
        self._log = LogFile(log) if log is not None else None

    @property
    def quiet(self) -> bool:
        """Whether notes would go nowhere: a terminal shows something better."""
        return self._log is None and self._beside.isatty()

    def note(self, text: str) -> None:
        """How it stands."""
        if not self._beside.isatty():
            self._beside.line(text)
        if self._log is not None:
            self._log.line(text)

    def warn(self, text: str) -> None:
        """What somebody should know."""
        self._beside.line(f"streamlab: warning: {text}")
        if self._log is not None:
            self._log.line(f"warning: {text}")
