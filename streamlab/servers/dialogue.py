"""One client's dialogue with its upstream: who is sent what, what the recorder is told, how it ends. No sockets.

What happens comes in as calls (`from_client`, `upstream_ended`, `expired`, ...); what is to happen goes out as calls of
a `Side` each and of the `Surroundings`, which `connection` implements with sockets and timers, and tests without.
Response bytes go to the client within the call they arrive in, unparsed.
"""

from __future__ import annotations

from enum import Enum, auto

from streamlab.ports import ResponseTransformer, Tap
from streamlab.servers.answers import Answer, AnswerWatch
from streamlab.servers.error_response import error_response, refusal_response
from streamlab.servers.forwarding import Forwarding
from streamlab.servers.refusal import Refusal
from streamlab.servers.requests import Asked, AskedBody, AskedEvent, Asking, Rejected, RequestReader
from streamlab.servers.sides import Side, Surroundings, Timer
from streamlab.servers.transformed import Transformed
from streamlab.wire.http1 import HttpFault

#: What may wait for an upstream connection that is not there yet before the client is paused.
_MAX_WAITING = 256 * 1024
#: After the client left, how long to listen for the end of a message that is already on its way.
_LEAVING_SECONDS = 0.1
#: After the client was sent everything, how long it may take to close its side.
_LINGER_SECONDS = 2.0
#: How often a transfer asks whether the recorder has caught up, and from which read size on it counts as bulk.
_CONGESTED_STEP, _BULK = 0.005, 4 * 1024


#: Asked for with every read, and dear to look up in their enums.
_AWAITED, _HELD = Answer.AWAITED, Asking.HELD


class Phase(Enum):
    """How far a dialogue has come."""

    RELAYING = auto()  # both sides are passed on to each other
    LEAVING = auto()  # the client has gone; the end of its message may still come, for the recorder
    LAST_WORDS = auto()  # the client was sent all it will get, and is to close
    RESETTING = auto()  # the client is reset as soon as it took what was sent before
    CLOSED = auto()  # both sides are gone


_RELAYING = Phase.RELAYING
TRANSITIONS: dict[Phase, frozenset[Phase]] = {
    Phase.RELAYING: frozenset({Phase.LEAVING, Phase.LAST_WORDS, Phase.RESETTING, Phase.CLOSED}),
    Phase.LEAVING: frozenset({Phase.CLOSED}),
    Phase.LAST_WORDS: frozenset({Phase.CLOSED}),
    Phase.RESETTING: frozenset({Phase.CLOSED}),
    Phase.CLOSED: frozenset(),
}


class Dialogue:
    """From the first byte of a client to the end of both sides."""

    def __init__(
        self,
        number: int,
        client: Side,
        tap: Tap,
        surroundings: Surroundings,
        *,
        forwarding: Forwarding,
        idle_timeout: float = 0.0,
        transformer: ResponseTransformer | None = None,
    ) -> None:
        self.number = number
        self.phase = Phase.RELAYING
        self._client = client
        self._upstream: Side | None = None
        self._tap = tap
        self._around = surroundings
        self._origin = forwarding.origin
        self._idle_timeout = idle_timeout
        self._requests = RequestReader(forwarding.forward)
        self._answers = AnswerWatch()
        self._transformed = (
            Transformed(transformer, client, surroundings, forwarding, self._repair_failed)
            if transformer is not None
            else None
        )
        self._waiting: bytearray | None = None  # for the upstream, from the first request until there is a connection
        self._now = surroundings.now_ns
        self._last_ns = self._now()

    def _repair_failed(self, why: str) -> None:
        self._tap.ended(self.number, self._now(), f"repair-failed: {why}")

    def start(self) -> None:
        """Begin to read from the client."""
        self._client.resume()
        if self._idle_timeout:
            self._around.after(self._idle_timeout, Timer.IDLE)

    # --- from the client

    def from_client(self, view: memoryview) -> None:
        """Bytes of the client, valid during the call."""
        now = self._last_ns = self._now()
        if self.phase is not Phase.RELAYING or (self._transformed is not None and self._transformed.over):
            return
        if self._requests.state is Asking.TUNNEL:
            self._tap.request_body(self.number, now, view)
            self._to_upstream(view)
        else:
            self._requested(self._requests.feed(bytes(view), now), now)

    def _requested(self, events: list[AskedEvent], now: int) -> None:
        for event in events:
            if self.phase is not Phase.RELAYING:
                return
            if isinstance(event, Asked):
                self._tap.request(self.number, event.began_ns, event.raw)
                if self._transformed is not None:
                    self._transformed.request(event.raw)
                self._answers.asked()
                self._to_upstream(event.rewritten)
            elif isinstance(event, AskedBody):
                self._tap.request_body(self.number, now, event.data)
                if self._transformed is not None:
                    self._transformed.request_body(event.data)
                self._to_upstream(event.data)
            elif isinstance(event, Rejected):
                self._reject(event.fault, now)
        if self._requests.held > _MAX_WAITING:
            self._client.pause()

    def _to_upstream(self, data: bytes | memoryview) -> None:
        if self._upstream is not None:
            if not self._upstream.send(data):
                self._client.pause()
            return
        if self._waiting is not None:
            self._waiting += data
            if len(self._waiting) > _MAX_WAITING:
                self._client.pause()
            return
        self._waiting = bytearray(data)
        self._around.connect()

    def _reject(self, fault: HttpFault, now: int) -> None:
        self._tap.ended(self.number, now, f"rejected: {fault.reason}")
        self._around.rejected(fault)
        self._say_last(b"" if self._answers.stacked else refusal_response(fault))

    def client_ended(self, how: str) -> None:
        """The client closed ("fin"), reset ("rst") or failed."""
        if self.phase is not Phase.RELAYING:
            self._close()
            return
        self._tap.ended(self.number, self._now(), "client-rst" if how == "rst" else "client-fin")
        if self._upstream is None or self._upstream.ended or self._answers.may_be_over:
            self._close()
            return
        # The end of the message may be on its way already: clients close as soon as they have read [DONE].
        self._become(Phase.LEAVING)
        self._upstream.resume()
        self._around.after(_LEAVING_SECONDS, Timer.LEAVING)

    def client_drained(self) -> None:
        """The client took what had to wait."""
        self._read_on()

    def _read_on(self) -> None:
        """Read from the upstream, unless what it sent before has to be dealt with first."""
        if self._upstream is None or self.phase is not Phase.RELAYING or self._client.unsent:
            return  # `client_drained` comes back to it
        if self._transformed is not None and self._transformed.asking:
            return  # `side_answer` comes back to it
        if self._transformed is not None and self._transformed.more:
            self._around.take_turn()
        else:
            self._upstream.resume()

    # --- the upstream

    def connected(self, upstream: Side) -> None:
        """There is a connection."""
        self._upstream = upstream
        upstream.resume()
        waiting, self._waiting = self._waiting or bytearray(), None
        if upstream.send(waiting):
            self._client.resume()
        else:
            self._client.pause()

    def unreachable(self, refusal: Refusal) -> None:
        """There is no connection, and there will be none."""
        self._tap.ended(self.number, self._now(), f"unreachable: {refusal}")
        message = f"cannot reach {self._origin} ({refusal.detail or refusal.kind}): {refusal.hint}"
        if refusal.kind == "descriptors":
            self._apologise(503, message, "too_many_connections")
        else:
            self._apologise(502, message, "upstream_unreachable")

    def upstream_drained(self) -> None:
        """The upstream took what had to wait."""
        if self.phase is Phase.RELAYING and self._requests.held <= _MAX_WAITING:
            self._client.resume()

    def from_upstream(self, view: memoryview) -> None:
        """Bytes of the upstream, valid during the call."""
        now = self._last_ns = self._now()
        # The tap only copies, a microsecond's work; done first, a client never holds a byte that kill -9 could lose.
        self._tap.response(self.number, now, view)
        if self.phase is not _RELAYING:
            self._close()  # of one that left: what was on its way has come
            return
        transformed = self._transformed
        sent = self._client.send(view) if transformed is None else transformed.feed(bytes(view))
        answers = self._answers
        if answers.state is _AWAITED:
            answers.begun(view)
        answers.tail = bytes(view[-5:])
        upstream = self._upstream
        if upstream is None:
            return
        if not sent:
            upstream.pause()
        elif len(view) >= _BULK and self._tap.congested:
            upstream.pause()
            self._around.after(_CONGESTED_STEP, Timer.CONGESTED)
        if self._requests.state is _HELD:
            self._requested(self._requests.upgrade_answered(bytes(view[9:12]) == b"101", now), now)
            if self.phase is Phase.RELAYING:
                self._client.resume()

    def upstream_ended(self, how: str) -> None:
        """The upstream closed ("fin"), reset ("rst") or failed ("error: ...")."""
        if self.phase is not Phase.RELAYING:
            self._close()
            return
        told = f"upstream-{how}" if how in ("fin", "rst") else f"upstream-error: {how[7:]}"
        self._tap.ended(self.number, self._now(), told)
        if self._answers.awaited:
            what = "reset the connection" if how == "rst" else "closed the connection"
            self._apologise(502, f"{self._origin} {what} before it answered", "upstream_closed")
        elif how == "fin":
            self._finish_transformed("fin")
            if self._transformed is None or not self._transformed.asking:
                self._say_last(b"")
        else:
            self._finish_transformed("rst" if how == "rst" else "error")
            self._become(Phase.RESETTING)
            self._client.reset(self._close)

    # --- transformed answers

    def go_on(self) -> None:
        """A turn of transforming what was read already."""
        if self._transformed is None or self.phase is not Phase.RELAYING:
            return
        self._last_ns = self._now()
        if self._transformed.go_on():  # else: another turn, or `client_drained`
            self._read_on()

    def side_answer(self, body: bytes) -> None:
        """What the upstream answered to a question of our own; b"" when that was nothing whole."""
        upstream, transformed = self._upstream, self._transformed
        if self.phase is not Phase.RELAYING or transformed is None or upstream is None:
            return
        self._last_ns = self._now()
        sent = transformed.answered(body)
        if upstream.ended:
            self._finish_transformed("fin")
            self._say_last(b"")
        elif sent:
            self._read_on()

    def _finish_transformed(self, how: str) -> None:
        if self._transformed is not None:
            self._transformed.finish(how)

    # --- time and end

    def expired(self, timer: Timer) -> None:
        """A timer has run out."""
        if timer is Timer.IDLE:
            self._check_idle()
        elif timer is Timer.LEAVING:
            self._close()
        elif timer is Timer.LINGER:
            self._check_lingering()
        elif timer is Timer.RELEASE:
            if self._transformed is not None and self.phase is Phase.RELAYING:
                self._transformed.release()
        elif self._tap.congested and self.phase is Phase.RELAYING:
            self._around.after(_CONGESTED_STEP, Timer.CONGESTED)
        else:
            self._read_on()

    def _check_idle(self) -> None:
        if self.phase is not Phase.RELAYING:
            return
        now = self._now()
        if self._client.unsent:  # a client that does not read is not the upstream's silence
            self._last_ns = now
        quiet = (now - self._last_ns) / 1e9
        if quiet < self._idle_timeout:
            self._around.after(self._idle_timeout - quiet, Timer.IDLE)
            return
        self._tap.ended(self.number, now, "timeout")
        if self._answers.awaited:
            self._apologise(504, f"{self._origin} sent nothing for {self._idle_timeout:g} s", "upstream_timeout")
        else:
            self._finish_transformed("timeout")
            self._say_last(b"")

    def _check_lingering(self) -> None:
        if self._client.unsent:
            self._around.after(_LINGER_SECONDS, Timer.LINGER)
        else:
            self._close()

    def _apologise(self, status: int, message: str, code: str) -> None:
        self._say_last(error_response(status, f"streamlab: {message}", code, "upstream_error"))

    def _say_last(self, data: bytes) -> None:
        """Send the client its last bytes and FIN, and wait for it to close; what it still sends is dropped."""
        self._become(Phase.LAST_WORDS)
        if self._upstream is not None:
            self._upstream.close()
        if data:
            self._client.send(data)
        self._client.finish()
        self._client.resume()
        if self._client.ended:
            self._close()
        else:
            self._around.after(_LINGER_SECONDS, Timer.LINGER)

    def stop(self) -> None:
        """We were told to stop: end both sides now."""
        if self.phase is Phase.RELAYING:
            self._tap.ended(self.number, self._now(), "stopped")
        self._close()

    def _close(self) -> None:
        if self.phase is Phase.CLOSED:
            return
        self._become(Phase.CLOSED)
        if self._upstream is not None:
            self._upstream.close()
        self._client.close()
        self._tap.closed(self.number, self._now())
        around, self._transformed = self._around, None
        del self._around  # we hold each other: both would stay until the next full collection
        around.closed()

    def _become(self, phase: Phase) -> None:
        assert phase in TRANSITIONS[self.phase], f"{self.phase} -> {phase}"
        self.phase = phase
