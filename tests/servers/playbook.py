"""Dialogues of a relay without a socket: what a client and an upstream do, and what each of them and the recorder get.

``Playbook`` holds a `Dialogue` whose two sides, recorder and clock are lists and numbers. Each ``client_...`` and
``upstream_...`` call is something that happens; `heard` gives what came of it since the last question, in order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from streamlab.ports import ResponseTransformer
from streamlab.servers.dialogue import Dialogue
from streamlab.servers.forwarding import Forwarding
from streamlab.servers.refusal import Refusal
from streamlab.servers.sides import Timer
from streamlab.wire.http1 import HttpFault

AUTHORITY = "upstream:8000"
ORIGIN = f"http://{AUTHORITY}"
#: One thing that came of what happened: who it concerns, what it is, and the bytes or words.
Told = tuple[str, str, Any]


def to_client(data: bytes) -> Told:
    return ("client", "gets", data)


def to_upstream(data: bytes) -> Told:
    return ("upstream", "gets", data)


def to_recorder(what: str, data: bytes | str = b"") -> Told:
    return ("recorder", what, data)


@dataclass
class FakeSide:
    """One side: what it is sent goes into the log. ``room`` False: it takes nothing until told otherwise."""

    name: str
    log: list[Told]
    room: bool = True
    reading: bool = False
    ended: bool = False
    closed: bool = False
    unsent: int = 0
    then: Callable[[], None] | None = None

    def send(self, data: bytes | bytearray | memoryview) -> bool:
        assert not self.closed, "nothing is sent to a side that was closed"
        if data:
            self.log.append((self.name, "gets", bytes(data)))
        if not self.room:
            self.unsent += len(data)
        return self.room

    def pause(self) -> None:
        self.reading = False

    def resume(self) -> None:
        self.reading = not (self.ended or self.closed)

    def finish(self) -> None:
        self.log.append((self.name, "gets", "fin"))

    def reset(self, then: Callable[[], None]) -> None:
        self.log.append((self.name, "gets", "rst"))
        self.then = then

    def close(self) -> None:
        if not self.closed:
            self.closed, self.reading = True, False
            self.log.append((self.name, "is", "closed"))


@dataclass
class FakeRecorder:
    """What the recorder is told goes into the log."""

    log: list[Told]
    congested: bool = False

    def opened(self, connection: int, at_ns: int, tap: str | None, upstream: str) -> None:
        self.log.append(to_recorder("opened", upstream))

    def request(self, connection: int, at_ns: int, head: bytes | memoryview) -> None:
        self.log.append(to_recorder("request", bytes(head)))

    def request_body(self, connection: int, at_ns: int, data: bytes | memoryview) -> None:
        self.log.append(to_recorder("request body", bytes(data)))

    def response(self, connection: int, at_ns: int, data: bytes | memoryview) -> None:
        self.log.append(to_recorder("response", bytes(data)))

    def ended(self, connection: int, at_ns: int, how: str) -> None:
        self.log.append(to_recorder("ended", how))

    def closed(self, connection: int, at_ns: int) -> None:
        self.log.append(to_recorder("closed"))


@dataclass
class Playbook:
    """A dialogue under test; connecting takes until `connects` unless ``at_once``."""

    transformer: ResponseTransformer | None = None
    idle_timeout: float = 0.0
    at_once: bool = True
    log: list[Told] = field(default_factory=list)
    now: int = 0
    timers: dict[Timer, float] = field(default_factory=dict)
    turns: int = 0
    asked: list[tuple[bytes, bytes, bytes]] = field(default_factory=list)
    refused: list[HttpFault] = field(default_factory=list)
    over: bool = False

    def __post_init__(self) -> None:
        self.client = FakeSide("client", self.log)
        self.upstream = FakeSide("upstream", self.log)
        self.recorder = FakeRecorder(self.log)
        self.dialogue = Dialogue(
            1,
            self.client,
            self.recorder,
            self,
            forwarding=Forwarding(AUTHORITY),
            idle_timeout=self.idle_timeout,
            transformer=self.transformer,
        )
        self.dialogue.start()

    # --- the surroundings

    def now_ns(self) -> int:
        return self.now

    def connect(self) -> None:
        self.log.append(("upstream", "is", "called"))
        if self.at_once:
            self.dialogue.connected(self.upstream)

    def after(self, seconds: float, timer: Timer) -> None:
        self.timers.setdefault(timer, seconds)

    def take_turn(self) -> None:
        self.turns += 1

    def ask(self, head: bytes, rewritten: bytes, body: bytes) -> None:
        self.asked.append((head, rewritten, body))

    def rejected(self, fault: HttpFault) -> None:
        self.refused.append(fault)

    def closed(self) -> None:
        assert not self.over, "said once"
        self.over = True
        self.timers.clear()

    # --- what happens

    def client_sends(self, data: bytes) -> Playbook:
        self.dialogue.from_client(memoryview(data))
        return self

    def client_ends(self, how: str = "fin") -> Playbook:
        self.client.ended, self.client.reading = True, False
        self.dialogue.client_ended(how)
        return self

    def client_takes_all(self) -> Playbook:
        self.client.room, self.client.unsent = True, 0
        self.dialogue.client_drained()
        return self

    def connects(self) -> Playbook:
        self.dialogue.connected(self.upstream)
        return self

    def cannot_connect(self, kind: str, detail: str) -> Playbook:
        self.dialogue.unreachable(Refusal(kind, detail))
        return self

    def upstream_sends(self, data: bytes) -> Playbook:
        assert self.upstream.reading, "nobody reads from the upstream now"
        self.dialogue.from_upstream(memoryview(data))
        return self

    def upstream_ends(self, how: str = "fin") -> Playbook:
        assert self.upstream.reading, "nobody would notice now"
        self.upstream.ended, self.upstream.reading = True, False
        self.dialogue.upstream_ended(how)
        return self

    def upstream_takes_all(self) -> Playbook:
        self.upstream.room, self.upstream.unsent = True, 0
        self.dialogue.upstream_drained()
        return self

    def expires(self, timer: Timer) -> Playbook:
        self.now += int(self.timers.pop(timer) * 1e9)
        self.dialogue.expired(timer)
        return self

    def takes_turn(self) -> Playbook:
        self.turns -= 1
        self.dialogue.go_on()
        return self

    def side_answer(self, body: bytes) -> Playbook:
        self.dialogue.side_answer(body)
        return self

    # --- what came of it

    def heard(self) -> list[Told]:
        """Since the last question."""
        told = self.log[:]
        self.log.clear()
        return told

    def client_got(self) -> bytes:
        """All bytes for the client since the last question, and that question with it."""
        return b"".join(what for who, _, what in self.heard() if who == "client" and isinstance(what, bytes))
