"""The law of lanes: an event that passes unseen, in a read of its own, leaves all as if it had been looked at."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamlab.exchange import Ending, Request, ResponseHead
from streamlab.judging.lessons import Runs
from streamlab.repairing.lane import Lane
from streamlab.repairing.normalizer import Normalizer
from streamlab.servers.normalizing import RepairingTransformer
from tests import responses
from tests.examples import examples
from tests.judging import test_runs, test_typed_runs
from tests.mutations import mutated

_REQUEST, _HEAD = test_runs._REQUEST, test_runs._HEAD
_SIZES = st.sampled_from([0] * 8 + [1, 7, 200])


def _by_event(body: bytes, sizes: list[int]) -> list[bytes]:
    """The body in reads of an event each, some of them cut off so many bytes later or in two."""
    reads: list[bytes] = []
    for at, part in enumerate(body.split(b"\n\n")):
        size, part = sizes[at % len(sizes)] if sizes else 0, part + b"\n\n"
        reads += [part] if not size else [part[:size], part[size:]]
    reads[-1] = reads[-1][:-2]
    return [one for one in reads if one]


def _normalized(
    request: Request | None, head: ResponseHead | None, reads: list[bytes], runs: Runs, unsafe: bool
) -> tuple[object, ...]:
    normalizer = Normalizer(request, head, runs=runs, unsafe=unsafe)
    out = [normalizer.feed(data) for data in reads]
    out.append(normalizer.finish(Ending.COMPLETE))
    state = normalizer.state
    texts = [state.texts.text(index) for index in range(3)], [state.texts.pieces(index) for index in range(3)]
    counts = state.chunks, state.at, state.calls, state.last, texts
    return out, normalizer.changes, normalizer.unrepaired, state.account.dropped, counts


@given(test_runs._bodies, st.lists(_SIZES, max_size=6), test_runs._requests, st.booleans())
@settings(max_examples=examples(150))
def test_what_passes_unseen_changes_no_byte(body, sizes, request, unsafe):
    reads = _by_event(body, sizes)
    looked_at = _normalized(request, _HEAD, reads, Runs.OFF, unsafe)
    assert _normalized(request, _HEAD, reads, Runs.EAGER, unsafe) == looked_at
    assert _normalized(request, _HEAD, reads, Runs.USUAL, unsafe) == looked_at


@given(
    test_typed_runs._responses() | test_typed_runs._messages(),
    test_typed_runs._MUTATIONS,
    st.lists(_SIZES, max_size=6),
    st.booleans(),
)
@settings(max_examples=examples(60))
def test_what_passes_unseen_changes_no_byte_of_typed_events(exchange, mutations, sizes, unsafe):
    reads = _by_event(mutated(exchange.body, mutations), sizes)
    looked_at = _normalized(exchange.request, exchange.head, reads, Runs.OFF, unsafe)
    assert _normalized(exchange.request, exchange.head, reads, Runs.EAGER, unsafe) == looked_at
    assert _normalized(exchange.request, exchange.head, reads, Runs.USUAL, unsafe) == looked_at


_TEXT = [b"data: " + test_runs._chunk({"content": f" w{at}"}) + b"\n\n" for at in range(100)]
_PADDED = [b"data: " + test_runs._chunk({"content": " w"}, obfuscation="a" * at) + b"\n\n" for at in range(1, 99)]
_CALL = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a":"xyz'}}
_CALLED = [b"data: " + test_runs._chunk({"tool_calls": [_CALL]}) + b"\n\n"]
_CALLED += [b"data: " + test_runs._chunk(test_runs._call(arguments=f"}}]{at % 9}")) + b"\n\n" for at in range(100)]
_CHAT = {"text": _TEXT, "padded text": _PADDED, "arguments": _CALLED}


def _case(name: str) -> tuple[Request | None, ResponseHead | None, list[bytes]]:
    if name in _CHAT:
        return _REQUEST, _HEAD, [test_runs._OPENED, *_CHAT[name]]
    if name == "responses":
        deltas = test_typed_runs._many(responses.mix(), [" w"] * 40)
        for event in deltas:
            event.update({"obfuscation": "xYz"} if event["type"].endswith(".delta") else {})
        exchange = responses.exchange(responses.numbered(deltas))
    else:
        exchange = test_typed_runs._PLAIN_MESSAGES[name]
        events = _by_event(exchange.body, [])
        at = max(at for at, part in enumerate(events) if b"content_block_delta" in part and b"signature" not in part)
        plain = events[at].replace(b'\\"', b"").replace(b'}"', b'"') if name == "tool" else events[at]
        return exchange.request, exchange.head, [*events[:at], *[plain] * 50, *events[at:]]
    return exchange.request, exchange.head, _by_event(exchange.body, [])


@pytest.fixture
def taken(monkeypatch):
    """How many events pass unseen, in a list of one."""
    count, take = [0], Lane.takes

    def takes(self, *given):
        done = take(self, *given)
        count[0] += done
        return done

    monkeypatch.setattr(Lane, "takes", takes)
    return count


@pytest.mark.parametrize("name", [*_CHAT, "responses", "text", "tool"])
def test_most_of_a_clean_stream_passes_unseen(name, taken):
    request, head, reads = _case(name)
    looked_at = _normalized(request, head, reads, Runs.OFF, False)
    assert taken == [0]
    assert _normalized(request, head, reads, Runs.USUAL, False) == looked_at
    assert taken[0] > len(reads) / 3, (taken, len(reads))


@pytest.mark.parametrize("name", [*_CHAT, "responses", "text", "tool"])
def test_what_passed_unseen_is_told_byte_for_byte(name, monkeypatch):
    request, head, reads = _case(name)
    take, run = Lane.takes, Lane.run
    passed, told = bytearray(), bytearray()

    def takes(self, data, *given):
        done = take(self, data, *given)
        passed.extend(data if done else b"")
        return done

    def tells(self):
        found = run(self)
        if found is not None:
            told.extend(found.raw)
            assert [len(one.raw) for one in found.sse_events()] == found.sizes
        return found

    monkeypatch.setattr(Lane, "takes", takes)
    monkeypatch.setattr(Lane, "run", tells)
    _normalized(request, head, reads, Runs.USUAL, False)
    assert told == passed
    assert passed


@pytest.mark.parametrize("name", [*_CHAT, "responses", "text", "tool"])
def test_a_lane_that_is_full_is_followed_by_another(name, taken, monkeypatch):
    """What went unseen is told to all, and events like it go on to pass without one that is looked at between them."""
    request, head, reads = _case(name)
    looked_at = _normalized(request, head, reads, Runs.OFF, False)
    assert _normalized(request, head, reads, Runs.USUAL, False) == looked_at
    unseen, taken[0] = taken[0], 0
    room = 3 * max(map(len, reads))
    monkeypatch.setattr("streamlab.repairing.front.MOST_UNSEEN", room)
    lanes: list[Lane] = []
    enter = Normalizer._enter_lane

    def entering(self, run):
        enter(self, run)
        lanes.append(self.lane)

    monkeypatch.setattr(Normalizer, "_enter_lane", entering)
    assert _normalized(request, head, reads, Runs.USUAL, False) == looked_at
    assert taken[0] == unseen
    assert len(lanes) > unseen / 30


@pytest.mark.parametrize("name", [*_CHAT, "responses", "text", "tool"])
def test_events_that_passed_unseen_are_counted_at_once(name):
    request, head, reads = _case(name)
    counts = []
    for runs in (Runs.OFF, Runs.USUAL):
        normalizer = Normalizer(request, head, runs=runs)
        counts.append([(len(normalizer.feed(data)), normalizer.events) for data in reads])
    assert counts[0] == counts[1]


_ODD_TEXTS = [
    b'"',
    b"\\n",
    b"\\",
    b"\x00",
    b"\n",
    b"\xff",
    "\u2028".encode(),
    "\x85".encode(),
    b"",
    b"x" * 1001,
    b'","a":"',
]


@pytest.mark.parametrize("odd", _ODD_TEXTS)
def test_an_odd_text_is_looked_at(odd, taken):
    reads = [test_runs._OPENED, *_TEXT[:50], _TEXT[0].replace(b" w0", odd), *_TEXT[50:]]
    assert _normalized(_REQUEST, _HEAD, reads, Runs.USUAL, False) == _normalized(
        _REQUEST, _HEAD, reads, Runs.OFF, False
    )
    assert taken[0] > 80


def test_a_text_beyond_ascii_passes_unseen(taken):
    reads = [test_runs._OPENED, *[one.replace(b" w", "世界é".encode()) for one in _TEXT]]
    assert _normalized(_REQUEST, _HEAD, reads, Runs.USUAL, False) == _normalized(
        _REQUEST, _HEAD, reads, Runs.OFF, False
    )
    assert taken[0] > 90


def test_a_text_as_long_as_all_before_it_is_looked_at():
    """It may say all of it once more."""
    words = [b" words that say", b" something", b" more"]
    before, after = _TEXT[0].split(b" w0")
    said = b"".join(words * 8)
    reads = [test_runs._OPENED, *[before + one + after for one in [*words * 8, said, *words]]]
    assert _normalized(_REQUEST, _HEAD, reads, Runs.USUAL, False) == _normalized(
        _REQUEST, _HEAD, reads, Runs.OFF, False
    )


# -- on the wire -------------------------------------------------------------------------------------------------


_ASKED = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 15\r\n\r\n"
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def _framed(data: bytes, line: bytes = b"%x\r\n") -> bytes:
    return line % len(data) + data + b"\r\n"


def _mended(reads: list[bytes], unseen: bool) -> tuple[bytes, int]:
    """What a client is sent, and how many reads went out as they came."""
    transformer, out, passed = RepairingTransformer(), [], 0
    transformer.request(_ASKED)
    transformer.request_body(b'{"stream":true}')
    for data in reads:
        if unseen and transformer.passes(data):
            out.append(data)
            passed += 1
        else:
            out.append(transformer.feed(data))
    out.append(transformer.finish("fin"))
    return b"".join(out), passed


@pytest.mark.parametrize("name", _CHAT)
def test_whole_chunks_go_out_as_they_came(name):
    reads = [_ANSWER, *map(_framed, [test_runs._OPENED, *_CHAT[name]]), _framed(b"data: [DONE]\n\n"), b"0\r\n\r\n"]
    seen, unseen = _mended(reads, False), _mended(reads, True)
    assert unseen[0] == seen[0]
    assert unseen[1] > 60
    assert seen[0].endswith(b"0\r\n\r\n")


@given(st.lists(st.integers(0, 9), min_size=30, max_size=60), st.sampled_from([b"%X\r\n", b"0%x\r\n", b"%x;a=b\r\n"]))
@settings(max_examples=examples(60))
def test_another_framing_changes_nothing(kinds, line):
    """Other size lines, two chunks a read, an event in two chunks, a read that ends within one."""
    reads, rest = [_ANSWER, _framed(test_runs._OPENED)], b""
    for at, kind in enumerate(kinds):
        one = _TEXT[at]
        framed = {0: _framed(one, line), 1: _framed(one[:50]) + _framed(one[50:]), 2: _framed(one + b": ping\n\n")}
        data = rest + framed.get(kind, _framed(one))
        rest = data[-20:] if kind == 3 else data if kind == 4 else b""
        reads.append(data[: len(data) - len(rest)])
    reads = [one for one in (*reads, rest, _framed(b"data: [DONE]\n\n") + b"0\r\n\r\n") if one]
    assert _mended(reads, True)[0] == _mended(reads, False)[0]


def test_a_read_that_is_cut_off_still_counts():
    """What passed unseen is known when the connection breaks."""
    reads = [_ANSWER, *map(_framed, [test_runs._OPENED, *_TEXT])]
    transformer = RepairingTransformer()
    transformer.request(_ASKED)
    transformer.request_body(b'{"stream":true}')
    for data in reads:
        _ = transformer.passes(data) or transformer.feed(data)
    assert b"upstream_truncated" in transformer.finish("rst")
