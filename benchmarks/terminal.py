"""A program on a terminal of its own: when its screen is there, how fast it answers keys, how much memory it takes."""

from __future__ import annotations

import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Sequence
from pathlib import Path

_ESCAPES = re.compile(rb"\x1b\[[0-9;?<>=]*[ -/]*[@-~]|\x1b[()][A-Z0-9]|\x1b[=>]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")
_QUIET = 0.12


class Terminal:
    """Started on construction. Use as a context manager: the program is killed at the end."""

    def __init__(self, command: Sequence[str], environment: dict[str, str], size: tuple[int, int] = (120, 40)) -> None:
        self._master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        self.started = time.perf_counter()
        self.process = subprocess.Popen(
            list(command),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**environment, "TERM": "xterm-256color", "COLORTERM": "truecolor"},
            start_new_session=True,
        )
        os.close(slave)
        self._tail = b""
        self.peak: dict[str, int] = {}  # program -> kilobytes

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        for pid in [*_children(self.process.pid), self.process.pid]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()
        os.close(self._master)

    def _read(self, seconds: float) -> bytes:
        ready, _, _ = select.select([self._master], [], [], seconds)
        if not ready:
            return b""
        try:
            return os.read(self._master, 1 << 16)
        except OSError:
            return b""

    def until(self, marker: str, seconds: float = 60.0) -> float:
        """Seconds from the start until what a regular expression describes is on the screen. Raises TimeoutError."""
        wanted, raw, seen = re.compile(marker.encode()), b"", b""
        while time.perf_counter() - self.started < seconds:
            raw += self._read(0.05)
            # What has been looked through is not looked through again: that would take time from what is measured.
            cut = raw.rfind(b"\x1b", -32)
            whole, raw = (raw, b"") if cut < 0 else (raw[:cut], raw[cut:])
            seen = seen[-200:] + _ESCAPES.sub(b"", whole)
            if wanted.search(seen + _ESCAPES.sub(b"", raw)):
                return time.perf_counter() - self.started
            if self.process.poll() is not None:
                break
        raise TimeoutError(f"{marker!r} did not appear: {seen[-600:]!r}")

    def quiet(self, seconds: float = 60.0, lasting: float = 1.0) -> None:
        """Wait until nothing has been drawn for a while, noting the memory."""
        end, last = time.perf_counter() + seconds, time.perf_counter()
        while time.perf_counter() < end and time.perf_counter() - last < lasting:
            if self._read(0.05):
                last = time.perf_counter()
            self.note_memory()

    def answer(self, keys: bytes, seconds: float = 5.0) -> float:
        """Seconds from a key until the screen begins to change; what follows is read until it rests."""
        while self._read(0.0):
            pass
        began = time.perf_counter()
        os.write(self._master, keys)
        found = b""
        while not found and time.perf_counter() - began < seconds:
            found = self._read(seconds)
        taken = time.perf_counter() - began
        while self._read(_QUIET):
            pass
        return taken

    def write(self, keys: bytes) -> None:
        """Press keys without waiting."""
        os.write(self._master, keys)

    def seen(self, seconds: float) -> bytes:
        """What is drawn within a while, without the escape sequences."""
        end, data = time.perf_counter() + seconds, b""
        while (left := end - time.perf_counter()) > 0 and not data:
            data = self._read(left)
        return _ESCAPES.sub(b"", data)

    def note_memory(self) -> None:
        """Note the peak of the program and of each process it started."""
        self._note("program", self.process.pid)
        for pid in _children(self.process.pid):
            self._note("helper", pid)

    def _note(self, name: str, pid: int) -> None:
        try:
            status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
        except OSError:
            return
        found = re.search(r"VmHWM:\s+(\d+)", status)
        if found:
            self.peak[name] = max(self.peak.get(name, 0), int(found[1]))


def _children(pid: int) -> list[int]:
    try:
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    except OSError:
        return []
    return [int(one) for one in listed.split()]
