"""Accepts connections as long as there are descriptors for them, and answers the others 503 instead of leaving them.

A listening socket whose queue nobody empties lets clients hang without a word. So a few descriptors are kept in
reserve: some for the answers that are being given to clients we cannot serve, one for the case that other parts of
the process, or of the machine, took the last.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import resource
import socket
from collections.abc import Callable

from streamlab.servers.endpoint import Endpoint
from streamlab.servers.error_response import error_response

#: Descriptors left to the rest of the process: name resolution, files, questions of our own.
_SPARE = 12
#: Clients that are told at once that there is no room, and how long each may take to read it.
_REFUSALS, _REFUSAL_SECONDS = 8, 2.0
#: How long to leave new connections alone when the system has nothing left at all.
_PAUSE = 0.1
#: Connections accepted in one turn of the loop.
_AT_ONCE = 64
_EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


def capacity(each: int) -> int:
    """How many connections there are descriptors for, when each takes so many; at least one."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return 2**31
    return max(1, (soft - _in_use() - _SPARE - _REFUSALS) // each)


def _in_use() -> int:
    try:
        return len(os.listdir("/dev/fd"))
    except OSError:
        return 16


class Acceptor:
    """Accepts from listening sockets; ``each`` descriptors are needed for a connection.

    ``accepted`` gets each connection and what listens; whoever has one calls `release` when it is gone. ``remark`` is
    told once when there is no room. Exceptions of sockets end here.
    """

    def __init__(self, *, each: int, remark: Callable[[str], object]) -> None:
        self._loop = asyncio.get_running_loop()
        self._free = self._capacity = capacity(each)
        self._remark = remark
        self._told = False
        self._accepted: dict[socket.socket, Callable[[socket.socket], None]] = {}
        self._resting: set[socket.socket] = set()
        self._refusals: set[Endpoint] = set()
        self._buffer = bytearray(4096)
        self._reserve: int | None = os.open(os.devnull, os.O_RDONLY)

    def serve(self, listener: socket.socket, accepted: Callable[[socket.socket], None]) -> None:
        """Accept from a bound socket, which is ours from now on."""
        self._accepted[listener] = accepted
        self._loop.add_reader(listener, self._accept, listener)

    def release(self) -> None:
        """A connection is gone."""
        self._free += 1
        self._wake()

    def stop(self) -> None:
        """Accept no more; what was accepted goes on."""
        for listener in self._accepted:
            self._loop.remove_reader(listener)
            listener.close()
        self._accepted.clear()
        self._resting.clear()
        for refused in list(self._refusals):
            refused.close()
        self._refusals.clear()
        if self._reserve is not None:
            os.close(self._reserve)
            self._reserve = None

    def _wake(self) -> None:
        for listener in self._resting:
            self._loop.add_reader(listener, self._accept, listener)
        self._resting.clear()

    def _rest(self, listener: socket.socket) -> None:
        self._loop.remove_reader(listener)
        self._resting.add(listener)

    def _accept(self, listener: socket.socket) -> None:
        for _ in range(_AT_ONCE):
            if listener not in self._accepted:
                return
            if not self._free and len(self._refusals) >= _REFUSALS:
                self._rest(listener)  # until somebody leaves
                return
            try:
                sock, _ = listener.accept()
            except OSError as error:
                if error.errno in _EXHAUSTED:
                    self._exhausted(listener)
                # The others concern one client that has gone already, or nobody.
                return
            self._take(sock, listener)

    def _take(self, sock: socket.socket, listener: socket.socket) -> None:
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError:  # gone before we looked
            sock.close()
            return
        if self._free:
            self._free -= 1
            self._accepted[listener](sock)
        else:
            self._refuse(sock)

    def _say(self) -> None:
        if not self._told:
            self._told = True
            self._remark(
                f"no room for more connections: this system's limit on open files allows {self._capacity} at a time; "
                "others are answered 503 (ulimit -n raises the limit)"
            )

    def _refuse(self, sock: socket.socket) -> None:
        """Answer, and read what the client still sends until it has read the answer."""
        self._say()
        refused = Endpoint(self._loop, sock, self._buffer)
        self._refusals.add(refused)
        timer: asyncio.TimerHandle | None = None

        def over(_: str = "") -> None:
            if timer is not None:
                timer.cancel()
            refused.close()
            if refused in self._refusals:
                self._refusals.discard(refused)
                self._wake()

        refused.on_end = over
        refused.send(no_room())
        refused.finish()
        refused.resume()
        timer = self._loop.call_later(_REFUSAL_SECONDS, over)

    def _exhausted(self, listener: socket.socket) -> None:
        """Not even the spare descriptors are left: use the reserve to answer one client, and look again later."""
        self._say()
        if self._reserve is not None:
            os.close(self._reserve)
            self._reserve = None
            with contextlib.suppress(OSError):
                sock, _ = listener.accept()
                with contextlib.suppress(OSError):
                    sock.setblocking(False)
                    sock.send(no_room())
                    sock.shutdown(socket.SHUT_WR)
                    sock.recv(65536)  # unread bytes would make the close a reset, which takes the answer away
                sock.close()
            with contextlib.suppress(OSError):
                self._reserve = os.open(os.devnull, os.O_RDONLY)
        self._rest(listener)
        self._loop.call_later(_PAUSE, self._look_again)

    def _look_again(self) -> None:
        if self._reserve is None and self._accepted:
            with contextlib.suppress(OSError):
                self._reserve = os.open(os.devnull, os.O_RDONLY)
        self._wake()


def no_room() -> bytes:
    """The answer to whom we have no descriptor for; clients try again by themselves."""
    return error_response(
        503, "streamlab: no room for more connections at the moment; try again", "too_many_connections", "server_error"
    )
