"""When what a socket received came, by the kernel's stamp.

A loop that does something else sees a request late, by the time that takes and by the time it takes to wake up; the
kernel notes when the bytes came. Linux does so for TCP; elsewhere the time of the read stands for it.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

#: Socket option and kind of message alike; the time is a `struct timespec` of the wall clock.
_SO_TIMESTAMPNS = 35
_TIMESPEC = struct.Struct("@ll")
_SPACE = socket.CMSG_SPACE(_TIMESPEC.size)
#: Bytes that seem to have waited longer were rather stamped before somebody set the wall clock.
_LONGEST_NS = 1_000_000_000


def stamp_arrivals(listener: socket.socket) -> None:
    """Have what comes on the connections accepted from now on stamped, where the system can."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            listener.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)


class StampedSocket(socket.socket):
    """An accepted socket; ``arrived_ns`` is when the newest bytes of the last read came (`time.monotonic_ns`)."""

    arrived_ns = 0

    @classmethod
    def of(cls, accepted: socket.socket) -> StampedSocket:
        """The same socket, which is this one's from now on."""
        timeout = accepted.gettimeout()
        made = cls(accepted.family, accepted.type, accepted.proto, accepted.detach())
        made.settimeout(timeout)
        return made

    def recv_into(self, buffer: WriteableBuffer, nbytes: int = 0, flags: int = 0) -> int:
        """As every socket's."""
        count, told, _, _ = self.recvmsg_into([memoryview(buffer)[: nbytes or None]], _SPACE, flags)
        self.arrived_ns = time.monotonic_ns() - _waited_ns(told)
        return count


def _waited_ns(told: list[tuple[int, int, bytes]]) -> int:
    for level, kind, data in told:
        if (level, kind) == (socket.SOL_SOCKET, _SO_TIMESTAMPNS) and len(data) == _TIMESPEC.size:
            seconds, nanoseconds = _TIMESPEC.unpack(data)
            waited = time.time_ns() - seconds * 1_000_000_000 - nanoseconds
            return waited if 0 < waited < _LONGEST_NS else 0
    return 0
