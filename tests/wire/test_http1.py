"""The HTTP/1 readers: any cut gives the same reading, nothing raises, and every offset is exact."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamlab.wire.http1 import (
    MAX_RESPONSE_HEAD,
    Body,
    BodyFraming,
    BodyReader,
    Broken,
    End,
    Head,
    HttpFault,
    Interim,
    Piece,
    ResponseEvent,
    ResponseReader,
    Surplus,
    head_end,
    parse_request_head,
    parse_response_head,
    request_body,
    response_body,
)

_HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def _read(cuts: list[bytes], methods: tuple[str, ...] = ("GET",)) -> list[ResponseEvent]:
    reader = ResponseReader()
    for method in methods:
        reader.expect(method)
    return [event for cut in cuts for event in reader.feed(cut)]


def _meaning(events: list[ResponseEvent]) -> list[object]:
    """The events with everything that depends on the cuts joined."""
    joined: list[object] = []
    chunks: dict[int, bytes] = {}
    loose: dict[type, bytes] = {}
    for event in events:
        if isinstance(event, Body):
            for data, chunk in event.pieces:
                chunks[chunk] = chunks.get(chunk, b"") + data
        elif isinstance(event, Broken | Surplus):
            loose[type(event)] = loose.get(type(event), b"") + (event.rest if isinstance(event, Broken) else event.data)
            if isinstance(event, Broken) and event.fault not in joined:
                joined.append(event.fault)
        else:
            joined += [chunks, event] if isinstance(event, End) else [event]
            chunks = {} if isinstance(event, End) else chunks
    return [*joined, chunks, loose]


def _cut(data: bytes, at: list[int]) -> list[bytes]:
    bounds = [0, *sorted({point % (len(data) + 1) for point in at}), len(data)]
    return [data[begin:end] for begin, end in itertools.pairwise(bounds) if end > begin]


_CHUNKS = st.lists(st.binary(min_size=1, max_size=40), max_size=8)
_SIZES = st.sampled_from(["%x", "%X", "0%x", "%x;ext=1", "%x "])


@st.composite
def _responses(draw: st.DrawFn) -> bytes:
    """Responses that are mostly right, and now and then broken somewhere."""
    chunks = draw(_CHUNKS)
    coded = b"".join((draw(_SIZES) % len(chunk)).encode() + b"\r\n" + chunk + b"\r\n" for chunk in chunks)
    trailers = draw(st.sampled_from([b"", b"X-Sum: 1\r\n", b"A: 1\r\nB: 2\r\n"]))
    interim = draw(st.sampled_from([b"", b"HTTP/1.1 100 Continue\r\n\r\n"]))
    whole = interim + _HEAD + coded + b"0\r\n" + trailers + b"\r\n" + draw(st.sampled_from([b"", b"more"]))
    if draw(st.booleans()):
        at = draw(st.integers(0, len(whole)))
        whole = whole[:at] + draw(st.binary(max_size=3)) + whole[at + draw(st.integers(0, 2)) :]
    return whole


@given(_responses(), st.lists(st.integers(0, 2000), max_size=12))
def test_cutting_elsewhere_changes_nothing(data: bytes, at: list[int]) -> None:
    whole = _meaning(_read([data]))
    assert _meaning(_read(_cut(data, at))) == whole
    assert _meaning(_read([data[i : i + 1] for i in range(len(data))])) == whole


@given(st.binary(max_size=300), st.sampled_from(["GET", "HEAD", "CONNECT"]))
def test_no_bytes_raise(data: bytes, method: str) -> None:
    _read([data], (method,))
    _read([_HEAD + data], (method,))
    parse_request_head(data + b"\r\n\r\n")
    parse_response_head(b"HTTP/1.1 200 OK\r\n" + data + b"\r\n\r\n")


@given(_CHUNKS, st.binary(max_size=20), st.lists(st.integers(0, 500), max_size=6))
def test_a_chunked_body_gives_its_chunks_and_its_exact_end(chunks: list[bytes], after: bytes, at: list[int]) -> None:
    coded = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
    reader, pieces, consumed = BodyReader(BodyFraming.CHUNKED), list[Piece](), 0
    for part in _cut(coded + after, at):
        consumed += reader.feed(part, 0, pieces)
    assert reader.done
    assert consumed == len(coded)
    for number, chunk in enumerate(chunks):
        assert b"".join(data for data, at_chunk in pieces if at_chunk == number) == chunk


@pytest.mark.parametrize(
    "coded",
    [
        b"g\r\n",
        b"-1\r\n",
        b"+5\r\nhello\r\n",
        b"0x5\r\nhello\r\n",
        b"1_0\r\n",
        b" 5\r\nhello\r\n",
        b"\r\n",
        b"5\nhello\r\n",
        b"5\r\nhelloX\r\n",
        b"5\r\nhello\n",
        b"f" * 16 + b"\r\n",
        b"5;" + b"x" * 5000,
        b"0\r\nbad trailer\r\n\r\n",
        b"0\r\n" + b"X: y\r\n" * 5000,
    ],
)
def test_broken_chunk_framing_is_a_fault(coded: bytes) -> None:
    for cuts in ([coded], [coded[i : i + 1] for i in range(len(coded))]):
        reader = BodyReader(BodyFraming.CHUNKED)
        for cut in cuts:
            reader.feed(cut, 0, [])
        assert reader.fault is not None


@pytest.mark.parametrize("coded", [b"0\r\nA: b\n\r\n", b"0\r\nA: b\r\n\n", b"0\r\n\n", b"0\r\nA: b\r\r\n\r\n"])
def test_bare_line_feeds_in_trailers_are_refused_of_a_request_and_read_of_a_response(coded: bytes) -> None:
    strict, lenient = BodyReader(BodyFraming.CHUNKED, strict=True), BodyReader(BodyFraming.CHUNKED)
    for reader in (strict, lenient):
        reader.feed(coded, 0, [])
    assert strict.fault is not None
    assert (lenient.fault, lenient.done) == (None, True)


@pytest.mark.parametrize(
    ("status", "headers", "method", "framing"),
    [
        (200, "Content-Length: 3", "GET", BodyFraming.LENGTH),
        (200, "Content-Length: 0", "GET", BodyFraming.NONE),
        (200, "Content-Length: 3, 3", "GET", BodyFraming.LENGTH),
        (200, "Content-Length: 3", "HEAD", BodyFraming.NONE),
        (204, "Content-Length: 3", "GET", BodyFraming.NONE),
        (304, "Transfer-Encoding: chunked", "GET", BodyFraming.NONE),
        (200, "Transfer-Encoding: Chunked\r\nContent-Length: 3", "GET", BodyFraming.CHUNKED),
        (200, "Transfer-Encoding: gzip, chunked", "GET", BodyFraming.CHUNKED),
        (200, "Transfer-Encoding: identity", "GET", BodyFraming.CLOSE),
        (101, "Upgrade: websocket", "GET", BodyFraming.CLOSE),
        (200, "X: y", "CONNECT", BodyFraming.CLOSE),
        (200, "X: y", "GET", BodyFraming.CLOSE),
    ],
)
def test_what_ends_a_response(status: int, headers: str, method: str, framing: BodyFraming) -> None:
    head = parse_response_head(f"HTTP/1.1 {status} X\r\n{headers}\r\n\r\n".encode())
    assert not isinstance(head, HttpFault)
    body = response_body(head, method)
    assert not isinstance(body, HttpFault)
    assert body.framing is framing


@pytest.mark.parametrize(
    "headers", ["Content-Length: 3\r\nContent-Length: 4", "Content-Length: x", "Content-Length: +3"]
)
def test_a_length_that_is_none_breaks_the_response(headers: str) -> None:
    events = _read([f"HTTP/1.1 200 OK\r\n{headers}\r\n\r\nabc".encode()])
    assert [type(event) for event in events] == [Broken]


def test_responses_answer_their_requests_in_order() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
    data = head + head + b"okHTTP/1.1 204 X\r\n\r\n"
    kinds = [type(event) for event in _read([data + b"!"], ("HEAD", "GET", "GET"))]
    assert kinds == [Head, End, Head, Body, End, Head, End, Surplus]


def test_interim_heads_come_before_the_head() -> None:
    kinds = [type(event) for event in _read([b"HTTP/1.1 100 C\r\n\r\nHTTP/1.1 103 E\r\n\r\n" + _HEAD])]
    assert kinds == [Interim, Interim, Head]


def test_only_a_body_without_a_length_ends_with_the_connection() -> None:
    for head, proper in (
        (b"HTTP/1.1 200 OK\r\n\r\nabc", True),
        (_HEAD + b"3\r\nabc\r\n", False),
        (b"HTTP/1.1 2", False),
    ):
        reader = ResponseReader()
        reader.expect("GET")
        reader.feed(head)
        assert reader.finish() is proper


def test_response_heads_are_read_as_clients_read_them() -> None:
    head = parse_response_head(b"HTTP/1.1 200\nA: 1\r\nB:two\n three\r\nC : 4\r\n\r\n")
    assert not isinstance(head, HttpFault)
    assert head.headers == (("A", "1"), ("B", "two three"), ("C ", "4"))


def test_a_response_head_without_end_is_given_up_at_its_limit() -> None:
    reader = ResponseReader()
    reader.expect("GET")
    block, fed = b"X" * 65536, 0
    events = reader.feed(b"HTTP/1.1 200 OK\r\nA: ")
    while not events:
        events = reader.feed(block)
        fed += len(block)
        assert fed <= MAX_RESPONSE_HEAD + len(block)
    assert isinstance(events[0], Broken)


@pytest.mark.parametrize(
    ("raw", "end"),
    [(b"a\r\n\r\nb", 5), (b"a\n\nb", 3), (b"a\r\n\n", 4), (b"a\n\r\n", 4), (b"a\r\nb\r\n", -1), (b"\n", -1)],
)
def test_the_end_of_a_head_is_found_from_any_point(raw: bytes, end: int) -> None:
    assert head_end(raw, 0, 0) == end
    buffer = b""
    found = -1
    for at in range(len(raw)):
        searched, buffer = len(buffer), raw[: at + 1]
        if found < 0:
            found = head_end(buffer, 0, searched)
    assert found == end


def test_request_lengths() -> None:
    head = parse_request_head(b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n")
    assert not isinstance(head, HttpFault)
    body = request_body(head)
    assert not isinstance(body, HttpFault)
    pieces: list[Piece] = []
    assert body.feed(b"helloGET", 0, pieces) == 5
    assert (pieces, body.done) == ([(b"hello", 0)], True)


@given(
    st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=12),
    st.lists(st.integers(0, 300), max_size=4),
    st.lists(st.integers(1, 12), max_size=9),
)
def test_the_short_way_for_whole_chunks_reads_the_same(chunks: list[bytes], cuts: list[int], joins: list[int]) -> None:
    """Whatever the reads are: where `whole_chunks` says something, it is what `feed` says."""
    data = b"".join(b"%x\r\n%b\r\n" % (len(one), one) for one in chunks) + b"0\r\n\r\n"
    starts = [0, *itertools.accumulate(len(b"%x\r\n%b\r\n" % (len(one), one)) for one in chunks)]
    kept = {start for at, start in enumerate(starts) if at not in joins} | {0}
    bounds = sorted({*kept, len(data), *(cut % len(data) for cut in cuts)})
    reads = [data[start:stop] for start, stop in itertools.pairwise(bounds)]
    plain, short = BodyReader(BodyFraming.CHUNKED), BodyReader(BodyFraming.CHUNKED)
    pieces: list[Piece] = []
    found: list[Piece] = []
    at = 0
    while at < len(reads):
        first = short.chunk
        whole, counts = short.whole_chunks(reads[at:])
        found += [(one, first + number) for number, one in enumerate(whole)]
        if not counts:
            assert whole == []
            short.feed(reads[at], 0, found)
        step = len(counts) or 1
        told = (b"%x\r\n%b\r\n" % (len(one), one) for one in whole)
        assert [b"".join(itertools.islice(told, count)) for count in counts] == reads[at : at + len(counts)]
        for read in reads[at : at + step]:
            plain.feed(read, 0, pieces)
        at += step
        assert (found, short.chunk, short.done) == (pieces, plain.chunk, plain.done)
    assert short.done
