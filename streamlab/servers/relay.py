"""The capture proxy: listens, and relays each connection to its one upstream, telling a tap what passes.

Bytes reach the client the moment they arrive. It talks to its configured upstreams only, follows nothing, and does
not wait for whoever listens at the tap.
"""

from __future__ import annotations

import asyncio
import functools
import itertools
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from streamlab.ports import ResponseTransformer, Tap
from streamlab.servers.connection import Connection
from streamlab.servers.endpoint import READ_SIZE, Endpoint
from streamlab.servers.fair_queue import FairQueue
from streamlab.servers.side_request import SideRequest
from streamlab.servers.upstream import Upstream

#: How long to leave new connections alone when there are no file descriptors left.
_ACCEPT_PAUSE = 0.1
#: How long to wait for connections whose client has left, and how often to look.
_STOP_SECONDS, _STOP_STEP = 0.5, 0.01


@dataclass(frozen=True, slots=True)
class Route:
    """Where the requests of one listening address go; ``tap`` names the hop when there are several."""

    upstream: Upstream
    tap: str | None = None


class Relay:
    """Serves bound sockets until `stop()`; must be started on a running event loop."""

    def __init__(
        self,
        tap: Tap,
        *,
        idle_timeout: float = 0.0,
        transformer: Callable[[], ResponseTransformer] | None = None,
    ) -> None:
        self._tap = tap
        self._idle_timeout = idle_timeout
        self._transformer = transformer
        self._buffer = bytearray(READ_SIZE)
        self._numbers: Iterator[int] = itertools.count(1)
        self._queue = FairQueue()
        self._connections: set[Connection] = set()
        self._listeners: list[socket.socket] = []
        self._stopped = False

    def serve(self, listener: socket.socket, route: Route) -> None:
        """Accept from a bound socket, which the relay owns from now on."""
        self._listeners.append(listener)
        asyncio.get_running_loop().add_reader(listener, self._accept, listener, route)

    def _accept(self, listener: socket.socket, route: Route) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(64):
            try:
                sock, _ = listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError:  # out of file descriptors: let others end first
                loop.remove_reader(listener)
                loop.call_later(_ACCEPT_PAUSE, self._accept_again, listener, route)
                return
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = Connection(
                next(self._numbers),
                Endpoint(loop, sock, self._buffer),
                route.upstream,
                self._tap,
                buffer=self._buffer,
                idle_timeout=self._idle_timeout,
                transformer=self._transformer() if self._transformer is not None else None,
                side_request=functools.partial(self._side_request, route),
                queue=self._queue,
                on_close=self._connections.discard,
            )
            self._connections.add(connection)
            self._tap.opened(connection.dialogue.number, time.monotonic_ns(), route.tap, route.upstream.origin)
            connection.dialogue.start()

    def _side_request(self, route: Route) -> SideRequest:
        """A connection to a route's upstream that no client opened; recorded as any other."""
        return SideRequest(next(self._numbers), route.upstream, route.tap, self._tap, self._buffer)

    def _accept_again(self, listener: socket.socket, route: Route) -> None:
        if not self._stopped:
            asyncio.get_running_loop().add_reader(listener, self._accept, listener, route)

    async def stop(self) -> None:
        """Close everything; what is in flight is told to the tap as stopped.

        Clients that have just left (a command that ended, say) still get the moment in which the end of their message
        may arrive.
        """
        self._stopped = True
        loop = asyncio.get_running_loop()
        for listener in self._listeners:
            loop.remove_reader(listener)
            listener.close()
        deadline = loop.time() + _STOP_SECONDS
        await asyncio.sleep(_STOP_STEP)
        while any(connection.leaving for connection in self._connections) and loop.time() < deadline:
            await asyncio.sleep(_STOP_STEP)
        for connection in list(self._connections):
            connection.dialogue.stop()
