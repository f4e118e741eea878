"""What kind of thing a body is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamlab.wire.bodies import BodyKind, sniff
from tests.streams import chat_text, sse

BODIES = {
    b"": BodyKind.EMPTY,
    b" \r\n\r\n": BodyKind.EMPTY,
    b"\xef\xbb\xbf\n": BodyKind.EMPTY,
    b"data: {}\n\n": BodyKind.SSE,
    b"\n\ndata:{}\n\n": BodyKind.SSE,
    b"\xef\xbb\xbfdata: {}\n\n": BodyKind.SSE,
    b"Data : {}\n\n": BodyKind.SSE,
    b": ping\n\n": BodyKind.SSE,
    b":\n\n": BodyKind.SSE,
    b"event: ping\ndata: <html>\n\n": BodyKind.SSE,
    b"error: {}\n\n": BodyKind.SSE,
    b'{"error": {"message": "data: x"}}': BodyKind.JSON,
    b'{\n "a": 1\n}\n': BodyKind.JSON,
    b'[{"a":1},\n{"a":2}]': BodyKind.JSON,
    b'{"a":1}\n{"a":2}\n': BodyKind.NDJSON,
    b'{"a":1}\r\n\r\n{"a":2}': BodyKind.NDJSON,
    b'{"a":1}\ndata: [DONE]\n\n': BodyKind.SSE,
    b"<!DOCTYPE html><html>data: x</html>": BodyKind.HTML,
    b"\n<html>": BodyKind.HTML,
    b"Internal Server Error": BodyKind.TEXT,
    b"\x1f\x8b\x08\x00": BodyKind.TEXT,
}


@pytest.mark.parametrize("body", BODIES)
def test_kinds(body):
    assert sniff(body) is BODIES[body]


def test_a_stream_is_one_from_its_first_line_on():
    whole = sse(chat_text())
    assert {sniff(whole[:length]) for length in range(6, len(whole))} == {BodyKind.SSE}


@given(st.binary(max_size=100))
def test_anything_is_something(body):
    assert isinstance(sniff(body), BodyKind)
