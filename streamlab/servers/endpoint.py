"""One non-blocking socket on an event loop: reads into a shared buffer, sends at once, ends as told.

Why not asyncio's transports: they give up on received bytes as soon as a send fails (an upstream that answers 413 and
closes while the request is still being sent), they cannot pass a reset on, and a buffer of our own saves two copies.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import functools
import socket
import ssl
import struct
import termios
from collections.abc import Callable

#: Bytes of one read at most.
READ_SIZE = 256 * 1024
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_RETRY = (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
#: After a read, how soon to see for ourselves whether there is more.
_LOOK_SECONDS = 0.25
#: How long a reset waits for the peer to take what was sent before it, and how often it looks.
_FLUSH_SECONDS, _FLUSH_STEP = 30.0, 0.002


class Endpoint:
    """A connected socket. ``on_data(view)`` gets each read, valid during the call; ``on_end(how)`` comes once.

    ``how`` is "fin", "rst" or "error: ..." . ``on_drained()`` comes when a send that did not fit has gone out.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, sock: socket.socket, buffer: bytearray) -> None:
        self._loop = loop
        self._sock = sock
        self._tls = sock if isinstance(sock, ssl.SSLSocket) else None
        self._buffer = memoryview(buffer)
        self._unsent = bytearray()
        self._reading = self._shut = self._looking = False
        self._send_failed: str | None = None
        self._after_flush: Callable[[], None] | None = None
        self.closed = self.ended = False
        self.on_data: Callable[[memoryview], None] = _ignore
        self.on_end: Callable[[str], None] = _ignore
        self.on_drained: Callable[[], None] = _ignore_drained

    @property
    def unsent(self) -> int:
        """Bytes that wait for the peer to take earlier ones."""
        return len(self._unsent)

    def resume(self) -> None:
        """Read whenever there is something; also starts it."""
        if self._reading or self.closed or self.ended:
            return
        self._reading = True
        self._loop.add_reader(self._sock, self._readable)
        if self._tls is not None and self._tls.pending():
            self._loop.call_soon(self._readable)

    def look(self) -> None:
        """Read now what there is, if there is something, instead of when the loop comes to it."""
        if self._reading:
            self._readable()

    def pause(self) -> None:
        """Leave what arrives in the kernel, so that the peer feels it."""
        if self._reading:
            self._reading = False
            self._loop.remove_reader(self._sock)

    def _readable(self) -> None:
        # TLS may hold decrypted bytes that no selector knows of.
        while self._reading and self._read_once() and self._tls is not None and not self.closed and self._tls.pending():
            pass

    def _read_once(self) -> bool:
        """One read; False when there was nothing to read, or it was the end."""
        try:
            count = self._sock.recv_into(self._buffer)
        except _RETRY:
            return False
        except OSError as error:
            self._end(_name(error))
            return False
        if count == 0:
            self._end(self._send_failed or "fin")
            return False
        if not self._looking:
            self._looking = True
            self._loop.call_later(_LOOK_SECONDS, self._look_again)
        self.on_data(self._buffer[:count])
        return True

    def _look_again(self) -> None:
        """uvloop calls once and never again when a reset comes together with the bytes before it."""
        self._looking = False
        if self._reading and self._read_once() and self._reading:
            self._loop.remove_reader(self._sock)
            self._loop.add_reader(self._sock, self._readable)

    def _end(self, how: str) -> None:
        self.pause()
        self.ended = True
        self.on_end(how)

    def send(self, data: bytes | bytearray | memoryview) -> bool:
        """Send now what fits and the rest as soon as it does; False when something has to wait."""
        if self.closed or self._shut or self._send_failed:
            return True
        if self._unsent:
            self._unsent += data
            return False
        try:
            sent = self._sock.send(data)
        except OSError as error:
            sent = self._not_sent(error, data)
        if sent == len(data):
            return True
        self._unsent += memoryview(data)[sent:]  # as long as there is some, the loop is asked to say when to go on
        self._loop.add_writer(self._sock, self._writable)
        return False

    def _not_sent(self, error: OSError, data: bytes | bytearray | memoryview) -> int:
        """How many of the bytes to forget: none that can be sent later, all when nobody takes them any more."""
        if isinstance(error, _RETRY):
            return 0
        # The peer may have answered before it closed: what it sent is still to be read, so go on reading.
        self._send_failed = _name(error)
        return len(data)

    def _writable(self) -> None:
        # A TLS send that has to be repeated must be given the same bytes, so the whole rest is offered again.
        with memoryview(self._unsent) as rest:
            try:
                sent = self._sock.send(rest)
            except OSError as error:
                sent = self._not_sent(error, rest)
        del self._unsent[:sent]
        if self._send_failed:
            self._unsent.clear()
        if not self._unsent:
            self._loop.remove_writer(self._sock)
            self.on_drained()
            if self._after_flush is not None:
                after, self._after_flush = self._after_flush, None
                after()

    def _when_flushed(self, action: Callable[[], None]) -> None:
        if self._unsent and not self.closed:
            self._after_flush = action
        else:
            action()

    def finish(self) -> None:
        """FIN after everything sent so far; reading goes on."""
        self._when_flushed(self._shut_down)

    def _shut_down(self) -> None:
        if self.closed or self._shut:
            return
        self._shut = True
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_WR)

    def reset(self, then: Callable[[], None]) -> None:
        """RST after the peer's machine took everything sent so far; then call ``then``."""
        deadline = self._loop.time() + _FLUSH_SECONDS
        self._when_flushed(functools.partial(self._reset_when_taken, deadline, then))

    def _reset_when_taken(self, deadline: float, then: Callable[[], None]) -> None:
        if not self.closed and self._in_flight() and self._loop.time() < deadline:
            self._loop.call_later(_FLUSH_STEP, self._reset_when_taken, deadline, then)
            return
        if not self.closed:
            with contextlib.suppress(OSError):
                self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        then()

    def _in_flight(self) -> int:
        """Bytes the kernel sent that the peer's has not acknowledged; a reset would drop them."""
        try:
            return int(struct.unpack("i", fcntl.ioctl(self._sock, termios.TIOCOUTQ, b"\0\0\0\0"))[0])
        except OSError:
            return 0

    def close(self) -> None:
        """Give the socket back; nothing is called afterwards."""
        if self.closed:
            return
        self.pause()
        if self._unsent:
            self._loop.remove_writer(self._sock)
        self.closed = True
        self.on_data, self.on_end, self.on_drained = _ignore, _ignore, _ignore_drained
        self._after_flush = None
        self._sock.close()


def _ignore(_: object) -> None:
    """Stands in for a callback nobody is interested in any more."""


def _ignore_drained() -> None:
    """The same, without an argument."""


def _name(error: OSError) -> str:
    if error.errno in (errno.ECONNRESET, errno.EPIPE):
        return "rst"
    # OpenSSL gives its reasons in upper case with underscores; errno has a plain text.
    text = getattr(error, "reason", None) or error.strerror or type(error).__name__
    return f"error: {text.lower().replace('_', ' ')}"
