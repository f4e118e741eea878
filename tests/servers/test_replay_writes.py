"""What a replay server puts into one write, and from when on it counts a request's time."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from streamlab.exchange import Exchange, Segment
from streamlab.playback.matching import candidate
from streamlab.playback.script import Script, script
from streamlab.servers.arrivals import StampedSocket, stamp_arrivals
from streamlab.servers.endpoint import Endpoint
from streamlab.servers.replay import Playable
from streamlab.storage.exchange_dir import write_exchange_dir
from streamlab.workflows import replay as replaying
from streamlab.workflows.replay import BackgroundReplay
from tests import streams
from tests.servers.harness import END, chunk, fetch, get, run

EVENTS = (b"data: 1\n\n", b"data: 2\n\n", b"data: 3\n\n")
CHUNKED = (("transfer-encoding", "chunked"),)


def recorded(
    offsets: Sequence[int] = (0, 0, 0),
    headers: tuple[tuple[str, str], ...] = CHUNKED,
    http_chunks: tuple[int, ...] | None = None,
) -> Exchange:
    """Three reads of an event each."""
    made = streams.exchange([*EVENTS], headers=headers)
    segments = tuple(Segment(offset, data) for offset, data in zip(offsets, EVENTS, strict=True))
    assert made.head is not None
    head = replace(made.head, offset_us=0)
    return replace(made, head=head, segments=segments, http_chunks=http_chunks, end_us=offsets[-1])


def writes(
    exchange: Exchange,
    monkeypatch: pytest.MonkeyPatch,
    speed: float = 0.0,
    segments: str = "recorded",
    until: bytes | None = None,
) -> list[bytes]:
    """What went out at once each, without the head; of an answer to its end, or until it ends in certain bytes."""
    found: list[bytes] = []
    send = Endpoint.send

    def noting(self: Endpoint, data: bytes) -> bool:
        found.append(bytes(data))
        return send(self, data)

    @contextmanager
    def opened() -> Iterator[Script]:
        yield script(exchange, segments=segments)

    monkeypatch.setattr(Endpoint, "send", noting)
    with BackgroundReplay([Playable(candidate(["x"], None), "x", opened)], speed=speed) as replay:
        if until is None:
            run(fetch(replay.address[1], get("/@x/v1")))
        else:
            run(fetch(replay.address[1], get("/@x/v1"), until=lambda seen: seen.raw.endswith(until)))
    first, *others = found
    body = first.partition(b"\r\n\r\n")[2]
    return [part for part in (body, *others) if part]


def test_chunks_that_are_due_together_go_out_together(monkeypatch: pytest.MonkeyPatch) -> None:
    at_once = b"".join(map(chunk, EVENTS)) + END
    assert writes(recorded(), monkeypatch) == [at_once]
    assert writes(recorded(), monkeypatch, speed=1) == [at_once]
    assert writes(recorded((0, 20_000, 40_000)), monkeypatch) == [at_once]


def test_chunks_that_are_due_apart_go_out_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    one, two, _ = map(chunk, EVENTS)
    an_hour_later = recorded((0, 0, 3_600_000_000))
    assert writes(an_hour_later, monkeypatch, speed=1, until=two) == [one + two]


@pytest.mark.parametrize("segments", ["event", "9"])
def test_cuts_that_were_asked_for_are_writes_of_their_own(segments: str, monkeypatch: pytest.MonkeyPatch) -> None:
    apart = [*map(chunk, EVENTS), END]
    assert writes(recorded(), monkeypatch, segments=segments) == apart


@pytest.mark.parametrize("speed", [0.0, 1.0])
def test_a_cut_that_no_chunk_shows_is_a_write_of_its_own(speed: float, monkeypatch: pytest.MonkeyPatch) -> None:
    assert writes(recorded(headers=(("connection", "close"),)), monkeypatch, speed) == [*EVENTS]
    one_chunk = recorded(http_chunks=(27,))
    assert writes(one_chunk, monkeypatch, speed) == [b"1b\r\n" + EVENTS[0], EVENTS[1], EVENTS[2] + b"\r\n" + END]


def test_a_long_answer_goes_out_in_writes_of_some_size(monkeypatch: pytest.MonkeyPatch) -> None:
    data = b"data: " + b"x" * 40_000 + b"\n\n"
    long = replace(recorded(), segments=tuple(Segment(0, data) for _ in range(100)))
    found = writes(long, monkeypatch)
    assert b"".join(found) == chunk(data) * 100 + END
    assert max(map(len, found)) < 120_000


def _waited_unread(stamped: bool) -> tuple[int, int, int]:
    """Before and after bytes were sent, and when they are said to have come: they are read 20 ms later."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        if stamped:
            stamp_arrivals(listener)
        with (
            socket.create_connection(listener.getsockname()) as client,
            StampedSocket.of(listener.accept()[0]) as accepted,
        ):
            before = time.monotonic_ns()
            client.sendall(b"asked")
            after = time.monotonic_ns()
            while time.monotonic_ns() < after + 20_000_000:  # what a busy loop does
                pass
            buffer = bytearray(16)
            assert accepted.recv_into(memoryview(buffer)) == 5
            assert buffer[:5] == b"asked"
            return before, accepted.arrived_ns, after


@pytest.mark.skipif(sys.platform != "linux", reason="no other system tells")
def test_a_request_counts_from_when_it_came_not_from_when_it_was_read() -> None:
    before, arrived, after = _waited_unread(stamped=True)
    assert before - 1_000_000 < arrived < after + 1_000_000


def test_without_a_stamp_it_counts_from_when_it_was_read(monkeypatch: pytest.MonkeyPatch) -> None:
    _, arrived, after = _waited_unread(stamped=False)
    assert arrived >= after + 20_000_000


@pytest.mark.parametrize("step_s", [3600, -3600])
def test_a_wall_clock_that_was_set_meanwhile_says_nothing(step_s: int, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time_ns
    monkeypatch.setattr("time.time_ns", lambda: now() + step_s * 1_000_000_000)
    _, arrived, after = _waited_unread(stamped=True)
    assert arrived >= after + 20_000_000


@pytest.mark.skipif(sys.platform != "linux", reason="no other system tells")
def test_the_time_zero_of_an_answer_is_the_kernels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is due five seconds after a request that waited ten to be read is five seconds late, and sent at once."""
    write_exchange_dir(recorded((0, 0, 5_000_000)), tmp_path / "one")
    loaded = replaying.playables([str(tmp_path / "one")])
    monkeypatch.setattr("streamlab.servers.arrivals._waited_ns", lambda _told: 10_000_000_000)
    with BackgroundReplay(loaded, speed=1) as replay:
        seen = run(fetch(replay.address[1], get("/@one/v1")))
        assert seen.raw.endswith(END)
        assert min(replay.timing.errors_ns) >= 5_000_000_000
