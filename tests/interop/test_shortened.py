"""A paste that somebody shortened is not judged, and says so; text that speaks with dots is read as it is."""

from __future__ import annotations

import pytest

from streamlab.interop.reading import read_bytes
from streamlab.judging.analyzer import analyze
from streamlab.repairing.normalizer import normalize
from tests.streams import chat_text, chunk, frame, sse

FIRST, *_ = WHOLE = [frame(one) for one in chat_text()] + [b"data: [DONE]\n\n"]
DOTS = "…".encode()


def _with(second: bytes) -> bytes:
    return b"".join([WHOLE[0], second, *WHOLE[2:]])


SHORTENED = {
    "an event that stops": _with(WHOLE[1][:-40] + DOTS + b"\n\n"),
    "an event that stops at three dots": _with(WHOLE[1][:-40] + b"...\n\n"),
    "an event that stops and is closed": _with(WHOLE[1][:-40] + DOTS + b'"}}]}\n\n'),
    "each event": b"".join(one[:70] + DOTS + b"\n\n" for one in WHOLE[:-1]) + WHOLE[-1],
    "members": _with(b'data: {"id":"x", ... ,"choices":[]}\n\n'),
    "the last members": _with(b'data: {"id":"x", ' + DOTS + b"}\n\n"),
    "events": _with(DOTS + b"\n\n"),
    "events in brackets": _with(b"[...]\n\n"),
    "events by their number": _with(b"... 120 more chunks ...\n\n"),
    "events in words": _with(b"(truncated)\n\n"),
    "lines right behind one another": _with(b"...\n"),
}


@pytest.mark.parametrize("kind", SHORTENED)
def test_it_is_not_judged(kind):
    (exchange,) = read_bytes("paste.txt", SHORTENED[kind])
    report = analyze(exchange)
    assert (report.judged, report.findings) == (False, ())
    assert report.why == "the paste is shortened: what its dots stand for is not known"
    repaired = normalize(exchange)
    assert (repaired.exchange.body, repaired.left_alone) == (exchange.body, report.why)


def test_so_is_one_in_a_fence():
    (exchange,) = read_bytes("issue.md", b"It hangs:\n\n```\n" + _with(b"...\n\n") + b"```\n")
    assert exchange.notes["body"] == "shortened"


JUDGED = {
    "a text that pauses": sse(chat_text("Well ", DOTS.decode(), " ...", " (truncated)")),
    "an answer that was cut at dots": sse(chat_text("Well", "..."), done=False)[:-200],
    "an event that stops at dots, as the last": WHOLE[0] + frame(chunk({"content": "Well ..."}))[:-60] + b"\n\n",
    "an event torn in two behind dots": WHOLE[0] + b'data: {"choices":[{"delta":{"content":"...\n\ndata: "}}]}\n\n',
    "a line of a log": _with(b"INFO: waiting for the model...\n\n"),
    "dots before the stream": b"waiting ...\n" + b"".join(WHOLE),
}


@pytest.mark.parametrize("kind", JUDGED)
def test_dots_alone_shorten_nothing(kind):
    (exchange,) = read_bytes("paste.txt", JUDGED[kind])
    assert analyze(exchange).judged
