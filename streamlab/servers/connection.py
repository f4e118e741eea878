"""Joins a `Dialogue` to sockets: one accepted client, and the upstream connection made at its first request."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable

from streamlab.ports import ResponseTransformer, Tap
from streamlab.servers.dialogue import Dialogue, Phase
from streamlab.servers.endpoint import Endpoint
from streamlab.servers.fair_queue import FairQueue
from streamlab.servers.forwarding import Forwarding
from streamlab.servers.refusal import Refusal
from streamlab.servers.side_request import SideRequest
from streamlab.servers.sides import Timer
from streamlab.servers.upstream import Upstream
from streamlab.wire.http1 import HttpFault


class Connection:
    """Implements `streamlab.servers.sides.Surroundings` for the dialogue it holds."""

    now_ns = staticmethod(time.monotonic_ns)

    def __init__(
        self,
        number: int,
        client: Endpoint,
        upstream: Upstream,
        forwarding: Forwarding,
        tap: Tap,
        *,
        buffer: bytearray,
        idle_timeout: float,
        transformer: ResponseTransformer | None,
        side_request: Callable[[], SideRequest],
        queue: FairQueue,
        on_rejected: Callable[[HttpFault], None],
        on_close: Callable[[Connection], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._target = upstream
        self._buffer = buffer
        self._open_side_request = side_request
        self._side_request: SideRequest | None = None
        self._queue = queue
        self._on_close = on_close
        self.rejected = on_rejected
        self._connecting: asyncio.Task[None] | None = None
        self._timers: dict[Timer, asyncio.TimerHandle] = {}
        dialogue = self.dialogue = Dialogue(
            number,
            client,
            tap,
            self,
            forwarding=forwarding,
            idle_timeout=idle_timeout,
            transformer=transformer,
        )
        client.on_data, client.on_end = dialogue.from_client, dialogue.client_ended
        client.on_drained = dialogue.client_drained

    @property
    def leaving(self) -> bool:
        """Whether the client has gone, and the end of its message may still come."""
        return self.dialogue.phase is Phase.LEAVING

    # --- what the dialogue asks for

    def connect(self) -> None:
        """See `Surroundings.connect`."""
        at_once = self._target.connect_at_once()
        if at_once is not None:
            self._connected(at_once)
        else:
            self._connecting = self._loop.create_task(self._connect())

    async def _connect(self) -> None:
        result = await self._target.connect()
        if isinstance(result, Refusal):
            if self.dialogue.phase is Phase.RELAYING:
                self.dialogue.unreachable(result)
        elif self.dialogue.phase is Phase.RELAYING:
            self._connected(result)
        else:
            result.close()

    def _connected(self, sock: socket.socket) -> None:
        upstream, dialogue = Endpoint(self._loop, sock, self._buffer), self.dialogue
        upstream.on_data, upstream.on_end = dialogue.from_upstream, dialogue.upstream_ended
        upstream.on_drained = dialogue.upstream_drained
        dialogue.connected(upstream)

    def after(self, seconds: float, timer: Timer) -> None:
        """See `Surroundings.after`."""
        if timer not in self._timers:
            self._timers[timer] = self._loop.call_later(seconds, self._expired, timer)

    def _expired(self, timer: Timer) -> None:
        del self._timers[timer]
        self.dialogue.expired(timer)

    def take_turn(self) -> None:
        """See `Surroundings.take_turn`."""
        self._queue.take(self.dialogue.go_on)

    def ask(self, head: bytes, rewritten: bytes, body: bytes) -> None:
        """See `Surroundings.ask`."""
        self._side_request = self._open_side_request()
        self._side_request.ask(head, rewritten, body, self._asked)

    def _asked(self, body: bytes) -> None:
        self._side_request = None
        self.dialogue.side_answer(body)

    def closed(self) -> None:
        """See `Surroundings.closed`."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        connecting, self._connecting = self._connecting, None
        if connecting is not None:
            connecting.cancel()
        asked, self._side_request = self._side_request, None
        if asked is not None:
            asked.close()
        self._on_close(self)
