"""One client connection and the upstream connection that belongs to it, from the first byte to the last.

Response bytes go to the client in the callback they arrive in, unparsed. Requests are followed just far enough to
see where each begins, because the Host header of each is swapped.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from streamlab.ports import ResponseTransformer, Tap
from streamlab.servers.aside import Aside
from streamlab.servers.endpoint import Endpoint
from streamlab.servers.error_response import error_response
from streamlab.servers.turns import Turns
from streamlab.servers.upstream import Refusal, Upstream
from streamlab.wire.http1 import (
    MAX_REQUEST_HEAD,
    BodyReader,
    Fault,
    Piece,
    RequestHead,
    head_end,
    parse_request_head,
    request_body,
    values,
)

#: What may wait for an upstream connection that is not there yet before the client is paused.
_MAX_WAITING = 256 * 1024
#: After the client left, how long to listen for the end of a message that is already on its way.
_LEAVING_SECONDS = 0.1
#: How a chunked message ends; a good guess is enough to not wait for what has come already.
_TERMINATOR = b"0\r\n\r\n"
#: After the client was sent everything, how long it may take to close its side.
_LINGER_SECONDS = 2.0
#: After [DONE], how long an upstream may take to end its message before a mended one is ended without it.
_RELEASE_SECONDS = 0.25
#: How often a transfer asks whether the recorder has caught up, and from which read size on it counts as bulk.
_CONGESTED_STEP, _BULK = 0.005, 64 * 1024


class Connection:
    """Pairs one accepted socket with one upstream connection, made at the first request."""

    def __init__(
        self,
        number: int,
        client: Endpoint,
        upstream: Upstream,
        tap: Tap,
        *,
        buffer: bytearray,
        idle_timeout: float,
        transformer: ResponseTransformer | None,
        aside: Callable[[], Aside],
        turns: Turns,
        on_close: Callable[[Connection], None],
    ) -> None:
        self.number = number
        self._loop = asyncio.get_running_loop()
        self._client = client
        self._target = upstream
        self._tap = tap
        self._buffer = buffer
        self._idle_timeout = idle_timeout
        self._transformer = transformer
        self._open_aside = aside
        self._turns = turns
        self._aside: Aside | None = None  # the same question asked again, on a connection of its own
        self._release_due = False
        self._on_close = on_close
        self._upstream: Endpoint | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._waiting = bytearray()  # for the upstream, until there is a connection
        self._head = bytearray()
        self._head_searched = 0
        self._head_ns = 0
        self._body: BodyReader | None = None
        self._upgrading = self._tunnel = False
        self._held_back = b""  # client bytes after an upgrade request, until the upstream has answered it
        self._silent = False  # the upstream has not answered the latest request with a byte
        self._sized = False  # the latest response seems to have a length
        self._tail = b""  # the last bytes the upstream sent
        self._stacked = False  # requests were sent before the previous one was answered
        self._over = self._closed = False
        self.leaving = False  # the client has gone, and the end of its message may still come
        self._last_ns = time.monotonic_ns()
        self._timers: list[asyncio.TimerHandle] = []
        self._idle: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin to read from the client."""
        client = self._client
        client.on_data, client.on_end, client.on_drained = self._from_client, self._client_ended, self._client_drained
        client.resume()
        if self._idle_timeout:
            self._idle = self._loop.call_later(self._idle_timeout, self._check_idle)

    # --- from the client

    def _from_client(self, view: memoryview) -> None:
        now = self._last_ns = time.monotonic_ns()
        if self._over or (self._transformer is not None and self._transformer.over):
            return
        if self._tunnel:
            self._tap.request_body(self.number, now, view)
            self._to_upstream(view)
            return
        self._read_requests(bytes(view), now)

    def _read_requests(self, data: bytes, now: int) -> None:
        at = 0
        while at < len(data) and not self._over:
            if self._upgrading:
                self._held_back += data[at:]
                if len(self._held_back) > _MAX_WAITING:
                    self._client.pause()
                return
            at = self._body_bytes(data, at, now) if self._body is not None else self._head_bytes(data, at, now)

    def _head_bytes(self, data: bytes, at: int, now: int) -> int:
        if not self._head:
            while at < len(data) and data[at] in b"\r\n":  # empty lines before a request line are allowed
                at += 1
            if at == len(data):
                return at
            self._head_ns, self._head_searched = now, 0
        had = len(self._head)
        self._head += data[at:]
        end = head_end(self._head, 0, self._head_searched)
        self._head_searched = len(self._head)
        if end < 0 and len(self._head) <= MAX_REQUEST_HEAD:
            return len(data)
        if end < 0 or end > MAX_REQUEST_HEAD:
            self._reject(Fault(f"the request head is larger than {MAX_REQUEST_HEAD} bytes", 431), now)
            return len(data)
        raw = bytes(self._head[:end])
        self._head.clear()
        self._begin_request(raw, now)
        return at + end - had

    def _begin_request(self, raw: bytes, now: int) -> None:
        head = parse_request_head(raw)
        if isinstance(head, Fault):
            return self._reject(head, now)
        if head.method == "CONNECT":
            return self._reject(Fault("this is not a forward proxy: use its address as the base URL", 405), now)
        body = request_body(head)
        if isinstance(body, Fault):
            return self._reject(body, now)
        rewritten = swap_origin(raw, head, self._target.authority)
        if isinstance(rewritten, Fault):
            return self._reject(rewritten, now)
        self._tap.request(self.number, self._head_ns, raw)
        if self._transformer is not None:
            self._transformer.request(raw)
        self._stacked = self._stacked or self._silent
        self._silent = True
        self._upgrading = bool(values(head.headers, "upgrade"))
        self._body = None if body.done else body
        self._to_upstream(rewritten)
        return None

    def _body_bytes(self, data: bytes, at: int, now: int) -> int:
        assert self._body is not None
        pieces: list[Piece] = []
        stop = self._body.feed(data, at, pieces)
        if self._body.fault is not None:
            self._reject(self._body.fault, now)
            return len(data)
        passed = memoryview(data)[at:stop]
        self._tap.request_body(self.number, now, passed)
        if self._transformer is not None:
            self._transformer.request_body(passed)
        self._to_upstream(passed)
        if self._body.done:
            self._body = None
        return stop

    def _to_upstream(self, data: bytes | memoryview) -> None:
        if self._upstream is not None:
            if not self._upstream.send(data):
                self._client.pause()
            return
        self._waiting += data
        if len(self._waiting) > _MAX_WAITING:
            self._client.pause()
        if self._connecting is None:
            at_once = self._target.connect_at_once()
            if at_once is not None:
                self._connected(at_once)
            else:
                self._connecting = self._loop.create_task(self._connect())

    def _reject(self, fault: Fault, now: int) -> None:
        self._tap.ended(self.number, now, f"rejected: {fault.reason}")
        answer = error_response(
            fault.status, f"streamlab: {fault.reason}", "invalid_http_request", "invalid_request_error"
        )
        # With several requests under way nobody could tell which of them this answers.
        self._say_last(b"" if self._stacked else answer)

    def _client_ended(self, how: str) -> None:
        if self._closed:
            return
        now = time.monotonic_ns()
        if self._over:
            self._close()
            return
        self._tap.ended(self.number, now, "client-rst" if how == "rst" else "client-fin")
        self._over = True
        if self._upstream is None or self._upstream.ended or self._sized or self._tail == _TERMINATOR:
            self._close()
            return
        # The end of the message may be on its way already: clients close as soon as they have read [DONE].
        self.leaving = True
        self._upstream.on_data = self._after_leaving
        self._upstream.on_end = lambda _: self._close()
        self._upstream.resume()
        self._later(_LEAVING_SECONDS, self._close)

    def _after_leaving(self, view: memoryview) -> None:
        self._tap.response(self.number, time.monotonic_ns(), view)
        self._close()

    def _client_drained(self) -> None:
        self._read_on()

    def _read_on(self) -> None:
        """Read from the upstream, unless what it sent before has to be dealt with first."""
        if self._upstream is None or self._over or self._client.unsent or self._aside is not None:
            return  # `_client_drained` or `_asked_again` comes back to it
        if self._transformer is not None and self._transformer.more:
            self._turns.take(self._mend_on)
        else:
            self._upstream.resume()

    # --- the upstream

    async def _connect(self) -> None:
        result = await self._target.connect()
        if self._closed or self._over:
            if isinstance(result, socket.socket):
                result.close()
            return
        if isinstance(result, Refusal):
            self._unreachable(result)
            return
        self._connected(result)

    def _connected(self, sock: socket.socket) -> None:
        upstream = self._upstream = Endpoint(self._loop, sock, self._buffer)
        upstream.on_data, upstream.on_end = self._from_upstream, self._upstream_ended
        upstream.on_drained = self._upstream_drained
        upstream.resume()
        waiting, self._waiting = self._waiting, bytearray()
        if upstream.send(waiting):
            self._client.resume()
        else:
            self._client.pause()

    def _upstream_drained(self) -> None:
        if not self._over and len(self._held_back) <= _MAX_WAITING:
            self._client.resume()

    def _from_upstream(self, view: memoryview) -> None:
        now = self._last_ns = time.monotonic_ns()
        # The tap only copies, a microsecond's work; done first, a client never holds a byte that kill -9 could lose.
        self._tap.response(self.number, now, view)
        if self._transformer is None:
            sent = self._client.send(view)
        else:
            sent = self._send_mended(self._transformer.feed(bytes(view)))
        if self._silent:
            self._silent = False
            self._sized = b"\r\ncontent-length:" in bytes(view[:4096]).lower()
        self._tail = bytes(view[-5:])
        upstream = self._upstream
        if upstream is None:
            return
        if not sent or self._aside is not None:
            upstream.pause()
        elif len(view) >= _BULK and self._tap.congested:
            upstream.pause()
            self._later(_CONGESTED_STEP, self._resume_when_recorded)
        if self._upgrading:
            self._answer_upgrade(view, now)

    # --- mended answers

    def _send_mended(self, data: bytes) -> bool:
        """Send what a transformer gave, and see to what it asks for; False when the client has to take bytes first."""
        transformer = self._transformer
        assert transformer is not None
        sent = self._client.send(data) if data else not self._client.unsent
        if transformer.over:
            self._client.finish()
        elif transformer.retry is not None:
            self._ask_again(*transformer.retry)
        elif transformer.waiting and not self._release_due:
            self._release_due = True
            self._later(_RELEASE_SECONDS, self._release)
        if transformer.more and sent:
            self._turns.take(self._mend_on)
        return sent and not transformer.more

    def _mend_on(self) -> None:
        """A turn of mending what was read already."""
        transformer = self._transformer
        if transformer is None or self._over:
            return
        self._last_ns = time.monotonic_ns()
        if transformer.more and not self._send_mended(transformer.go_on()):
            return  # another turn, or `_client_drained`
        self._read_on()

    def _release(self) -> None:
        self._release_due = False
        transformer = self._transformer
        if transformer is not None and transformer.waiting and not self._over:
            self._send_mended(transformer.release())

    def _finish_mended(self, how: str) -> None:
        if self._transformer is not None:
            self._send_mended(self._transformer.finish(how))

    def _ask_again(self, head: bytes, body: bytes) -> None:
        parsed = parse_request_head(head)
        rewritten = parsed if isinstance(parsed, Fault) else swap_origin(head, parsed, self._target.authority)
        assert not isinstance(rewritten, Fault), "made from a head that was valid"
        self._aside = self._open_aside()
        self._aside.ask(head, rewritten, body, self._asked_again)

    def _asked_again(self, body: bytes) -> None:
        self._aside = None
        upstream, transformer = self._upstream, self._transformer
        if self._over or transformer is None or upstream is None:
            return
        self._last_ns = time.monotonic_ns()
        sent = self._send_mended(transformer.answered(body))
        if upstream.ended:
            self._finish_mended("fin")
            self._say_last(b"")
        elif sent:
            self._read_on()

    def _resume_when_recorded(self) -> None:
        if self._tap.congested and not self._over:
            self._later(_CONGESTED_STEP, self._resume_when_recorded)
        else:
            self._read_on()

    def _answer_upgrade(self, view: memoryview, now: int) -> None:
        self._upgrading = False
        self._tunnel = bytes(view[9:12]) == b"101"
        held, self._held_back = self._held_back, b""
        if held and self._tunnel:
            self._tap.request_body(self.number, now, held)
            self._to_upstream(held)
        elif held:
            self._read_requests(held, now)
        if not self._over:
            self._client.resume()

    def _upstream_ended(self, how: str) -> None:
        now = time.monotonic_ns()
        self._tap.ended(self.number, now, f"upstream-{how}" if how in ("fin", "rst") else f"upstream-error: {how[7:]}")
        if self._silent and not self._stacked:
            what = "reset the connection" if how == "rst" else "closed the connection"
            self._apologise(502, f"{self._target.origin} {what} before it answered", "upstream_closed")
        elif how == "fin":
            self._finish_mended("fin")
            if self._aside is None:
                self._say_last(b"")
        else:
            self._finish_mended("rst" if how == "rst" else "error")
            self._over = True
            self._client.reset(self._close)

    def _unreachable(self, refusal: Refusal) -> None:
        self._tap.ended(self.number, time.monotonic_ns(), f"unreachable: {refusal}")
        hint = {
            "refused": "is the server running, and is --upstream right?",
            "dns": "is the host name in --upstream right?",
            "tls": "give a private CA with --upstream-ca, or use http://",
        }.get(refusal.kind, "is the server reachable from here?")
        self._apologise(
            502,
            f"cannot reach {self._target.origin} ({refusal.detail or refusal.kind}): {hint}",
            "upstream_unreachable",
        )

    def _apologise(self, status: int, message: str, code: str) -> None:
        self._say_last(error_response(status, f"streamlab: {message}", code, "upstream_error"))

    def _say_last(self, data: bytes) -> None:
        """Send the client its last bytes and FIN, and wait for it to close; what it still sends is dropped."""
        self._over = True
        if self._upstream is not None:
            self._upstream.close()
        if data:
            self._client.send(data)
        self._client.finish()
        self._client.resume()
        if self._client.ended:
            self._close()
        else:
            self._later(_LINGER_SECONDS, self._close_when_sent)

    def _close_when_sent(self) -> None:
        if self._client.unsent:
            self._later(_LINGER_SECONDS, self._close_when_sent)
        else:
            self._close()

    # --- time and end

    def _check_idle(self) -> None:
        quiet = (time.monotonic_ns() - self._last_ns) / 1e9
        if quiet < self._idle_timeout:
            self._idle = self._loop.call_later(self._idle_timeout - quiet, self._check_idle)
            return
        if self._over or self._client.unsent:  # a client that does not read is not the upstream's silence
            self._last_ns = time.monotonic_ns()
            self._idle = None if self._over else self._loop.call_later(self._idle_timeout, self._check_idle)
            return
        self._tap.ended(self.number, time.monotonic_ns(), "timeout")
        if self._silent and not self._stacked:
            self._apologise(504, f"{self._target.origin} sent nothing for {self._idle_timeout:g} s", "upstream_timeout")
        else:
            self._finish_mended("timeout")
            self._say_last(b"")

    def _later(self, seconds: float, action: Callable[[], None]) -> None:
        self._timers = [timer for timer in self._timers if timer.when() > self._loop.time() and not timer.cancelled()]
        self._timers.append(self._loop.call_later(seconds, action))

    def stop(self) -> None:
        """We were told to stop: end both sides now."""
        if not self._closed:
            if not self._over:
                self._tap.ended(self.number, time.monotonic_ns(), "stopped")
            self._close()

    def _close(self) -> None:
        if self._closed:
            return
        self._closed = self._over = True
        for timer in self._timers:
            timer.cancel()
        if self._idle is not None:
            self._idle.cancel()
        if self._connecting is not None:
            self._connecting.cancel()
        if self._aside is not None:
            self._aside.close()
        if self._upstream is not None:
            self._upstream.close()
        self._client.close()
        self._tap.closed(self.number, time.monotonic_ns())
        self._on_close(self)


def swap_origin(raw: bytes, head: RequestHead, authority: str) -> bytes | Fault:
    """The head with its Host header naming ``authority`` and its target in origin form; all else byte for byte."""
    lines = raw.split(b"\r\n")
    if not head.target.startswith("/") and head.target != "*":
        parts = urlsplit(head.target)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            return Fault("the request target is neither a path nor a URL")
        path = head.target[head.target.index("//") + 2 :][len(parts.netloc) :] or "/"
        target = path if path.startswith("/") else "/" + path
        lines[0] = f"{head.method} {target} HTTP/{head.http_version}".encode("latin-1")
    hosts = [at for at, line in enumerate(lines) if at and line[:5].lower() == b"host:"]
    if len(hosts) > 1:
        return Fault("the Host header is given twice")
    host = authority.encode("idna" if not authority.isascii() else "ascii")
    if hosts:
        lines[hosts[0]] = lines[hosts[0]][:5] + b" " + host
    else:
        lines.insert(1, b"Host: " + host)
    return b"\r\n".join(lines)
