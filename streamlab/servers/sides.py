"""What a dialogue sees of the world: its two sides, and the surroundings that connect, wait and ask for it."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto
from typing import Protocol

from streamlab.wire.http1 import HttpFault


class Timer(Enum):
    """What a dialogue waits for; each runs once at a time."""

    IDLE = auto()  # nobody has said anything for long
    LEAVING = auto()  # the client that left has had its moment
    LINGER = auto()  # the client that has everything should have closed
    RELEASE = auto()  # a repaired answer is whole, and its upstream should have ended the message
    CONGESTED = auto()  # the recorder may have caught up


class Side(Protocol):
    """One side's connection. It tells of itself by the dialogue's methods, and of nothing once closed."""

    ended: bool

    @property
    def unsent(self) -> int:
        """Bytes that wait for the peer to take earlier ones."""

    def send(self, data: bytes | bytearray | memoryview) -> bool:
        """Send now what fits and the rest as soon as it does; False when something has to wait."""

    def pause(self) -> None:
        """Leave what arrives where it is, so that the peer feels it."""

    def resume(self) -> None:
        """Read whenever there is something."""

    def finish(self) -> None:
        """FIN after everything sent so far; reading goes on."""

    def reset(self, then: Callable[[], None]) -> None:
        """RST after the peer took everything sent so far; then call ``then``."""

    def close(self) -> None:
        """Give it up."""


class Surroundings(Protocol):
    """What a dialogue asks of the world around it."""

    def now_ns(self) -> int:
        """`time.monotonic_ns()`."""

    def connect(self) -> None:
        """Connect to the upstream; `Dialogue.connected` or `Dialogue.unreachable` follows, perhaps within the call."""

    def after(self, seconds: float, timer: Timer) -> None:
        """Call `Dialogue.expired` then; a timer that runs already is left alone."""

    def take_turn(self) -> None:
        """Call `Dialogue.go_on` once, when others have had their turn."""

    def ask(self, head: bytes, rewritten: bytes, body: bytes) -> None:
        """Ask the upstream on a connection of its own; `Dialogue.side_answer` follows, never within the call."""

    def rejected(self, fault: HttpFault) -> None:
        """The client was refused: for whoever wants to know."""

    def closed(self) -> None:
        """The dialogue is over: give up connecting, asking and every timer."""
