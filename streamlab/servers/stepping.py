"""Answers that wait to be told to go on: an event at a step, for whoever looks at what a client makes of each."""

from __future__ import annotations

from collections.abc import Callable

#: Where a request stands for a step.
STEP_PATH = "/@step"


class Gate:
    """Lets the first ``until`` events of each answer through, and each further one when told to."""

    def __init__(self, until: int = 0) -> None:
        self.until = until
        self._waiting: list[Callable[[], None]] = []

    def passes(self, number: int) -> bool:
        """Whether event ``number`` (from 0) need not wait."""
        return number < self.until

    def wait(self, go_on: Callable[[], None]) -> None:
        """Call this at the next step."""
        self._waiting.append(go_on)

    def step(self) -> int:
        """Every answer that waits goes on by one event; how many did."""
        waiting, self._waiting = self._waiting, []
        for go_on in waiting:
            go_on()
        return len(waiting)


def stepped(count: int) -> bytes:
    """The answer to whoever asked for a step."""
    body = b'{"stepped": %d}\n' % count
    head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n"
    return head.encode() + b"content-length: %d\r\n\r\n" % len(body) + body
