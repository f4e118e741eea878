"""Faults on demand, as a raw socket and as openai-python meet them."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import openai
import pytest

from streamlab.errors import UsageError
from streamlab.storage.exchange_dir import write_exchange_dir
from streamlab.workflows.replay import BackgroundReplay, replay
from tests import streams
from tests.servers.harness import openai_client

#: Long enough for every fault that takes no time, and only waited for where nothing comes.
_SILENCE = 0.3
EVENTS = [
    segment.data for segment in streams.exchange(streams.sse(streams.chat_text("One", " two", " three"))).segments
]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("faults") / "first"
    write_exchange_dir(streams.exchange(b"".join(EVENTS)), folder)
    return folder


@contextmanager
def _faulty(home: Path, *faults: str) -> Iterator[BackgroundReplay]:
    with replay(home, fault=faults, match="any") as server:
        yield server


def _raw(server: BackgroundReplay) -> tuple[bytes, str]:
    """All that comes to one request, and how it ends: "closed", "reset" or "silent"."""
    got = bytearray()
    with socket.create_connection(server.address, timeout=30) as client:
        client.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n")
        client.settimeout(_SILENCE)
        while True:
            try:
                data = client.recv(65536)
            except TimeoutError:
                return bytes(got), "silent"
            except ConnectionResetError:
                return bytes(got), "reset"
            if not data:
                return bytes(got), "closed"
            got += data
            if got.endswith(b"0\r\n\r\n"):
                return bytes(got), "complete"


def _client(server: BackgroundReplay) -> openai.OpenAI:
    return openai_client(server.base_url, timeout=2)


def _text(server: BackgroundReplay) -> str:
    with _client(server) as client:
        stream = client.chat.completions.create(model="m", messages=[], stream=True)
        return "".join(choice.delta.content or "" for chunk in stream for choice in chunk.choices)


@pytest.mark.parametrize(
    ("fault", "kept", "ending", "outcome"),
    [
        ("at 2e: cut", EVENTS[:2], "closed", openai.APIError),
        ("at 2e: reset", EVENTS[:2], "reset", openai.APIError),
        ("at 2e: stall", EVENTS[:2], "silent", openai.APIError),
        ("at 2e: drop", [*EVENTS[:2], *EVENTS[3:]], "complete", "One three"),
        ("at 2e: duplicate", [*EVENTS[:3], *EVENTS[2:]], "complete", "One two two three"),
        ("at 2e: swap", [*EVENTS[:2], EVENTS[3], EVENTS[2], *EVENTS[4:]], "complete", "One three two"),
        ("at 2e: split 3", EVENTS, "complete", "One two three"),
        ("at 2e: merge 2", EVENTS, "complete", "One two three"),
        ("keepalive comment every 1s", EVENTS, "complete", "One two three"),
    ],
)
def test_a_fault_at_a_socket_and_at_a_client(home, fault, kept, ending, outcome):
    with _faulty(home, fault) as server:
        got, how = _raw(server)
        assert how == ending
        body = b"".join(_chunks(got.partition(b"\r\n\r\n")[2]))
        assert body == b"".join(kept)
        if isinstance(outcome, str):
            assert _text(server) == outcome
        else:
            with pytest.raises((outcome, _transport_error())):
                _text(server)


def _transport_error() -> type[Exception]:
    """What openai-python lets through when a connection breaks in the middle of a stream."""
    import httpx

    return httpx.HTTPError


def _chunks(body: bytes) -> Iterator[bytes]:
    """The HTTP chunks of a body, also of one that breaks off."""
    while body:
        size, _, rest = body.partition(b"\r\n")
        length = int(size or b"0", 16)
        if not length:
            return
        yield rest[:length]
        body = rest[length + 2 :]


def test_corruption_is_one_byte(home):
    with _faulty(home, "at 2e: corrupt") as server:
        got, _ = _raw(server)
        body = b"".join(_chunks(got.partition(b"\r\n\r\n")[2]))
        assert sum(one != other for one, other in zip(body, b"".join(EVENTS), strict=True)) == 1


def test_a_status_comes_as_often_as_asked(home):
    with _faulty(home, "429 retry-after=0 for 2 requests") as server:
        for _ in range(2):
            with pytest.raises(openai.RateLimitError) as caught:
                _text(server)
            assert caught.value.response.headers["retry-after"] == "0"
        assert _text(server) == "One two three"


def test_a_client_that_asks_again_gets_its_answer(home):
    with _faulty(home, "503 for 1 request") as server:
        client = openai_client(server.base_url, max_retries=1)
        stream = client.chat.completions.create(model="m", messages=[], stream=True)
        assert sum(1 for _ in stream) == len(EVENTS) - 1
        assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("fault", "header", "value"),
    [("gzip", b"content-encoding", b"gzip"), ("close-delimited", b"transfer-encoding", None)],
)
def test_another_transport_is_read_as_the_same(home, fault, header, value):
    with _faulty(home, fault) as server:
        got, how = _raw(server)
        lines = got.partition(b"\r\n\r\n")[0].lower().split(b"\r\n")
        found = next((line.partition(b": ")[2] for line in lines if line.startswith(header)), None)
        assert found == value
        assert how == ("closed" if fault == "close-delimited" else "complete")
        assert _text(server) == "One two three"


@pytest.mark.parametrize("fault", ["latency 5ms±1ms", "rate 1000 tok/s", "at 2e: stall 5ms"])
def test_faults_that_take_time_lose_nothing(home, fault):
    with _faulty(home, fault, "seed 3") as server:
        assert _text(server) == "One two three"
        assert server.timing.earliest_us is not None
        assert server.timing.earliest_us >= 0


def test_what_is_no_fault_is_refused(home):
    with pytest.raises(UsageError, match="column 8"):
        replay(home, fault="at 7e: explode")
