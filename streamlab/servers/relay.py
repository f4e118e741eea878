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
from streamlab.servers.accepting import Acceptor
from streamlab.servers.access import Access
from streamlab.servers.connection import Connection
from streamlab.servers.endpoint import READ_SIZE, Endpoint
from streamlab.servers.fair_queue import FairQueue
from streamlab.servers.forwarding import Forwarding
from streamlab.servers.side_request import SideRequest
from streamlab.servers.upstream import Upstream
from streamlab.wire.http1 import HttpFault

#: Descriptors of a connection: the client's and the upstream's.
_DESCRIPTORS = 2
#: Different refusals that are told; more would be somebody's attempt to fill a screen.
_MAX_REMARKS = 20
#: How long to wait for connections whose client has left, and how often to look.
_STOP_SECONDS, _STOP_STEP = 0.5, 0.01


@dataclass(frozen=True, slots=True)
class Route:
    """Where the requests of one listening address go; ``tap`` names the hop when there are several."""

    upstream: Upstream
    tap: str | None = None


class Relay:
    """Serves bound sockets until `stop()`; must be started on a running event loop.

    ``access`` says who may ask. ``remark`` gets what somebody should know: refused clients (each reason once), no room
    for more; it must not wait.
    """

    def __init__(
        self,
        tap: Tap,
        *,
        idle_timeout: float = 0.0,
        transformer: Callable[[], ResponseTransformer] | None = None,
        access: Access | None = None,
        remark: Callable[[str], object] = bool,
    ) -> None:
        self._tap = tap
        self._idle_timeout = idle_timeout
        self._transformer = transformer
        self._access = access or Access()
        self._remark = remark
        self._remarked: set[str] = set()
        self._buffer = bytearray(READ_SIZE)
        self._numbers: Iterator[int] = itertools.count(1)
        self._queue = FairQueue()
        self._connections: set[Connection] = set()
        self._acceptor = Acceptor(each=_DESCRIPTORS, remark=remark)

    def serve(self, listener: socket.socket, route: Route) -> None:
        """Accept from a bound socket, which the relay owns from now on."""
        forwarding = route.upstream.forwarding(self._access)
        self._acceptor.serve(listener, functools.partial(self._accepted, route, forwarding))

    def _accepted(self, route: Route, forwarding: Forwarding, sock: socket.socket) -> None:
        connection = Connection(
            next(self._numbers),
            Endpoint(asyncio.get_running_loop(), sock, self._buffer),
            route.upstream,
            forwarding,
            self._tap,
            buffer=self._buffer,
            idle_timeout=self._idle_timeout,
            transformer=self._transformer() if self._transformer is not None else None,
            side_request=functools.partial(self._side_request, route),
            queue=self._queue,
            on_rejected=self._rejected,
            on_close=self._closed,
        )
        self._connections.add(connection)
        self._tap.opened(connection.dialogue.number, time.monotonic_ns(), route.tap, route.upstream.origin)
        connection.dialogue.start()

    def _closed(self, connection: Connection) -> None:
        self._connections.discard(connection)
        self._acceptor.release()

    def _rejected(self, fault: HttpFault) -> None:
        if fault.reason not in self._remarked and len(self._remarked) < _MAX_REMARKS:
            self._remarked.add(fault.reason)
            self._remark(f"refused a client ({fault.status}): {fault.reason}")

    def _side_request(self, route: Route) -> SideRequest:
        """A connection to a route's upstream that no client opened; recorded as any other."""
        return SideRequest(next(self._numbers), route.upstream, route.tap, self._tap, self._buffer)

    async def stop(self) -> None:
        """Close everything; what is in flight is told to the tap as stopped.

        Clients that have just left (a command that ended, say) still get the moment in which the end of their message
        may arrive.
        """
        self._acceptor.stop()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _STOP_SECONDS
        await asyncio.sleep(_STOP_STEP)
        while any(connection.leaving for connection in self._connections) and loop.time() < deadline:
            await asyncio.sleep(_STOP_STEP)
        for connection in list(self._connections):
            connection.dialogue.stop()
