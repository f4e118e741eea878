"""Streams that ask too much: the normalizer steps aside, at the same byte however the body is cut; nothing is lost."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamlab.exchange import Ending, ResponseHead
from streamlab.judging.analyzer import analyze
from streamlab.repairing.front import TOO_MUCH
from streamlab.repairing.limits import SLICE, slices
from streamlab.repairing.normalizer import Normalizer, normalize
from tests import streams

MIB = 1 << 20
HALF = streams.sse(streams.chat_text("half", " an")[:-1], done=False)
FINISH = streams.sse(streams.chat_text()[-1:], done=False)

#: What asks too much, behind the beginning of an answer; none of it may be lost.
HOSTILE = {
    "a giant event": b"data: " + b"x" * (9 * MIB) + b"\n\n",
    "an event without end": b"data: " + b"x" * (9 * MIB),
    "lines": b"data: x\n" * 20_000,
    "blank lines": b"\n" * 200_000,
    "returns": b"\r" * 200_000,
    "values": b'data: {"choices":[' + b'{"a":1},' * 20_000 + b"{}]}\n\n",
    "control bytes": b'data: {"a":"' + b"\x01" * 100_000 + b'"}\n\n',
    "choices": b'data: {"choices":[' + b'{"index":0},' * 300 + b"{}]}\n\n",
    "calls": b'data: {"choices":[{"index":0,"delta":{"tool_calls":[' + b'{"index":0},' * 300 + b"{}]}}]}\n\n",
    "tiny events": b": less than 32 bytes\n\n" * 28_000,
    "calls in all": b"".join(
        streams.sse([streams.chunk({"tool_calls": [{"index": at, "id": f"call_{at}"}]})], done=False)
        for at in range(3000)
    ),
    "held back": FINISH + (b'data: {"choices":[],"z":[' + b"[]," * 15_000 + b"[]]}\n\n") * 12,
}


def repairer(*headers: tuple[str, str]) -> Normalizer:
    return Normalizer(streams.request_for(), ResponseHead(200, (("content-type", "text/event-stream"), *headers)))


def in_cuts(body: bytes, size: int) -> list[bytes]:
    return [body[at : at + size] for at in range(0, len(body), size)]


@pytest.mark.parametrize("name", HOSTILE)
def test_what_asks_too_much_goes_by_as_it_came(name: str) -> None:
    body = HALF + HOSTILE[name] + b"data: [DONE]\n\n"
    normalizer = repairer()
    out = normalizer.feed(body) + normalizer.finish()
    assert normalizer.stepped_aside
    assert TOO_MUCH in [one.rule for one in normalizer.unrepaired]
    if name in ("tiny events", "calls in all"):
        assert out.endswith(body[MIB // 2 :])
        assert len(body) > MIB // 2
    else:
        assert out == body
    assert not normalizer.done


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("size", [1000, 65_536])
def test_the_place_does_not_depend_on_the_cuts(name: str, size: int) -> None:
    body = HALF + HOSTILE[name] + b"data: [DONE]\n\n"
    whole, cut = repairer(), repairer()
    expected = whole.feed(body) + whole.finish()
    assert b"".join(map(cut.feed, in_cuts(body, size))) + cut.finish() == expected
    assert cut.unrepaired == whole.unrepaired


@pytest.mark.parametrize("name", HOSTILE)
def test_packed_it_is_the_same(name: str) -> None:
    body = HALF + HOSTILE[name]
    plain, packed = repairer(), repairer(("content-encoding", "gzip"))
    expected = plain.feed(body)
    pieces = list(packed.pieces(gzip.compress(body, mtime=0)))
    assert b"".join(pieces) == expected
    assert max(map(len, pieces)) < 10 * MIB


def test_a_compressed_body_is_repaired_up_to_a_length() -> None:
    events = streams.sse(streams.chat_text("x" * 30_000)[:-1], done=False)
    body = events * (33 * MIB // len(events))
    packed = repairer(("content-encoding", "gzip"))
    assert len(packed.feed(gzip.compress(body, 1, mtime=0))) <= len(body)
    assert [one.why for one in packed.unrepaired if one.rule == TOO_MUCH] == [
        "the compressed body is longer than 33554432 bytes"
    ]


def test_json_that_is_too_large_is_an_error_event() -> None:
    """A client that waits for events could do nothing with it."""
    body = b'{"choices":[' + b'{"a":1},' * 20_000 + b"{}]}"
    normalizer = repairer()
    out = normalizer.feed(body) + normalizer.finish()
    assert out.count(b"data: ") == 1
    assert b'"code":"upstream_invalid_response"' in out
    assert not normalizer.stepped_aside


@pytest.mark.parametrize("ending", [Ending.UPSTREAM_CUT, Ending.COMPLETE])
def test_what_went_by_ends_as_it_ended(ending: Ending) -> None:
    exchange = streams.exchange([HALF, HOSTILE["lines"]], request=streams.request_for(), ending=ending)
    repaired = normalize(exchange).exchange
    assert repaired.body == exchange.body
    assert repaired.ending is ending


def test_a_coding_that_breaks_after_that_is_a_cut() -> None:
    packed = gzip.compress(HALF + HOSTILE["a giant event"], mtime=0)
    normalizer = repairer(("content-encoding", "gzip"))
    normalizer.feed(packed[:-6] + b"broken")
    assert normalizer.stepped_aside
    assert normalizer.broken


@pytest.mark.parametrize("size", [60_000, 2 * MIB])
def test_one_large_event_is_no_burden(size: int) -> None:
    """Images and long arguments come in one event."""
    body = streams.sse(streams.chat_text("a" * size, "b"))
    normalizer = repairer()
    out = normalizer.feed(body) + normalizer.finish()
    assert analyze(streams.exchange([out])).completion == analyze(streams.exchange([body])).completion
    assert not normalizer.unrepaired


@given(st.lists(st.sampled_from([b"\n", b"data: x\n\n", b"x" * 5000, b"{}"]), max_size=400), st.integers(1, 50))
def test_slices_are_the_whole(pieces: list[bytes], times: int) -> None:
    data = b"".join(pieces) * times
    parts = list(slices(data))
    assert b"".join(parts) == data
    assert all(0 < len(part) <= SLICE for part in parts)
    assert all(part.count(b"\n") <= SLICE // 8 for part in parts)


def test_pieces_are_what_feeding_gives() -> None:
    body = streams.sse(streams.chat_text(*map(str, range(2000))))
    whole, slowly = repairer(), repairer()
    pieces = [piece for part in in_cuts(body, 30_000) for piece in slowly.pieces(part)]
    assert b"".join(pieces) == whole.feed(body)
    assert len([piece for piece in pieces if piece]) > len(body) // 30_000
