"""The protocols through which shells meet, so that servers never import storage nor storage servers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from streamlab.exchange import Exchange


class Library(Protocol):
    """A place where exchanges rest."""

    def ids(self) -> Iterator[int]:
        """Ids, oldest first."""

    def get(self, exchange_id: int) -> Exchange:
        """One exchange; raises NotFoundError."""


class Tap(Protocol):
    """What a relay tells about the bytes it passes; implemented by the recorder's sender.

    Every call returns at once: nothing on the relay path waits for a disk. ``connection`` numbers a client connection
    within one run. Times are `time.monotonic_ns()`.
    """

    def opened(self, connection: int, at_ns: int, tap: str, upstream: str) -> None: ...
    def from_client(self, connection: int, at_ns: int, data: bytes) -> None: ...
    def from_upstream(self, connection: int, at_ns: int, data: bytes) -> None: ...
    def ended(self, connection: int, at_ns: int, side: str, how: str) -> None: ...
