"""The laws of the normalizer, over arbitrary bytes and over perfect streams that were bent."""

from __future__ import annotations

import copy
import gzip
import itertools
import json
import random
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streamlab.exchange import Ending
from streamlab.judging.analyzer import analyze
from streamlab.repairing.normalizer import Normalizer, normalize
from streamlab.wire.accumulate import Accumulator
from streamlab.wire.events import Chunk, ErrorPayload
from streamlab.wire.stream import StreamDecoder
from tests import corpus, streams
from tests.examples import examples
from tests.memory import traced

PERFECT = {
    "text": streams.chat_text("Spring", " is", " here", "."),
    "unicode": streams.chat_text("春天", "来了", " 🎉", "é"),
    "tool": streams.chat_tool(),
    "tools": streams.chat_tools(),
    "usage": streams.chat_usage("a", "b"),
}
RELAXED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=examples(150))


def _held(body: bytes) -> dict[str, Any]:
    """What a client would hold of the text and the tool calls of a body."""
    accumulator, decoder = Accumulator(), StreamDecoder()
    for event in (*decoder.feed(body), *decoder.finish()):
        if isinstance(event, Chunk):
            accumulator.feed(event.json)
        elif isinstance(event, ErrorPayload):
            accumulator.feed_error(event.json)
    return {index: choice.as_json() for index, choice in accumulator.choices.items()}


def _bend(payload: dict[str, Any], how: int, rng: random.Random) -> None:
    """One of the deviations that servers really have, in one chunk."""
    choice = (payload.get("choices") or [{}])[0]
    delta = choice.get("delta", {})
    calls = delta.get("tool_calls") or []
    bends = [
        lambda: payload.update(id=f"other-{rng.random()}"),
        lambda: payload.pop("id", None),
        lambda: payload.update(object="text_completion"),
        lambda: payload.update(created=1741570283.5),
        lambda: payload.update(model=None),
        lambda: delta.update(role="assistant"),
        lambda: delta.update(role=None),
        lambda: choice.pop("index", None),
        lambda: choice.pop("finish_reason", None) if not choice.get("finish_reason") else None,
        lambda: choice.update(finish_reason=choice.get("finish_reason") or ""),
        lambda: delta.update(tool_calls=[]) if not calls else calls[0].pop("type", None),
        lambda: calls[0].update(id="call_a1B2c3D4", type="function") if calls else None,
        lambda: calls[0].update(id="") if calls and "id" not in calls[0] else None,
        lambda: payload.update(usage={"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}),
        lambda: choice.update(finish_reason=choice.get("finish_reason") or "stop"),
        lambda: payload.update(error=None),
    ]
    bends[how % len(bends)]()


_FRAMES = (
    b"data: %s\n\n",
    b"data:%s\n\n",
    b"data: %s\r\n\r\n",
    b": ping\n\ndata: %s\n\n",
    b"id: 1\ndata: %s\n\n",
    b"event: message\ndata: %s\n\n",
    b"data: data: %s\n\n",
    b"Data: %s\n\n",
    b"data:  %s\n\n",
)


@st.composite
def bent_streams(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """A perfect stream with deviations in its chunks, its framing and its end; and the same with plain framing."""
    payloads = copy.deepcopy(PERFECT[draw(st.sampled_from(sorted(PERFECT)))])
    rng = random.Random(draw(st.integers(0, 1000)))
    everywhere = draw(st.booleans())
    for how in draw(st.lists(st.integers(0, 15), max_size=3)):
        targets = payloads if everywhere else [rng.choice(payloads)]
        for payload in targets:
            _bend(payload, how, rng)
    frame = draw(st.sampled_from(_FRAMES))
    ends = (b"data: [DONE]\n\n", b"", b"data: [DONE]\n\ndata: [DONE]\n\n", b"data: [done]\n\n", b"data: [DONE]")
    body = b"".join(frame % streams.dump(payload) for payload in payloads) + draw(st.sampled_from(ends))
    return body, streams.sse(payloads)


ANY_BYTES = st.one_of(
    st.binary(max_size=300),
    st.lists(
        st.sampled_from(
            [
                b"data: ",
                b"data:",
                b"\n\n",
                b"\r\n",
                b"\n",
                b"{",
                b"}",
                b'{"choices":',
                b"[DONE]",
                b"[",
                b'"',
                b"null",
                b'{"error":{"message":"x"}}',
                b'{"choices":[{"delta":{"content":"a"}}]}',
                b"\xff",
                b": c",
                b"event: ping",
                b'{"choices":[{"delta":{"tool_calls":[{"function":{"name":"f","arguments":"{}"}}]}}]}',
                b"text",
                b"\xef\xbb\xbf",
            ]
        ),
        max_size=25,
    ).map(b"".join),
)


def _run(body: bytes, cuts: list[int], ending: Ending = Ending.COMPLETE, *, unsafe: bool = False) -> bytes:
    normalizer = Normalizer(streams.request_for(tools=True), unsafe=unsafe)
    points = sorted({min(cut, len(body)) for cut in cuts} | {0, len(body)})
    out = [normalizer.feed(body[start:stop]) for start, stop in itertools.pairwise(points)]
    out.append(normalizer.finish(ending))
    assert normalizer.failed is None
    return b"".join(out)


@pytest.mark.parametrize("name", sorted(PERFECT))
@pytest.mark.parametrize("unsafe", [False, True])
def test_conforming_streams_come_out_byte_for_byte(name, unsafe):
    body = streams.sse(PERFECT[name])
    exchange = streams.exchange(body, request=streams.request_for(tools="tool" in name, usage=name == "usage"))
    repaired = normalize(exchange, unsafe=unsafe)
    assert repaired.exchange.body == body
    assert repaired.changes == {}
    assert repaired.unrepaired == ()


@RELAXED
@given(
    body=ANY_BYTES, cuts=st.lists(st.integers(0, 300), max_size=6), ending=st.sampled_from(Ending), unsafe=st.booleans()
)
def test_any_bytes_any_cuts(body, cuts, ending, unsafe):
    whole = _run(body, [], ending, unsafe=unsafe)
    assert _run(body, cuts, ending, unsafe=unsafe) == whole
    assert _run(body, list(range(len(body))), ending, unsafe=unsafe) == whole
    # Nobody is there to read an error event, or nobody answered.
    left = ending in (Ending.CLIENT_LEFT, Ending.INTERRUPTED, Ending.UNREACHABLE)
    assert _run(whole, [], ending if left else Ending.COMPLETE, unsafe=unsafe) == whole, "twice is not once"


@RELAXED
@given(bent=bent_streams(), cuts=st.lists(st.integers(0, 4000), max_size=6), unsafe=st.booleans())
def test_bent_streams(bent, cuts, unsafe):
    body, plain = bent
    exchange = streams.exchange([body], request=streams.request_for(tools=True))
    repaired = normalize(exchange, unsafe=unsafe)
    assert _run(body, cuts, unsafe=unsafe) == repaired.exchange.body
    assert normalize(repaired.exchange, unsafe=unsafe).exchange.body == repaired.exchange.body, "twice is not once"
    before, after = _held(plain), _held(repaired.exchange.body)
    for index, choice in after.items():
        came = before[index]
        assert choice["content"] == came["content"]
        assert [call["function"]["arguments"] for call in choice["tool_calls"]] == [
            call["function"]["arguments"] for call in came["tool_calls"]
        ]
    can = {"safe"} if not unsafe else {"safe", "unsafe"}
    promised = {one.rule for one in analyze(exchange).findings if str(one.repairability) in can}
    still = {one.rule for one in analyze(repaired.exchange).findings}
    assert not promised & still, "a rule still speaks after its repair"


@RELAXED
@given(at=st.floats(0.0, 1.0))
def test_a_cut_stream_is_never_made_whole(at):
    """Cut anywhere before the finish: no finish, no [DONE], but an error event."""
    payloads = streams.chat_text("Spring", " is", " here", ".")
    cut = streams.sse(payloads[:-1], done=False)
    cut = cut[: int(len(cut) * at)]
    for ending in (Ending.UPSTREAM_CUT, Ending.COMPLETE):
        out = _run(cut, [], ending)
        assert b"[DONE]" not in out
        assert b'"finish_reason":"' not in out
        assert out.rstrip().endswith(b"}")
        assert json.loads(out.rstrip().split(b"\n\n")[-1][6:])["error"]["code"] in (
            "upstream_truncated",
            "empty_stream",
            "upstream_invalid_response",
        )


@RELAXED
@given(bent=bent_streams())
def test_the_account_is_complete(bent):
    """Joined raw events are the output; copied events are events of the input; every changed event says by what."""
    body, _ = bent
    exchange = streams.exchange([body], request=streams.request_for(tools=True))
    repaired = normalize(exchange)
    assert b"".join(event.raw for event in repaired.events) == repaired.exchange.body
    inputs = StreamDecoder()
    events = [*inputs.feed(body), *inputs.finish()]
    for event in repaired.events:
        if str(event.origin) == "copied":
            assert event.changes == ()
            assert event.raw == events[event.sources[0]].sse.raw
        else:
            assert event.repairs
        assert all(0 <= at < len(events) for at in event.sources)


def test_memory_is_bounded():
    """Neither a long text nor endless events without meaning are kept."""
    import tracemalloc

    piece = streams.frame(streams.chunk({"content": "x" * 50})) * 200
    normalizer = Normalizer()
    normalizer.feed(streams.frame(streams.chat_text()[0]))
    normalizer.feed(piece * 120)
    with traced():
        for _ in range(100):
            normalizer.feed(piece)
        held, _ = tracemalloc.get_traced_memory()
    assert held < 300_000
    torn = Normalizer()
    sent = sum(len(torn.feed(b"data: {half\n\n")) for _ in range(1000))
    assert sent > 10_000


def _pieces(body: bytes, near: int = 8192) -> Iterator[bytes]:
    """Single bytes; what lies far from both ends of a huge body in pieces of 61."""
    far = range(near, len(body) - near, 61)
    start = end = near
    if far:
        start, end = far.start, far[-1] + 61
    yield from (body[at : at + 1] for at in range(min(start, len(body))))
    yield from (body[at : at + 61] for at in far)
    yield from (body[at : at + 1] for at in range(end, len(body)))


def test_pieces_are_the_whole():
    for size in (0, 1, 8191, 8192, 16_384, 16_385, 16_500, 100_000):
        body = bytes(at % 251 for at in range(size))
        assert b"".join(_pieces(body)) == body


@pytest.mark.parametrize("part", ["seed-systems", "scenarios"])
def test_corpus_any_cutting_and_twice(part):
    for directory in corpus.directories(part):
        exchange = corpus.load(directory)
        repaired = normalize(exchange)
        assert normalize(repaired.exchange).exchange.body == repaired.exchange.body, directory.name
        normalizer = Normalizer(exchange.request, exchange.head)
        bytewise = [normalizer.feed(piece) for piece in _pieces(exchange.body)]
        assert b"".join(bytewise) + normalizer.finish(exchange.ending) == repaired.exchange.body, directory.name


@pytest.mark.parametrize("name", ["text", "tool", "tools"])
def test_any_part_of_a_stream_repaired_twice_is_repaired_once(name):
    """Every subset of the events of a perfect stream: openings, arguments, finish and [DONE] missing in any way."""
    frames = [*map(streams.frame, PERFECT[name]), b"data: [DONE]\n\n"]
    for chosen in range(1, 1 << len(frames)):
        body = b"".join(frame for at, frame in enumerate(frames) if chosen >> at & 1)
        once = _run(body, [])
        assert _run(once, []) == once, body


@RELAXED
@given(body=st.one_of(ANY_BYTES, bent_streams().map(lambda made: made[0])), compressed=st.booleans())
def test_bytewise_is_byte_after_byte(body, compressed):
    body = gzip.compress(body) if compressed else body
    together, apart = Normalizer(), Normalizer()
    one_by_one = [apart.feed(body[at : at + 1]) for at in range(len(body))]
    assert together.feed_bytewise(body) == b"".join(one_by_one)
    assert together.finish() == apart.finish()
    assert together.changes == apart.changes


def test_bytewise_steps_aside_where_byte_after_byte_does():
    """An event that grows too long, and a stream that is looked at as a whole, at their marks."""
    long_event = b'data: {"choices":[' + b"1," * 40_000 + b"1]}\n\n"
    for body in (long_event, streams.sse(PERFECT["text"]) * 160):
        together, apart = Normalizer(), Normalizer()
        one_by_one = b"".join(apart.feed(body[at : at + 1]) for at in range(len(body)))
        assert (together.feed_bytewise(body), together.finish()) == (one_by_one, apart.finish())
        assert together.stepped_aside == apart.stepped_aside
