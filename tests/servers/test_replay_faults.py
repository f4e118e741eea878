"""Faults on demand, as a raw socket and as openai-python meet them."""

from __future__ import annotations

import json
import socket
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import openai
import pytest

from streamlab.errors import UsageError
from streamlab.playback.faults import parse_faults
from streamlab.playback.faulty import faulty
from streamlab.storage.exchange_dir import write_exchange_dir
from streamlab.workflows.replay import BackgroundReplay, replay
from tests import streams
from tests.servers.harness import openai_client

#: Of a stream that falls silent: how long nothing has to come.
_SILENCE = 0.5
EVENTS = [
    segment.data for segment in streams.exchange(streams.sse(streams.chat_text("One", " two", " three"))).segments
]


WHOLE = b"".join(EVENTS)
#: A byte in the middle of event 2.
AT = len(b"".join(EVENTS[:2])) + 40


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("faults") / "first"
    write_exchange_dir(streams.exchange(b"".join(EVENTS)), folder)
    return folder


@pytest.fixture(scope="module")
def apart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, recorded in a read for each event."""
    folder = tmp_path_factory.mktemp("faults") / "apart"
    write_exchange_dir(streams.exchange(EVENTS), folder)
    return folder


@contextmanager
def _faulty(home: Path, *faults: str) -> Iterator[BackgroundReplay]:
    with replay(home, fault=faults, match="any") as server:
        yield server


def _raw(server: BackgroundReplay, *, silence: float = 30.0) -> tuple[bytes, str]:
    """All that comes to one request, and how it ends: "complete", "closed", "reset" or "silent"."""
    got = bytearray()
    with socket.create_connection(server.address, timeout=30) as client:
        client.sendall(
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        )
        client.settimeout(silence)
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
        (f"at {AT}: cut", [WHOLE[:AT]], "closed", openai.APIError),
        (f"at {AT}: reset", [WHOLE[:AT]], "reset", openai.APIError),
        (f"at {AT}: stall", [WHOLE[:AT]], "silent", openai.APIError),
    ],
)
def test_a_fault_at_a_socket_and_at_a_client(home, fault, kept, ending, outcome):
    with _faulty(home, fault) as server:
        got, how = _raw(server, silence=_SILENCE if ending == "silent" else 30.0)
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


@pytest.mark.parametrize(
    ("fault", "reads"),
    [
        ("at 2e: split 3", [*EVENTS[:2], 3, *EVENTS[3:]]),
        ("at 2e: merge 2", [*EVENTS[:2], EVENTS[2] + EVENTS[3], *EVENTS[4:]]),
        ("at 1e: merge 4", [EVENTS[0], b"".join(EVENTS[1:5]), *EVENTS[5:]]),
    ],
)
def test_events_come_in_other_reads_and_are_read_as_the_same(apart, fault, reads):
    """An HTTP chunk for each read: of event 2 three, or one of several events; a number stands for so many pieces."""
    with _faulty(apart, fault) as server:
        chunks = list(_chunks(_raw(server)[0].partition(b"\r\n\r\n")[2]))
        assert b"".join(chunks) == WHOLE
        for want in reads:
            if isinstance(want, int):
                assert b"".join(chunks[:want]) == EVENTS[2]
                del chunks[:want]
            else:
                assert chunks.pop(0) == want
        assert chunks == []
        assert _text(server) == "One two three"


@pytest.mark.parametrize("place", ["2e", str(AT)])
def test_corruption_is_one_bit_at_its_place(home, place):
    with _faulty(home, f"at {place}: corrupt") as server:
        got, _ = _raw(server)
        body = b"".join(_chunks(got.partition(b"\r\n\r\n")[2]))
        changed = [(at, one ^ other) for at, (one, other) in enumerate(zip(body, WHOLE, strict=True)) if one != other]
        assert len(changed) == 1
        assert changed[0][1].bit_count() == 1
        start = len(b"".join(EVENTS[:2]))
        assert changed[0][0] == AT if place == str(AT) else start <= changed[0][0] < start + len(EVENTS[2])
        with pytest.raises((openai.APIError, ValueError)) if _breaks(body) else nullcontext():
            _text(server)


def _breaks(body: bytes) -> bool:
    """Whether the flipped bit leaves an event that is no JSON."""
    try:
        for one in body.split(b"\n\n"):
            if one.startswith(b"data: {"):
                json.loads(one[6:])
    except ValueError:
        return True
    return False


def test_silence_is_filled_with_comments(apart):
    """Where the recording is silent for longer, comments come, which a client reads past."""
    with _faulty(apart, "at 2e: stall 200ms", "keepalive comment every 50ms") as server:
        chunks = list(_chunks(_raw(server)[0].partition(b"\r\n\r\n")[2]))
        comments = [one for one in chunks if one.startswith(b":")]
        assert len(comments) >= 3
        assert b"".join(one for one in chunks if not one.startswith(b":")) == WHOLE
        assert _text(server) == "One two three"


def test_a_status_comes_as_often_as_asked(home):
    with _faulty(home, "429 retry-after=7 for 3 requests") as server:
        head, _, body = _raw(server)[0].partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 429 ")
        assert b"retry-after: 7" in head.lower().split(b"\r\n")
        assert json.loads(body)["error"]["code"] == "rate_limit_exceeded"
        for _ in range(2):
            with pytest.raises(openai.RateLimitError) as caught:
                _text(server)
            assert caught.value.response.headers["retry-after"] == "7"
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


def test_a_member_of_gzip_for_each_event_is_whole_at_a_socket_and_ends_early_at_httpx(home):
    with _faulty(home, "gzip members") as server:
        body, unpacked = b"".join(_chunks(_raw(server)[0].partition(b"\r\n\r\n")[2])), b""
        while body:
            member = zlib.decompressobj(zlib.MAX_WBITS | 16)
            unpacked, body = unpacked + member.decompress(body), member.unused_data
        assert unpacked == WHOLE
        assert _text(server) in ("", "One")  # what the first member holds


@pytest.mark.parametrize(
    ("fault", "least_s"), [("latency 0.1s", 0.1), ("rate 50 tok/s", 0.08), ("at 2e: stall 0.1s", 0.1)]
)
def test_faults_that_take_time_take_it_and_lose_nothing(home, fault, least_s):
    """No sooner than they say, at a socket and at a client; how much later is the machine's affair."""
    with _faulty(home, fault, "seed 3") as server:
        for ask in (_raw, _text):
            before = time.monotonic()
            got = ask(server)
            assert time.monotonic() - before >= least_s
            assert got == "One two three" or b"".join(_chunks(got[0].partition(b"\r\n\r\n")[2])) == WHOLE
        assert server.timing.earliest_us is not None
        assert server.timing.earliest_us >= 0


def test_latency_spreads_by_its_seed(home):
    """Of each request that which was drawn for it, at a socket and at a client."""
    faults = ["latency 60ms±40ms", "seed 3"]
    whole, drawing = streams.exchange(WHOLE), parse_faults(faults)
    heads = [faulty(whole, drawing, speed=0, request=number).head for number in range(2)]
    drawn = [head.offset_us for head in heads if head is not None and head.offset_us is not None]
    assert drawn[0] != drawn[1]
    with _faulty(home, *faults) as server:
        for ask, least_us in zip((_raw, _text), drawn, strict=True):
            before = time.monotonic()
            assert ask(server)
            assert (time.monotonic() - before) * 1e6 >= least_us


def test_what_is_no_fault_is_refused(home):
    with pytest.raises(UsageError, match="column 8"):
        replay(home, fault="at 7e: explode")
