"""One answer being played: its script's steps at their times, at once, or one at a step."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from streamlab.errors import StreamlabError
from streamlab.playback.script import Finish, Step
from streamlab.servers.endpoint import Endpoint

if TYPE_CHECKING:
    from streamlab.servers.replay import Playable, ReplayServer


#: What ends the framing of HTTP is no event.
_LAST_CHUNK = b"0\r\n"


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
        self._due_ns = 0  # when it is to be sent
        self._us_to_ns = 1000 / server.speed if server.speed else 0.0
        self._abandoned = False
        self._event = -1  # number of the next event, behind the head

    def start(self) -> None:
        self._client.on_drained = self._drained
        self._advance()

    def abandon(self) -> None:
        """The client is gone."""
        if not self._abandoned:
            self._abandoned = True
            self._context.__exit__(None, None, None)

    def _deadline(self, offset_us: int) -> int:
        return self._zero_ns + int(offset_us * self._us_to_ns)

    def _follow(self) -> Step | None:
        """The next step. One that cannot be read (a file that was changed, no descriptor) breaks the answer off."""
        try:
            return next(self._steps, None)
        except (StreamlabError, OSError):
            self.abandon()
            self._on_end(Finish.RST)
            return None

    def _advance(self) -> None:
        """Arrange for the next step; each is a write of its own, so that reads stay as they were cut."""
        self._next = self._follow()
        if self._abandoned:
            return
        if self._next is None:
            end_us = self._script.end_us
            waits = self._server.speed and self._server.gate is None
            if waits and self._script.finish is not Finish.KEEP_ALIVE:
                self._server.schedule.at(self._deadline(end_us), self._end)
            else:
                self._end()
        elif (gate := self._server.gate) is not None:
            number, self._event = self._event, self._event + 1
            if number < 0 or gate.passes(number) or self._next.data.startswith(_LAST_CHUNK):
                asyncio.get_running_loop().call_soon(self._send_stepped)
            else:
                gate.wait(self._send_stepped)
        elif self._server.speed:
            self._due_ns = self._deadline(self._next.offset_us)
            self._server.schedule.at(self._due_ns, self._send)
        else:
            self._send_at_once()

    def _send_stepped(self) -> None:
        if not self._abandoned and self._next is not None and self._client.send(self._next.data):
            self._advance()

    def _send(self) -> None:
        if self._abandoned or self._next is None:
            return
        self._server.timing.errors_ns.append(time.monotonic_ns() - self._due_ns)
        if self._client.send(self._next.data):
            self._advance()
        # else: the client does not read; `_drained` goes on, late, as a server would

    def _send_at_once(self) -> None:
        """Speed 0: everything the client takes, without leaving the loop to others for too long."""
        for _ in range(1000):
            if self._next is None:
                break
            if not self._client.send(self._next.data):
                return
            self._next = self._follow()
            if self._abandoned:
                return
        else:
            asyncio.get_running_loop().call_soon(self._resume_at_once)
            return
        self._end()

    def _resume_at_once(self) -> None:
        if not self._abandoned:
            self._send_at_once()

    def _drained(self) -> None:
        if self._abandoned:
            return
        if self._server.speed or self._server.gate is not None:
            self._advance()
        else:
            self._next = self._follow()
            if not self._abandoned:
                self._send_at_once()

    def _end(self) -> None:
        if not self._abandoned:
            self.abandon()
            self._on_end(self._script.finish)
