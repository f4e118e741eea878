"""Nothing of a closed connection waits for the garbage collector, which comes rarely by intention, and for weeks."""

from __future__ import annotations

import asyncio
import gc
import socket
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest
import uvloop

from streamlab.playback.matching import candidate
from streamlab.playback.script import Finish, Script, Step
from streamlab.servers.listening import bind
from streamlab.servers.normalizing import RepairingTransformer
from streamlab.servers.relay import Relay, Route
from streamlab.servers.replay import Playable, ReplayServer
from streamlab.servers.upstream import parse_upstream
from tests.servers.harness import END, HEAD, HOLD, RST, Seen, Upstream, event, fetch, get, post

_ROUNDS = 20
_ASKED = b'{"model": "m", "stream": true, "messages": []}'
_SCRIPTS: dict[str, Sequence[bytes | float | str]] = {
    "/v1/whole": [HEAD, event("one"), event("two"), END],
    "/v1/cut": [HEAD, event("one"), RST],
    "/v1/held": [HEAD, event("one"), HOLD],
    "/v1/silent": [RST],
    "/v1/chat/completions": [HEAD, END],  # nothing in it: asked for again without a stream where answers are repaired
}
_REQUESTS = [
    *(get(path) for path in ("/v1/whole", "/v1/cut", "/v1/held", "/v1/silent")),
    post("/v1/chat/completions", _ASKED, "Content-Type: application/json\r\n"),
    b"no request\r\n\r\n",
    b"\x16\x03\x01\x02\x00",
    get("/v1/whole", "Origin: http://elsewhere.example\r\n"),
]


class _NoTap:
    congested = False

    def __getattr__(self, _: str) -> Callable[..., None]:
        return lambda *_: None


@contextmanager
def _without_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _ours() -> Counter[str]:
    """How many objects of the servers' classes there are."""
    kinds = (type(one) for one in gc.get_objects())
    return Counter(kind.__qualname__ for kind in kinds if str(kind.__module__).startswith("streamlab.servers."))


def _enough(request: bytes) -> Callable[[Seen], bool]:
    """Of an answer that does not end its first event is enough, of the others all of it."""
    last = event("one") if b"/held" in request else END
    return lambda seen: seen.raw.endswith(last)


async def _left_by(port: int, requests: Sequence[bytes]) -> Counter[str]:
    """What there is more after the same connections were made again and again; timers have two minutes to run out."""
    await asyncio.gather(*[fetch(port, one, until=_enough(one), seconds=120) for one in requests])
    before = _ours()
    with _without_collector():
        for _ in range(_ROUNDS):
            await asyncio.gather(*[fetch(port, one, until=_enough(one), seconds=120) for one in requests])
        for _ in range(2400):
            if not _ours() - before:
                break
            await asyncio.sleep(0.05)
        return _ours() - before


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with Upstream(_SCRIPTS) as running:
        yield running


def _repairing() -> RepairingTransformer:
    return RepairingTransformer(retry_unstreamed=True)


@pytest.mark.parametrize("transformer", [None, _repairing], ids=["as-it-came", "repaired"])
@pytest.mark.parametrize("reachable", [True, False], ids=["there", "unreachable"])
def test_a_recorder_keeps_nothing_of_closed_connections(
    upstream: Upstream, transformer: Callable[[], RepairingTransformer] | None, reachable: bool
) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound and not listening: refused, and nobody else's
        number = upstream.port if reachable else nobody.getsockname()[1]

        async def record() -> Counter[str]:
            relay = Relay(_NoTap(), idle_timeout=300, transformer=transformer)
            listener = bind("127.0.0.1", 0)
            port = listener.getsockname()[1]
            relay.serve(listener, Route(parse_upstream(f"http://localhost:{number}/v1", environment={})))
            try:
                return await _left_by(port, _REQUESTS)
            finally:
                await relay.stop()

        assert uvloop.run(record()) == Counter()


@pytest.mark.parametrize("speed", [0.0, 1.0])
def test_a_replayer_keeps_nothing_of_closed_connections(speed: float) -> None:
    @contextmanager
    def opened(name: str, finish: Finish) -> Iterator[Script]:
        last = {"whole": 10, "held": 200_000}.get(name)  # the one that is held is left in the middle
        steps = [Step(0, HEAD + event("one"))]
        yield Script(steps if last is None else [*steps, Step(last, END)], finish, last or 20)

    def playable(name: str, finish: Finish) -> Playable:
        return Playable(candidate([name], None), name, lambda: opened(name, finish))

    async def play() -> Counter[str]:
        listener = bind("127.0.0.1", 0)
        endings = {"whole": Finish.KEEP_ALIVE, "cut": Finish.RST, "held": Finish.FIN, "silent": Finish.FIN}
        port = listener.getsockname()[1]
        server = ReplayServer(listener, [playable(*one) for one in endings.items()], speed=speed)
        try:
            return await _left_by(port, [*_REQUESTS, *(get(f"/@{name}/{name}") for name in endings)])
        finally:
            server.stop()

    assert uvloop.run(play()) == Counter()
