"""Follows what a client sends just far enough to see where each request begins and ends. No sockets: bytes to events.

A client's bytes are read as one of the things `Asking` lists; `TRANSITIONS` says what may follow what.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from streamlab.servers.forwarding import Forwarded
from streamlab.wire.header_values import values
from streamlab.wire.http1 import (
    MAX_REQUEST_HEAD,
    BodyReader,
    HttpFault,
    Piece,
    RequestHead,
    head_end,
    parse_request_head,
    request_body,
)


class Asking(Enum):
    """What the next byte of a client belongs to."""

    HEAD = auto()  # a request's head, or the empty lines before it
    BODY = auto()  # the body of the latest request
    HELD = auto()  # nobody knows: an upgrade was asked for, and the upstream has not answered it
    TUNNEL = auto()  # another protocol: the upgrade was granted
    REFUSED = auto()  # nothing: what came before was no HTTP


TRANSITIONS: dict[Asking, frozenset[Asking]] = {
    Asking.HEAD: frozenset({Asking.BODY, Asking.HELD, Asking.REFUSED}),
    Asking.BODY: frozenset({Asking.HEAD, Asking.REFUSED}),
    Asking.HELD: frozenset({Asking.HEAD, Asking.BODY, Asking.TUNNEL}),
    Asking.TUNNEL: frozenset(),
    Asking.REFUSED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """A request's complete head as it is recorded, what the upstream gets for it, and when its first byte came."""

    raw: bytes
    rewritten: bytes
    began_ns: int


@dataclass(frozen=True, slots=True)
class AskedBody:
    """Bytes of the latest request's body, with their framing; or of what a tunnel carries."""

    data: bytes | memoryview


@dataclass(frozen=True, slots=True)
class Rejected:
    """What came is no request to pass on. Nothing comes after it."""

    fault: HttpFault


AskedEvent = Asked | AskedBody | Rejected
#: What recorder and upstream are to get for a head, or why they get nothing.
Forward = Callable[[bytes, RequestHead], Forwarded | HttpFault]
#: What the first byte of a request can be; 0x16 opens a TLS handshake.
_METHOD = frozenset(b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_TLS = 0x16


class RequestReader:
    """Reads one client's requests: `feed` returns what the bytes mean, in order; nothing raises."""

    def __init__(self, forward: Forward) -> None:
        self.state = Asking.HEAD
        self._forward = forward
        self._head = bytearray()
        self._searched = 0
        self._began_ns = 0
        self._body: BodyReader | None = None
        self._held = b""

    @property
    def held(self) -> int:
        """Bytes kept until the upstream has answered an upgrade."""
        return len(self._held)

    def feed(self, data: bytes, now_ns: int) -> list[AskedEvent]:
        """What these bytes of the client mean."""
        events: list[AskedEvent] = []
        at = 0
        while at < len(data):
            if self.state is Asking.HEAD:
                at = self._head_bytes(data, at, now_ns, events)
            elif self.state is Asking.BODY:
                at = self._body_bytes(data, at, events)
            else:
                self._rest(data[at:], events)
                break
        return events

    def upgrade_answered(self, granted: bool, now_ns: int) -> list[AskedEvent]:
        """The upstream answered the upgrade: what the bytes held back until now mean."""
        if granted:
            self._become(Asking.TUNNEL)
        else:
            self._become(Asking.HEAD if self._body is None else Asking.BODY)
        held, self._held = self._held, b""
        return self.feed(held, now_ns)

    def _become(self, state: Asking) -> None:
        assert state in TRANSITIONS[self.state], f"{self.state} -> {state}"
        self.state = state

    def _rest(self, data: bytes, events: list[AskedEvent]) -> None:
        if self.state is Asking.HELD:
            self._held += data
        elif self.state is Asking.TUNNEL:
            events.append(AskedBody(data))

    def _reject(self, fault: HttpFault, events: list[AskedEvent]) -> None:
        self._become(Asking.REFUSED)
        events.append(Rejected(fault))

    def _head_bytes(self, data: bytes, at: int, now_ns: int, events: list[AskedEvent]) -> int:
        if not self._head:
            while at < len(data) and data[at] in b"\r\n":  # empty lines before a request line are allowed
                at += 1
            if at == len(data):
                return at
            fault = no_request(data[at])
            if fault is not None:
                self._reject(fault, events)
                return len(data)
            self._began_ns, self._searched = now_ns, 0
        had = len(self._head)
        self._head += data[at:]
        end = head_end(self._head, 0, self._searched)
        self._searched = len(self._head)
        if end < 0 and len(self._head) <= MAX_REQUEST_HEAD:
            return len(data)
        if end < 0 or end > MAX_REQUEST_HEAD:
            self._reject(HttpFault(f"the request head is larger than {MAX_REQUEST_HEAD} bytes", 431), events)
            return len(data)
        raw = bytes(self._head[:end])
        self._head.clear()
        self._begin(raw, events)
        return at + end - had

    def _begin(self, raw: bytes, events: list[AskedEvent]) -> None:
        head = parse_request_head(raw)
        if isinstance(head, HttpFault):
            return self._reject(head, events)
        if head.method == "CONNECT":
            return self._reject(HttpFault("this is not a forward proxy: use its address as the base URL", 405), events)
        body = request_body(head)
        if isinstance(body, HttpFault):
            return self._reject(body, events)
        forwarded = self._forward(raw, head)
        if isinstance(forwarded, HttpFault):
            return self._reject(forwarded, events)
        events.append(Asked(forwarded.recorded, forwarded.sent, self._began_ns))
        self._body = None if body.done else body
        if values(head.headers, "upgrade"):
            self._become(Asking.HELD)
        elif self._body is not None:
            self._become(Asking.BODY)
        return None

    def _body_bytes(self, data: bytes, at: int, events: list[AskedEvent]) -> int:
        assert self._body is not None
        pieces: list[Piece] = []
        stop = self._body.feed(data, at, pieces)
        if self._body.fault is not None:
            self._reject(self._body.fault, events)
            return len(data)
        events.append(AskedBody(memoryview(data)[at:stop]))
        if self._body.done:
            self._body = None
            self._become(Asking.HEAD)
        return stop


def no_request(first: int) -> HttpFault | None:
    """What is wrong with the first byte of a request; else nobody would notice before the end of a head, which may
    never come."""
    if first in _METHOD:
        return None
    if first == _TLS:
        return HttpFault("this address speaks plain HTTP: write http:// instead of https:// before it")
    return HttpFault("the request line is not 'METHOD target HTTP/1.1'")
