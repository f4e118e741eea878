"""Asks an upstream a question of the relay's own, beside a client's connection; recorded as an exchange of its own."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable

from streamlab.ports import Tap
from streamlab.servers.endpoint import Endpoint
from streamlab.servers.refusal import Refusal
from streamlab.servers.upstream import Upstream
from streamlab.wire.content_coding import BodyDecoder
from streamlab.wire.http1 import Body, Broken, End, Head, ResponseReader

#: A longer answer is no chat completion.
_MAX_BODY = 16 * 1024 * 1024


class SideRequest:
    """One request and its answer. ``number`` is a connection of the tap that nobody else uses."""

    def __init__(self, number: int, upstream: Upstream, hop: str | None, tap: Tap, buffer: bytearray) -> None:
        self._number = number
        self._target = upstream
        self._tap = tap
        self._buffer = buffer
        self._reader = ResponseReader()
        self._decoder = BodyDecoder(None)
        self._body = bytearray()
        self._endpoint: Endpoint | None = None
        self._then: Callable[[bytes], None] = _nobody
        self._closed = False
        tap.opened(number, time.monotonic_ns(), hop, upstream.origin)

    def ask(self, head: bytes, rewritten: bytes, body: bytes, then: Callable[[bytes], None]) -> None:
        """Send ``rewritten`` and ``body`` (the tap is told ``head``); ``then`` gets the answer's body, once.

        It gets b"" when no whole answer came. It is never called during this call, nor after `close`.
        """
        self._then = then
        now = time.monotonic_ns()
        self._tap.request(self._number, now, head)
        self._tap.request_body(self._number, now, body)
        self._reader.expect("POST")
        self._task = asyncio.get_running_loop().create_task(self._connect(rewritten + body))

    async def _connect(self, request: bytes) -> None:
        result = await self._target.connect()
        if isinstance(result, Refusal):
            self._tap.ended(self._number, time.monotonic_ns(), f"unreachable: {result}")
            self._answered(b"")
        else:
            self._connected(result, request)

    def _connected(self, sock: socket.socket, request: bytes) -> None:
        endpoint = self._endpoint = Endpoint(asyncio.get_running_loop(), sock, self._buffer)
        endpoint.on_data, endpoint.on_end = self._data, self._ended
        endpoint.resume()
        endpoint.send(request)

    def _data(self, view: memoryview) -> None:
        self._tap.response(self._number, time.monotonic_ns(), view)
        for event in self._reader.feed(bytes(view)):
            if isinstance(event, Head):
                coding = [value for name, value in event.head.headers if name.lower() == "content-encoding"]
                self._decoder = BodyDecoder(", ".join(coding))
            elif isinstance(event, Body):
                self._take(event)
            elif isinstance(event, End):
                self._answered(bytes(self._body))
                return
            elif isinstance(event, Broken):
                self._answered(b"")
                return
        if len(self._body) > _MAX_BODY:
            self._answered(b"")

    def _take(self, event: Body) -> None:
        for coded, _ in event.pieces:
            for piece in self._decoder.pieces(coded):
                if len(self._body) > _MAX_BODY:
                    return
                self._body += piece

    def _ended(self, how: str) -> None:
        self._tap.ended(self._number, time.monotonic_ns(), f"upstream-{how}")
        self._answered(bytes(self._body) if how == "fin" and self._reader.finish() else b"")

    def _answered(self, body: bytes) -> None:
        then, self._then = self._then, _nobody
        self._end()
        then(body)

    def close(self) -> None:
        """Give up; the client is gone."""
        if not self._closed:
            self._tap.ended(self._number, time.monotonic_ns(), "client-fin")
            self._then = _nobody
            self._end()

    def _end(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._task.cancel()
        if self._endpoint is not None:
            self._endpoint.close()
        self._tap.closed(self._number, time.monotonic_ns())


def _nobody(_: bytes) -> None:
    """Stands in for a caller that has its answer already, or does not want it any more."""
