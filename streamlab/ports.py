"""The protocols through which shells meet, so that servers never import storage nor storage servers."""

from __future__ import annotations

from typing import Protocol


class Tap(Protocol):
    """What a relay tells about the bytes it passes; implemented by the recorder's spool.

    Every call returns at once: nothing on the relay path waits for a disk. ``connection`` numbers a client connection
    within one run. Times are `time.monotonic_ns()`. Byte arguments are the relay's own buffers, valid during the call
    only.
    """

    @property
    def congested(self) -> bool:
        """Whether bulk transfers should wait for the disk: nearly all room is taken, and the disk is making more."""

    def opened(self, connection: int, at_ns: int, tap: str | None, upstream: str) -> None:
        """A client connected; ``upstream`` is the origin (scheme://host:port) its requests go to."""

    def request(self, connection: int, at_ns: int, head: bytes | memoryview) -> None:
        """A request's complete head as received; ``at_ns`` is when its first byte came."""

    def request_body(self, connection: int, at_ns: int, data: bytes | memoryview) -> None:
        """Bytes of the current request's body, with their framing."""

    def response(self, connection: int, at_ns: int, data: bytes | memoryview) -> None:
        """One read from the upstream."""

    def ended(self, connection: int, at_ns: int, how: str) -> None:
        """One side stopped; ``how`` is one of `ENDED`, with a detail after a colon where there is one."""

    def closed(self, connection: int, at_ns: int) -> None:
        """Both sides are gone; the number is not used again."""


#: What `Tap.ended` says.
ENDED = (
    "upstream-fin",
    "upstream-rst",
    "upstream-error",  # any other error of the connection, named after the colon
    "client-fin",
    "client-rst",
    "timeout",
    "unreachable",  # after the colon: refused, dns, tls, ...
    "rejected",  # the client's bytes were no HTTP; after the colon: why
    "stopped",  # we were told to stop
    "repair-failed",  # nothing stopped: the client got the rest of this answer as it came; after the colon: why
)


class ResponseTransformer(Protocol):
    """Rewrites what one connection's upstream sends before the client gets it; the recorder keeps the original.

    Bytes are those of the connection, HTTP framing included. Nothing raises.
    """

    @property
    def waiting(self) -> bool:
        """Whether an answer is whole and held back only in case more comes: after a moment, call `release`."""

    @property
    def over(self) -> bool:
        """Whether the client has got all it will get: its connection is to be ended."""

    @property
    def more(self) -> bool:
        """Whether there is more to be made of what was fed: call `go_on`, and nothing else that brings bytes, until
        there is not. Each call takes milliseconds, so that others get their turn in between."""

    @property
    def retry(self) -> tuple[bytes, bytes] | None:
        """Head and body of a request to send on a connection of its own before anything else; then call `answered`."""

    @property
    def failure(self) -> str | None:
        """What a repair of ours raised over the answer of which bytes came last; None when all is well."""

    def request(self, head: bytes) -> None:
        """The complete head of a request; responses answer requests in order."""

    def request_body(self, data: bytes | memoryview) -> None:
        """Bytes of that request's body."""

    def passes(self, data: bytes) -> bool:
        """Bytes from the upstream: whether they are to be sent on as they are, which is all that is to be done about
        them; else, and only then, they are to be fed."""

    def feed(self, data: bytes) -> bytes:
        """Bytes from the upstream; returns what to send on, which may be nothing yet."""

    def go_on(self) -> bytes:
        """Some more of what the bytes fed become."""

    def finish(self, how: str) -> bytes:
        """The upstream ended ("fin", "rst", "error", "timeout"); returns what is still to be sent."""

    def release(self) -> bytes:
        """What was held back, and the end of the message; the rest of this connection is dropped."""

    def answered(self, body: bytes) -> bytes:
        """The body that answered `retry`, content coding undone, b"" when there is none; returns what to send."""
