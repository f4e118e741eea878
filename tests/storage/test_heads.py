"""Secrets leave heads before the heads leave the relay; nothing else is touched, however the bytes are cut."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamlab.redaction import redact_headers, redact_url
from streamlab.storage.cut_lines import CutLines
from streamlab.storage.heads import ResponseHeads, kept_head, kept_trailers, redact_request_head
from streamlab.wire.http1 import (
    BodyFraming,
    BodyReader,
    HttpFault,
    Interim,
    ResponseReader,
    parse_request_head,
    parse_response_head,
)
from streamlab.wire.http1 import Head as ResponseHead

_REQUEST = (
    b"POST /v1/chat/completions?api_key=TOPSECRET&x=1 HTTP/1.1\r\nHost: h\r\nauthorization:Bearer TOPSECRET\r\n"
    b"Cookie: TOPSECRET\r\nAccept: text/event-stream\r\n\r\n"
)
_RESPONSE = (
    b"HTTP/1.1 103 Early Hints\r\nSet-Cookie: TOPSECRET\r\n\r\n"
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nset-cookie: a=TOPSECRET;\r\n TOPSECRET\r\n"
    b"Location: http://TOPSECRET@h/?key=TOPSECRET\r\nContent-Length: 60\r\n\r\n"
)
_BODY = b"HTTP/1.1 200 OK\r\nset-cookie: this is a body and stays\r\n\r\nxxxx"


def test_a_request_head_is_redacted_as_the_recorder_would() -> None:
    redacted = redact_request_head(_REQUEST)
    assert b"TOPSECRET" not in redacted
    before, after = parse_request_head(_REQUEST), parse_request_head(redacted)
    assert not isinstance(before, HttpFault)
    assert not isinstance(after, HttpFault)
    assert after.headers == redact_headers(before.headers)
    assert after.target == redact_url(before.target)
    assert redact_request_head(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n") == b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"


def test_a_key_in_the_name_of_a_header_is_masked_where_it_stands() -> None:
    key = b"sk-proj-" + b"q7Zp" * 8
    line = b"x-my-%s : 1\r\n" % key
    redacted = redact_request_head(b"GET / HTTP/1.1\r\n" + line + b"Host: h\r\n\r\n")
    assert redacted == b"GET / HTTP/1.1\r\nx-my-sk-proj-%s : 1\r\nHost: h\r\n\r\n" % (b"x" * 32)
    assert b"q7Zp" not in ResponseHeads().feed(b"HTTP/1.1 200 OK\r\n" + line + b"y" * 300 + line + b"\r\n")


@given(st.lists(st.integers(1, len(_RESPONSE) + len(_BODY)), max_size=8))
def test_heads_of_responses_are_redacted_however_they_are_cut_and_bodies_are_not(cuts: list[int]) -> None:
    whole = _RESPONSE + _BODY
    edges = sorted({0, len(whole), *(cut for cut in cuts if cut < len(whole))})
    heads = ResponseHeads()
    out = b""
    for begin, end in itertools.pairwise(edges):
        out += whole[begin:end] if heads.done else heads.feed(whole[begin:end])
    assert heads.done
    assert b"TOPSECRET" not in out
    assert out.endswith(b"\r\n\r\n" + _BODY)
    reader = ResponseReader()
    reader.expect("GET")
    found = [event.head.headers for event in reader.feed(out) if isinstance(event, (Interim, ResponseHead))]
    parsed = [parse_response_head(part + b"\r\n\r\n") for part in _RESPONSE.split(b"\r\n\r\n")[:2]]
    assert [redact_headers(one) for one in found] == [
        redact_headers(head.headers) for head in parsed if not isinstance(head, HttpFault)
    ]


@given(st.binary(max_size=400), st.lists(st.integers(1, 60), max_size=10))
def test_what_is_no_head_passes_as_it_is(data: bytes, sizes: list[int]) -> None:
    heads, at, out = ResponseHeads(), 0, b""
    for size in [*sizes, len(data)]:
        out += heads.feed(b"x" + data[at : at + size])[1:]
        at += size
    assert out + heads.rest() == data


def test_an_unfinished_line_comes_at_the_end_redacted() -> None:
    heads = ResponseHeads()
    assert heads.feed(b"HTTP/1.1 200 OK\r\nset-cookie: TOPSEC") == b"HTTP/1.1 200 OK\r\n"
    assert heads.feed(b"RET") == b""
    assert heads.rest() == b"set-cookie: REDACTED"


def test_requests_that_do_not_wait_for_answers() -> None:
    heads = ResponseHeads()
    heads.expect()
    one = b"HTTP/1.1 200 OK\r\nset-cookie: TOPSECRET\r\nContent-Length: 2\r\n\r\nok"
    assert b"TOPSECRET" not in heads.feed(one)
    assert not heads.done
    assert b"TOPSECRET" not in heads.feed(one)
    assert heads.done


@pytest.mark.parametrize("line", [b"x" * 70_000, b"a: b\r\n" * 400_000])
def test_a_head_without_end_is_given_up(line: bytes) -> None:
    heads, out = ResponseHeads(), b""
    for at in range(0, len(line), 8192):
        part = line[at : at + 8192]
        out += heads.feed(b"HTTP/1.1 200 OK\r\n" + part if not at else part) if not heads.done else part
    assert heads.done
    assert out == b"HTTP/1.1 200 OK\r\n" + line


_KEY = b"sk-proj-" + b"q7Zp" * 8


@pytest.mark.parametrize(
    ("line", "left"),
    [
        (b"authorization: Bearer a-bare-secret", b"secret"), (b"x-debug: my key is " + _KEY, b"q7Zp"),
        (b"x-my-" + _KEY + b": 1", b"q7Zp"), (b"x-note: nothing", b""), (b"grpc-status: 0", b""),
    ],
)  # fmt: skip
def test_trailers_in_the_point_to_go_on_from_hold_no_secret_wherever_they_are_cut(line: bytes, left: bytes) -> None:
    """And who goes on from there records none either, and nothing that is not so."""
    sent = b"0\r\nx-first: 1\r\n" + line + b"\r\nx-last: 2\r\n\r\n"
    for cut in range(3, len(sent)):
        body = BodyReader(BodyFraming.CHUNKED)
        body.feed(sent[:cut], 0, [])
        lines = CutLines(CutLines().state(None, body))
        state = body.state(kept_trailers)
        assert left == b"" or left not in str(state).encode(), cut
        again = BodyReader.restored(state)
        again.feed(sent[cut:], 0, [])
        assert again.done
        assert again.fault is None
        found = lines.of_response(again.trailers)
        assert left == b"" or left not in str(found).encode(), cut
        assert found[0] == ("x-first", "1")
        assert found[-1] == ("x-last", "2")
        name, _, value = line.decode().partition(": ")
        assert left or found[1] == (name, value)
        assert lines.of_response((("x", "next"),)) == (("x", "next"),)


def test_a_head_in_the_point_to_go_on_from_holds_no_secret() -> None:
    raw = b"HTTP/1.1 200 OK\r\nx-fine: 1\r\nauthorization: Bearer hidden\r\nx-debug: " + _KEY
    for cut in range(len(raw)):
        kept = kept_head(raw[:cut])
        assert b"hidden" not in kept
        assert b"q7Zp" not in kept
    assert kept_head(raw[:30]) == raw[:30]


def test_a_line_is_redacted_again_and_again_and_a_folded_one_by_the_header_before_it() -> None:
    """What is remembered are lines that hold no secret; what follows in a folded line belongs to whatever came
    before it."""
    plain = b"POST /v1 HTTP/1.1\r\nX-Note: %b\r\n abc123def456ghi789\r\n\r\n"
    secret = b"POST /v1 HTTP/1.1\r\nX-Note: one\r\nAuthorization:\r\n abc123def456ghi789\r\n\r\n"
    for number in range(2000):  # more than are remembered
        line = plain % b"%d" % number
        assert redact_request_head(line) == redact_request_head(line) == line
        assert b"abc123" not in redact_request_head(secret)
