"""Sends a client what a transformer makes of its upstream's bytes, and does what that asks for. No sockets."""

from __future__ import annotations

from collections.abc import Callable

from streamlab.ports import ResponseTransformer
from streamlab.servers.forwarding import Forwarding
from streamlab.servers.sides import Side, Surroundings, Timer

#: After [DONE], how long an upstream may take to end its message before a repaired one is ended without it.
_RELEASE_SECONDS = 0.25


class Transformed:
    """One connection's transformer between upstream and client.

    What brings bytes returns whether more may be read from the upstream: False while the client has to take what it
    was sent, a turn is due, or an answer to a question of our own is awaited (`asking`).
    """

    def __init__(
        self,
        transformer: ResponseTransformer,
        client: Side,
        surroundings: Surroundings,
        forwarding: Forwarding,
        failed: Callable[[str], None],
    ) -> None:
        self._transformer = transformer
        self._client = client
        self._around = surroundings
        self._forwarding = forwarding
        self._failed = failed  # told once of each failure
        self._told: str | None = None
        self.asking = False  # the same question was asked again, on a connection of its own

    @property
    def over(self) -> bool:
        """Whether the client has got all it will get."""
        return self._transformer.over

    @property
    def more(self) -> bool:
        """Whether there is more to be made of what was fed."""
        return self._transformer.more

    def request(self, head: bytes) -> None:
        """A request's complete head."""
        self._transformer.request(head)

    def request_body(self, data: bytes | memoryview) -> None:
        """Bytes of that request's body."""
        self._transformer.request_body(data)

    def feed(self, data: bytes) -> bool:
        """A read from the upstream."""
        if self._transformer.passes(data):
            return self._client.send(data)
        return self._send(self._transformer.feed(data)) and not self.asking

    def go_on(self) -> bool:
        """A turn of what was fed before."""
        return not self._transformer.more or self._send(self._transformer.go_on())

    def finish(self, how: str) -> None:
        """The upstream ended."""
        self._send(self._transformer.finish(how))

    def release(self) -> None:
        """The upstream has had its time to end the message."""
        if self._transformer.waiting:
            self._send(self._transformer.release())

    def answered(self, body: bytes) -> bool:
        """What came of the question of our own."""
        self.asking = False
        return self._send(self._transformer.answered(body))

    def _send(self, data: bytes) -> bool:
        """Send what came out, and see to what is asked for."""
        transformer, client = self._transformer, self._client
        failure = transformer.failure
        if failure != self._told:
            self._told = failure
            if failure is not None:
                self._failed(failure)
        sent = client.send(data) if data else not client.unsent
        if transformer.over:
            client.finish()
        elif transformer.retry is not None and not self.asking:
            self._ask(*transformer.retry)
        elif transformer.waiting:
            self._around.after(_RELEASE_SECONDS, Timer.RELEASE)
        if transformer.more and sent:
            self._around.take_turn()
        return sent and not transformer.more

    def _ask(self, head: bytes, body: bytes) -> None:
        self.asking = True
        self._around.ask(head, self._forwarding.again(head), body)
