"""A character whose bytes are dealt out over deltas, or parted by bytes that UTF-8 has nowhere."""

from __future__ import annotations

import pytest

from streamlab.judging.analyzer import analyze
from streamlab.repairing.normalizer import normalize
from streamlab.wire import reading
from streamlab.wire.stream import StreamDecoder
from tests.harm_laws import broken_laws
from tests.streams import chat_text, chunk, exchange, sse

HAN = "杳".encode()
SMILE = "😀".encode()
ERROR = b'data: {"error":{"message":"busy","type":"server_error","param":null,"code":"503"}}\n\n'
DONE = b"data: [DONE]\n\n"


def _said(*parts: bytes):
    """An answer of these pieces of content; an error stands for itself."""
    first = sse([chunk({"role": "assistant", "content": ""})]).removesuffix(DONE)
    delta = sse([chunk({"content": "@@"})]).removesuffix(DONE)
    deltas = [part if part == ERROR else delta.replace(b"@@", part) for part in parts]
    return exchange([b"".join([first, *deltas, sse(chat_text("x")[-1:])])])


@pytest.mark.parametrize(
    ("parts", "meant"),
    [
        ([b"a" + HAN[:1], HAN[1:] + b"b"], "a杳b"),
        ([HAN[:1], HAN[1:2], HAN[2:]], "杳"),
        ([b"a" + HAN[:1], b"\xff" + HAN[1:] + b"b"], "a杳b"),
        ([b"a" + HAN[:2] + b"\xff", HAN[2:] + b"b"], "a杳b"),
        ([b"a" + HAN[:1] + b"\xff" + HAN[1:] + b"b"], "a杳b"),
        ([SMILE[:2] + b"\xfe\xff", SMILE[2:3] + b"\xc0" + SMILE[3:]], "😀"),
        ([b"caf\xe9 au lait"], "caf\ufffd au lait"),
        ([b"a\xff", b"b"], "a\ufffdb"),
        ([b"a\xff" + HAN, b"b"], "a\ufffd杳b"),
        ([b"Gr\xfc\xdf"], "Gr\ufffd\ufffd"),  # Latin-1: no half of a character stands on each side of a cut
        ([b"Gr\xfc", b"\xdf Gott"], "Gr\ufffd\ufffd Gott"),
        ([b"Gr\xfc", b"\xdf"], "Gr\ufffd\ufffd"),
    ],
)
def test_what_is_whole_without_a_byte_of_no_utf8_is_read(parts, meant):
    made = _said(*parts)
    assert analyze(normalize(made).exchange).completion["content"] == meant
    assert not broken_laws(made)


def test_a_finish_that_comes_again_behind_an_error_goes():
    answer = sse(chat_text("Hi you"))
    made = exchange([answer + ERROR + answer])
    assert normalize(made).exchange.body.count(b'"finish_reason":"stop"') == 1
    assert not broken_laws(made)


@pytest.mark.parametrize(
    ("parts", "meant"),
    [
        ([b"Hi " + SMILE[:2], ERROR, SMILE[2:] + b"!"], "Hi \ufffd!"),
        ([b"Hi ", SMILE[:2], ERROR, SMILE[2:] + b"!"], "Hi \ufffd!"),
        ([b"Hi " + SMILE[:2], ERROR, SMILE[2:3], SMILE[3:] + b"!"], "Hi \ufffd!"),
        ([b"Hi " + SMILE[:2], ERROR, b"! " + HAN[:1], HAN[1:]], "Hi \ufffd! 杳"),
        ([b"Hi " + SMILE[:2], ERROR, HAN], "Hi \ufffd杳"),
    ],
)
def test_a_character_that_an_error_parts_is_told_once(parts, meant):
    """Its first half goes out before the error, where a client that stops there has it, and the rest says no more."""
    made = _said(*parts)
    events = StreamDecoder().feed(normalize(made).exchange.body)
    deltas = [reading.content(delta) for event in events for delta in reading.deltas(reading.chunk_of(event))]
    assert "".join(deltas) == meant
    assert not broken_laws(made)
