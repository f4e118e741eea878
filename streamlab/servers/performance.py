"""One answer being played: its script's steps at their times, at once, or one at a step.

What is due together goes out in one write as far as whoever reads it sees where each part ends (`Step.delimited`); any
other cut shows only where one read ends and the next begins, so it is a write of its own.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from streamlab.errors import StreamlabError
from streamlab.playback.script import Finish, Step
from streamlab.servers.endpoint import Endpoint

if TYPE_CHECKING:
    from streamlab.servers.replay import Playable, ReplayServer


#: What ends the framing of HTTP is no event.
_LAST_CHUNK = b"0\r\n"
#: Bytes from which on a write takes no more steps.
_WRITE_SIZE = 64 * 1024
#: How long others wait, at most, for what is played at once.
_TURN_NS = 4_000_000


class Performance:
    """One script, played to one client."""

    def __init__(
        self,
        server: ReplayServer,
        client: Endpoint,
        playable: Playable,
        zero_ns: int,
        on_end: Callable[[Finish], None],
    ) -> None:
        self._server = server
        self._client = client
        self._zero_ns = zero_ns
        self._on_end = on_end
        self._context = playable.open()
        self._script = self._context.__enter__()
        self._steps: Iterator[Step] = iter(self._script.steps)
        self._next: Step | None = None
        self._unreadable = False  # the step behind the last one
        self._us_to_ns = 1000 / server.speed if server.speed else 0.0
        self._abandoned = False
        self._event = -1  # number of the next event, behind the head

    def start(self) -> None:
        self._client.on_drained = self._go_on
        self._follow()
        self._go_on()

    def abandon(self) -> None:
        """The client is gone."""
        if not self._abandoned:
            self._abandoned = True
            self._context.__exit__(None, None, None)

    def _deadline(self, offset_us: int) -> int:
        return self._zero_ns + int(offset_us * self._us_to_ns)

    def _follow(self) -> None:
        """Read the next step. One that cannot be read (a file that was changed, no descriptor) is the last."""
        try:
            self._next = next(self._steps, None)
        except (StreamlabError, OSError):
            self._next, self._unreadable = None, True

    def _go_on(self) -> None:
        """Send or arrange for the next step, now that the client has taken those before."""
        if self._abandoned:
            return
        if self._next is None:
            self._arrange_end()
        elif (gate := self._server.gate) is not None:
            number, self._event = self._event, self._event + 1
            if number < 0 or gate.passes(number) or self._next.data.startswith(_LAST_CHUNK):
                asyncio.get_running_loop().call_soon(self._send_stepped)
            else:
                gate.wait(self._send_stepped)
        elif self._server.speed:
            self._server.schedule.at(self._deadline(self._next.offset_us), self._send_due)
        else:
            self._send_at_once()

    def _arrange_end(self) -> None:
        timed = self._server.speed and self._server.gate is None and self._script.finish is not Finish.KEEP_ALIVE
        if timed and not self._unreadable:
            self._server.schedule.at(self._deadline(self._script.end_us), self._end)
        else:
            self._end()

    def _take(self, until_us: float) -> list[Step]:
        """The next step, and those behind it that are due until then and may go out in the same write."""
        taken: list[Step] = []
        size = 0
        while (step := self._next) is not None:
            taken.append(step)
            size += len(step.data)
            self._follow()
            if not step.delimited or size >= _WRITE_SIZE or self._next is None or self._next.offset_us > until_us:
                break
        return taken

    def _send(self, steps: Sequence[Step]) -> bool:
        """Whether the client took it; where not, the endpoint calls `_go_on`: late, as a server would be."""
        return self._client.send(steps[0].data if len(steps) == 1 else b"".join([step.data for step in steps]))

    def _send_stepped(self) -> None:
        if not self._abandoned and self._next is not None and self._send(self._take(-1)):
            self._go_on()

    def _send_due(self) -> None:
        if self._abandoned or self._next is None:
            return
        now_ns = time.monotonic_ns()
        steps = self._take(max(self._next.offset_us, (now_ns - self._zero_ns) / self._us_to_ns))
        self._server.timing.errors_ns.extend([now_ns - self._deadline(step.offset_us) for step in steps])
        if self._send(steps):
            self._go_on()

    def _send_at_once(self) -> None:
        """Speed 0: everything the client takes, without leaving the loop to others for too long."""
        until_ns = time.monotonic_ns() + _TURN_NS
        while self._next is not None:
            if not self._send(self._take(math.inf)):
                return
            if time.monotonic_ns() >= until_ns:
                asyncio.get_running_loop().call_soon(self._go_on)
                return
        self._end()

    def _end(self) -> None:
        if not self._abandoned:
            self.abandon()
            self._on_end(Finish.RST if self._unreadable else self._script.finish)
