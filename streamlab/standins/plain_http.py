"""A bare HTTP/1.1 server and client side over asyncio streams: the stand-ins' own wire, able to break on purpose.

Nothing here is shared with the recorder's relay. A bug in the one must not be hidden by the same bug in the other.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

Headers = Sequence[tuple[str, str]]
JsonObject = dict[str, Any]

MAX_HEAD = 64 * 1024
MAX_BODY = 64 * 1024 * 1024
REASONS = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    405: "Method Not Allowed",
    413: "Content Too Large",
    429: "Too Many Requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
}


class BrokenMessageError(Exception):
    """The other side stopped in the middle of an HTTP message, or sent what is not HTTP."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request as read off the socket. Header names are lower case; ``target`` is path and query, as sent."""

    method: str
    target: str
    headers: Headers
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name), None)

    def json(self) -> JsonObject:
        """The body as a JSON object; ValueError when it is none."""
        try:
            parsed = json.loads(self.body)
        except RecursionError as deep:
            raise ValueError("the body is nested too deeply") from deep
        if not isinstance(parsed, dict):
            raise ValueError("the body is not a JSON object")
        return parsed


async def read_head(reader: asyncio.StreamReader) -> tuple[str, list[tuple[str, str]]] | None:
    """The start line and headers of the next message; None when the peer closed before sending any of it."""
    try:
        raw = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as cut:
        if not cut.partial:
            return None
        raise BrokenMessageError("closed inside a message head") from cut
    except asyncio.LimitOverrunError as over:
        raise BrokenMessageError(f"a message head over {MAX_HEAD} bytes") from over
    start, *lines = raw[:-4].decode("latin-1").split("\r\n")
    headers = []
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon:
            raise BrokenMessageError("a header line without a colon")
        headers.append((name.strip().lower(), value.strip()))
    return start, headers


async def read_body(reader: asyncio.StreamReader, headers: Headers, *, until_close: bool) -> AsyncIterator[bytes]:
    """The message body as it arrives; raises BrokenMessageError where the peer stops too early.

    ``until_close`` says what a message without framing means: a response runs to the close, a request has no body.
    """
    framing = dict(headers)
    if framing.get("transfer-encoding", "").lower() == "chunked":
        async for piece in _read_chunks(reader):
            yield piece
    elif "content-length" in framing:
        async for piece in _read_exactly(reader, int(framing["content-length"])):
            yield piece
    elif until_close:
        while piece := await reader.read(65536):
            yield piece


async def _read_exactly(reader: asyncio.StreamReader, length: int) -> AsyncIterator[bytes]:
    left = length
    while left:
        piece = await reader.read(min(left, 65536))
        if not piece:
            raise BrokenMessageError("closed inside a body")
        left -= len(piece)
        yield piece


async def _read_chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while True:
        line = await reader.readline()
        if not line.endswith(b"\n"):
            raise BrokenMessageError("closed between HTTP chunks")
        try:
            length = int(line.split(b";")[0], 16)
        except ValueError as bad:
            raise BrokenMessageError("a chunk size that is not a number") from bad
        async for piece in _read_exactly(reader, length):
            yield piece
        if (await reader.readline()).strip():
            raise BrokenMessageError("no line end after an HTTP chunk")
        if not length:
            return


async def read_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> HttpRequest | None:
    """The next request of a connection; None when the client has closed it."""
    head = await read_head(reader)
    if head is None:
        return None
    start, headers = head
    try:
        method, target, _version = start.split(" ")
    except ValueError as bad:
        raise BrokenMessageError("not an HTTP request line") from bad
    if ("expect", "100-continue") in headers:
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    body = bytearray()
    async for piece in read_body(reader, headers, until_close=False):
        body += piece
        if len(body) > MAX_BODY:
            raise BrokenMessageError(f"a request body over {MAX_BODY} bytes")
    return HttpRequest(method, target, headers, bytes(body))


class HttpResponse:
    """Writes one response, properly or not. Each `send` is one HTTP chunk and one write to the socket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._chunked = False
        self.started = False
        self.keep_alive = True

    async def start(self, status: int, headers: Headers) -> None:
        """Sends the head. The framing follows from the headers given; without any, the close ends the body."""
        names = {name.lower(): value.lower() for name, value in headers}
        self._chunked = names.get("transfer-encoding") == "chunked"
        if not self._chunked and "content-length" not in names:
            self.keep_alive = False
        lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'Unknown')}", *(f"{n}: {v}" for n, v in headers)]
        self.started = True
        await self.raw("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n")

    async def send(self, data: bytes) -> None:
        """Sends body bytes, in one HTTP chunk where the response is chunked. Nothing is sent for no bytes."""
        if data:
            await self.raw(b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data)

    async def end(self) -> None:
        """Ends the message properly."""
        if self._chunked:
            await self.raw(b"0\r\n\r\n")

    async def whole(self, status: int, headers: Headers, body: bytes) -> None:
        """A complete response with a Content-Length, which is put where ``headers`` says it or else last."""
        sized = [(name, str(len(body)) if name.lower() == "content-length" else value) for name, value in headers]
        if not any(name.lower() == "content-length" for name, _ in headers):
            sized.append(("Content-Length", str(len(body))))
        await self.start(status, sized)
        await self.send(body)

    async def raw(self, data: bytes) -> None:
        """Bytes straight to the socket, whatever the framing says."""
        self._writer.write(data)
        await self._writer.drain()

    def cut(self) -> None:
        """Closes the connection (FIN) in the middle of the message, as a crashed server's kernel does."""
        self.keep_alive = False
        self._writer.close()

    def reset(self) -> None:
        """Resets the connection (RST): unsent bytes are thrown away."""
        self.keep_alive = False
        sock = self._writer.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    async def until_client_leaves(self) -> None:
        """Waits, saying nothing, until the client closes the connection."""
        self.keep_alive = False
        with contextlib.suppress(ConnectionError):
            while await self._reader.read(65536):
                pass


@dataclass(slots=True)
class UpstreamResponse:
    """What another server answered: a head, and a body to be read piece by piece."""

    status: int
    headers: Headers
    pieces: AsyncIterator[bytes]

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key == name), "")

    async def read(self) -> bytes:
        """The whole body, or what there was of it before the upstream broke off."""
        body = bytearray()
        with contextlib.suppress(BrokenMessageError, ConnectionError):
            async for piece in self.pieces:
                body += piece
        return bytes(body)


@contextlib.asynccontextmanager
async def upstream_call(url: str, method: str, headers: Headers, body: bytes) -> AsyncIterator[UpstreamResponse]:
    """One request to another plain-HTTP server. Raises OSError (no connection) or BrokenMessageError (no head)."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port or 80, limit=MAX_HEAD)
    try:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        head = [f"{method} {target} HTTP/1.1", f"host: {parts.netloc}", f"content-length: {len(body)}"]
        head += [f"{name}: {value}" for name, value in headers]
        writer.write("\r\n".join([*head, "connection: close"]).encode("latin-1") + b"\r\n\r\n" + body)
        await writer.drain()
        answer = await read_head(reader)
        if answer is None:
            raise BrokenMessageError("closed before the head")
        start, answer_headers = answer
        yield UpstreamResponse(
            int(start.split(" ")[1]), answer_headers, read_body(reader, answer_headers, until_close=True)
        )
    finally:
        await close_quietly(writer)


async def close_quietly(writer: asyncio.StreamWriter) -> None:
    """Closes a stream whose peer may be gone already."""
    writer.close()
    with contextlib.suppress(ConnectionError, OSError):
        await writer.wait_closed()
