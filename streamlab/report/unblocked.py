"""Writes to a stream that perhaps nobody reads, and never waits: what does not fit is left out and counted."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import stat
import sys
from typing import TextIO

from streamlab.wire.visible import visible

#: What a pipe that can be written to at all takes without waiting, on every system, whole and not mixed with others'.
_SAFE = 512


class Unblocked:
    """A text stream for `print` and for Rich, in front of another's descriptor.

    A terminal that is stopped (Ctrl-S), a full pipe, a reader that is gone: nothing waits, nothing raises. A text goes
    out whole or, where its reader is behind, not at all; the next that fits says how many were left out.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._left_out = 0
        self._descriptor, self._own, self._socket = -1, False, None
        with contextlib.suppress(OSError, ValueError):
            self._descriptor, self._socket = _own_descriptor(stream.fileno()), _as_socket(stream.fileno())
            self._own = self._descriptor != stream.fileno()
        self.encoding = stream.encoding or "utf-8"

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return self._stream.isatty()

    def fileno(self) -> int:
        """The descriptor behind it, for whoever asks for the size of the terminal."""
        return self._stream.fileno()

    def __del__(self) -> None:
        if self._socket is not None:
            self._socket.close()
        if self._own:
            with contextlib.suppress(OSError):
                os.close(self._descriptor)

    def flush(self) -> None:
        """Nothing is kept back."""

    def line(self, text: str) -> None:
        """One line for people, harmless to a terminal."""
        self.write(f"{visible(text)}\n")

    def write(self, text: str) -> int:
        """Write what can be written at once."""
        if self._left_out:
            said = f"streamlab: {self._left_out} lines were left out, nobody was reading\n"
            if not self._put(said.encode(self.encoding, "replace")):
                self._left_out += 1
                return len(text)
            self._left_out = 0
        if not self._put(text.encode(self.encoding, "replace")):
            self._left_out += 1
        return len(text)

    def _put(self, data: bytes) -> bool:
        """False when nothing of it could be written; what is cut by a reader that stops in the middle is lost."""
        begun = False
        with contextlib.suppress(OSError):
            while data:
                sent = self._send(data[:_SAFE])
                data, begun = data[sent:], True
        return begun or not data

    def _send(self, data: bytes) -> int:
        """Write at once, or raise OSError."""
        if self._socket is not None:
            return self._socket.send(data, socket.MSG_DONTWAIT)
        waiting = select.poll()
        waiting.register(self._descriptor, select.POLLOUT)
        events = waiting.poll(0)
        if not events or events[0][1] & (select.POLLERR | select.POLLHUP | select.POLLNVAL):
            raise BlockingIOError
        return os.write(self._descriptor, data)


def _own_descriptor(descriptor: int) -> int:
    """One of our own on the same terminal or pipe, that does not wait; the given one where there is none to be had.

    Making the given one non-blocking would make it so for every process that shares it.
    """
    flags = os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC
    with contextlib.suppress(OSError):
        if os.isatty(descriptor):
            return os.open(os.ttyname(descriptor), flags)
        if stat.S_ISFIFO(os.fstat(descriptor).st_mode) and sys.platform == "linux":
            return os.open(f"/proc/self/fd/{descriptor}", flags)
    return descriptor


def _as_socket(descriptor: int) -> socket.socket | None:
    with contextlib.suppress(OSError):
        if stat.S_ISSOCK(os.fstat(descriptor).st_mode):
            return socket.socket(fileno=os.dup(descriptor))
    return None
