"""The replay server: plays exchanges byte for byte, on an absolute time schedule, with the recorded ending.

Time zero of a performance is the arrival of the request's last bytes, by the kernel's clock: where a body comes late,
its answer is as long as it was. Every write has an absolute deadline, so lateness never adds up; how late writes really
were is kept in `Timing` and told.
"""

from __future__ import annotations

import asyncio
import json
import socket
import time
from array import array
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from streamlab.errors import StreamlabError
from streamlab.playback.matching import Candidate, Match, Matcher, Miss, Rung
from streamlab.playback.script import Finish, Script
from streamlab.servers.accepting import Acceptor
from streamlab.servers.access import Access, is_loopback
from streamlab.servers.arrivals import StampedSocket, stamp_arrivals
from streamlab.servers.endpoint import READ_SIZE, Endpoint
from streamlab.servers.error_response import error_response, refusal_response
from streamlab.servers.performance import Performance
from streamlab.servers.requests import no_request
from streamlab.servers.schedule import Schedule
from streamlab.servers.stepping import STEP_PATH, Gate, stepped
from streamlab.wire.http1 import (
    MAX_REQUEST_HEAD,
    BodyReader,
    HttpFault,
    Piece,
    head_end,
    parse_request_head,
    request_body,
)

#: A request body beyond this is not kept for matching; no recorded request of this size could be told apart anyway.
_MAX_BODY = 64 * 1024 * 1024
#: Descriptors of a connection: the client's, and those of the database its exchange is read from.
_DESCRIPTORS = 4


@dataclass(frozen=True, slots=True)
class Playable:
    """One exchange to play. ``open`` gives its script, readable inside the context; ``title`` is a line for people."""

    candidate: Candidate
    title: str
    open: Callable[[], AbstractContextManager[Script]]


@dataclass(slots=True)
class Timing:
    """How late writes were, in nanoseconds after their deadline; early ones are negative."""

    errors_ns: array[int] = field(default_factory=lambda: array("q"))

    def percentile_us(self, percent: float) -> float | None:
        """Nearest-rank percentile in microseconds; None when nothing was timed."""
        if not self.errors_ns:
            return None
        ordered = sorted(self.errors_ns)
        return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] / 1000

    @property
    def earliest_us(self) -> float | None:
        """The error of the earliest write, in microseconds; negative when it came before its time."""
        return min(self.errors_ns) / 1000 if self.errors_ns else None


@dataclass(frozen=True, slots=True)
class Played:
    """What the server did with one request. ``playable`` is None for a miss, which ``miss`` explains.

    ``body`` is what was asked, for assertions. ``tolerated`` says what differed from the recorded request.
    """

    method: str
    target: str
    body: bytes
    playable: Playable | None
    message: str
    rung: Rung | None = None
    tolerated: tuple[str, ...] = ()
    miss: Miss | None = None

    @property
    def json(self) -> Any:
        """The body as JSON. Raises ValueError."""
        return json.loads(self.body)


class ReplayServer:
    """Serves one bound socket; make and `stop()` it on a running event loop.

    ``speed`` 1 plays as recorded, 2 twice as fast, 0 at once. ``match`` and ``ignore`` say what may differ in a request
    (``playback/matching.py``). With a ``gate`` each event waits for a step, or for a request to ``/@step``, and times
    do not matter. ``on_played`` is told of every request.
    """

    def __init__(
        self,
        listener: socket.socket,
        playables: Sequence[Playable],
        *,
        speed: float = 1.0,
        match: Match = Match.STRICT,
        ignore: Sequence[str] = (),
        access: Access | None = None,
        gate: Gate | None = None,
        on_played: Callable[[Played], None] = lambda _: None,
        remark: Callable[[str], object] = bool,
    ) -> None:
        self._match, self._ignore = match, ignore
        self.load(playables)
        self.speed = speed
        self.access = access or Access()
        self.gate = gate
        self.on_played = on_played
        self.remark = remark
        self.schedule = Schedule()
        self.timing = Timing()
        self._buffer = bytearray(READ_SIZE)
        self._connections: set[_Connection] = set()
        self._acceptor = Acceptor(each=_DESCRIPTORS, remark=remark)
        stamp_arrivals(listener)
        self._acceptor.serve(listener, self._accepted)

    def load(self, playables: Sequence[Playable]) -> None:
        """Play these from the next request on."""
        self.playables = playables
        self.matcher = Matcher([one.candidate for one in playables], self._match, self._ignore)

    def _accepted(self, sock: socket.socket) -> None:
        stamped = StampedSocket.of(sock)
        endpoint = Endpoint(asyncio.get_running_loop(), stamped, self._buffer)
        connection = _Connection(self, endpoint, stamped, self._closed, here=_is_here(stamped))
        self._connections.add(connection)
        connection.start()

    def _closed(self, connection: _Connection) -> None:
        self._connections.discard(connection)
        self._acceptor.release()

    def stop(self) -> None:
        """Close everything, performances included."""
        self._acceptor.stop()
        for connection in list(self._connections):
            connection.close()
        self.schedule.close()


def _is_here(sock: socket.socket) -> bool:
    """Whether the client is on this machine."""
    try:
        return is_loopback(str(sock.getpeername()[0]).removeprefix("::ffff:"))
    except OSError:
        return False


class _Connection:
    """Reads requests one after the other and plays an answer to each.

    Who is neither ``here`` nor has the token is not told what else could be played.
    """

    def __init__(
        self,
        server: ReplayServer,
        client: Endpoint,
        sock: StampedSocket,
        on_close: Callable[[_Connection], None],
        *,
        here: bool,
    ) -> None:
        self._server = server
        self._client = client
        self._sock = sock
        self._trusted = here or server.access.token is not None
        self._on_close = on_close
        self._received = bytearray()
        self._came_ns = 0  # the newest bytes
        self._head_seen: tuple[str, str] | None = None
        self._body: BodyReader | None = None
        self._kept = bytearray()
        self._performance: Performance | None = None
        self._last = False  # the client asked to have the connection closed after this answer
        self._closed = False

    def start(self) -> None:
        self._client.on_data, self._client.on_end = self._read, lambda _how: self.close()
        self._client.resume()
        self._client.look()  # nearly always the request is there already

    def _read(self, view: memoryview) -> None:
        self._came_ns = self._sock.arrived_ns
        self._received += view
        if len(self._received) > MAX_REQUEST_HEAD + READ_SIZE:
            self._client.pause()  # a pipelining client waits until the answer before is out
        self._go_on()

    def _go_on(self) -> None:
        while self._performance is None and not self._closed:
            if self._head_seen is None and not self._take_head():
                return
            if self._closed or not self._take_body():
                return
            self._answer()

    def _take_head(self) -> bool:
        while self._received and self._received[0] in b"\r\n":  # empty lines before a request line are allowed
            del self._received[0]
        fault = no_request(self._received[0]) if self._received else None
        if fault is not None:
            return self._refuse(fault)
        end = head_end(self._received, 0, 0)
        if end < 0:
            if len(self._received) > MAX_REQUEST_HEAD:
                return self._refuse(HttpFault(f"the request head is larger than {MAX_REQUEST_HEAD} bytes", 431))
            return False
        raw = bytes(self._received[:end])
        head = parse_request_head(raw)
        admitted = head if isinstance(head, HttpFault) else self._server.access.admit(raw, head)
        if isinstance(admitted, HttpFault):
            return self._refuse(admitted)
        head = admitted.head
        body = request_body(head)
        if isinstance(body, HttpFault):
            return self._refuse(body)
        del self._received[:end]
        self._head_seen, self._body = (head.method, head.target), body
        self._kept.clear()
        self._last = any(name.lower() == "connection" and "close" in value.lower() for name, value in head.headers)
        if any(name.lower() == "expect" for name, _ in head.headers):
            self._client.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        return True

    def _take_body(self) -> bool:
        assert self._body is not None
        pieces: list[Piece] = []
        used = self._body.feed(bytes(self._received), 0, pieces)
        del self._received[:used]
        if self._body.fault is not None:
            return self._refuse(self._body.fault)
        for data, _ in pieces:
            if len(self._kept) + len(data) > _MAX_BODY:
                return self._refuse(HttpFault(f"the request body is larger than {_MAX_BODY} bytes", 413))
            self._kept += data
        return self._body.done

    def _answer(self) -> None:
        assert self._head_seen is not None
        (method, target), server, body = self._head_seen, self._server, bytes(self._kept)
        self._head_seen = self._body = None
        self._kept.clear()
        if server.gate is not None and (method, target) == ("POST", STEP_PATH):
            self._say_last(stepped(server.gate.step()))
            return
        found = server.matcher.match(method, target, body)
        if isinstance(found, Miss):
            server.on_played(Played(method, target, body, None, found.message, miss=found))
            told = found.message if self._trusted else "no recorded request matches this one"
            self._say_last(error_response(404, f"streamlab: {told}", "no_match", "invalid_request_error"))
            return
        playable = server.playables[found.index]
        try:
            self._performance = Performance(server, self._client, playable, self._came_ns, self._performed)
        except (StreamlabError, OSError) as error:  # deleted since it was found, or a file that was changed
            server.on_played(Played(method, target, body, None, str(error)))
            told = str(error) if self._trusted else "the exchange cannot be replayed"
            self._say_last(error_response(500, f"streamlab: {told}", "cannot_replay"))
            return
        server.on_played(Played(method, target, body, playable, playable.title, found.rung, found.tolerated))
        self._performance.start()

    def _performed(self, finish: Finish) -> None:
        self._performance = None
        if finish is Finish.KEEP_ALIVE and not self._last:
            self._came_ns = time.monotonic_ns()  # of a request that waited
            self._client.resume()
            self._go_on()
        elif finish in (Finish.FIN, Finish.KEEP_ALIVE):
            self._say_last(b"")
        elif finish is Finish.RST:
            self._client.reset(self.close)
        # HOLD: nothing more, until the client goes

    def _refuse(self, fault: HttpFault) -> bool:
        """Never more of this client; False, for whoever asks whether to go on."""
        self._server.remark(f"refused a client ({fault.status}): {fault.reason}")
        self._say_last(refusal_response(fault))
        return False

    def _say_last(self, data: bytes) -> None:
        if data:
            self._client.send(data)
        self._client.on_data = lambda _view: None
        self._client.finish()
        self._client.resume()

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            performance, self._performance = self._performance, None
            if performance is not None:
                performance.abandon()
            self._client.close()
            self._on_close(self)
