"""Which API a stream speaks is decided once, and as late as the table says."""

from __future__ import annotations

import json

import pytest

from streamlab.apis import DEFAULT, UNKNOWN
from streamlab.exchange import Exchange, Request, Segment
from streamlab.judging.analyzer import analyze
from streamlab.judging.stream_reader import PEEKED_EVENTS, StreamReader
from streamlab.repairing.normalizer import Normalizer
from streamlab.wire.reading import Fact
from streamlab.wire.sse import parse_event
from streamlab.wire.stream import read_event
from tests import messages, responses
from tests.streams import chat_text, frame, request_for

SILENT = read_event(parse_event(b"data: {}\n\n", 0))
BETRAYING = read_event(parse_event(b'data: {"type":"response.created","response":{}}\n\n', 0))


def test_sixteen_events_are_held_back_and_no_more():
    assert PEEKED_EVENTS == 16
    reader: StreamReader[int] = StreamReader(None)
    assert [reader.offer(at, SILENT) for at in range(15)] == [False] * 15
    assert reader.offer(15, SILENT)
    assert reader.settle() == list(range(16))
    assert reader.api is DEFAULT


def test_the_sixteenth_event_may_still_tell():
    reader: StreamReader[int] = StreamReader(None)
    assert not any(reader.offer(at, SILENT) for at in range(15))
    assert reader.offer(15, BETRAYING)
    reader.settle()
    assert reader.api == "responses"


@pytest.mark.parametrize(("silent", "clear"), [(15, False), (16, True)])
def test_the_normalizer_waits_as_long(silent, clear):
    normalizer = Normalizer()
    for _ in range(silent):
        normalizer.feed(b"data: {}\n\n")
    assert (normalizer.state.api is not UNKNOWN) is clear


def test_a_path_decides_at_once():
    reader: StreamReader[None] = StreamReader(Request("POST", "/v1/responses", (), b"{}"))
    assert reader.settled
    assert reader.api == "responses"
    assert StreamReader(Request("POST", "/nowhere", (), b"{}")).api is UNKNOWN


def test_what_came_before_is_a_fact_of_what_follows():
    reader: StreamReader[None] = StreamReader(Request("POST", "/v1/chat/completions", (), b"{}"))
    payloads = [*(frame(one) for one in chat_text("a", "b")), b"data: [DONE]\n\n"]
    facts = [reader.read(at, read_event(parse_event(raw, 0))) for at, raw in enumerate(payloads)]
    finish = next(at for at, raw in enumerate(payloads) if b'"stop"' in raw)
    assert [bool(one & Fact.AFTER_FINISH) for one in facts] == [at > finish for at in range(len(facts))]
    error = read_event(parse_event(b"data: " + json.dumps({"error": {"message": "x"}}).encode() + b"\n\n", 0))
    after = reader.read(len(facts), error)
    assert after & Fact.AFTER_DONE
    assert not after & Fact.AFTER_ERROR
    assert reader.read(len(facts) + 1, error) & Fact.AFTER_ERROR


@pytest.mark.parametrize(
    ("torn", "api"),
    [
        (b'{"candidates": [{"content": {"parts": [{"text": "Spr', "gemini.generateContent"),
        (b'{"type":"message_start","message":{"id":"msg_01","ty', "anthropic.messages"),
        (b'{"type":"response.created","response":{"id":"resp_1","obj', "responses"),
        (b'{"type":"response.crea', DEFAULT),
        (b'{"a": ]}, "type": "message_start", ', DEFAULT),
    ],
)
def test_an_event_that_breaks_off_tells_by_what_of_it_came(torn, api):
    reader: StreamReader[int] = StreamReader(None)
    assert not reader.offer(0, read_event(parse_event(b"data: " + torn + b"\n\n", 0)))
    reader.settle()
    assert reader.api == api


_MESSAGE = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [{"type": "text"}]}
_BODIES = {
    "anthropic.messages": (messages.text(), {**_MESSAGE, "usage": {"output_tokens": 1}}),
    "responses": (responses.text(), responses.text()[-1]["response"]),
}


@pytest.mark.parametrize("api", _BODIES)
@pytest.mark.parametrize("form", ["array", "lines", "object"])
def test_a_body_that_is_no_stream_keeps_its_api_where_it_breaks_off(api, form):
    events, whole = _BODIES[api]
    lines = "\n".join(map(json.dumps, events))
    body = {"array": json.dumps(events), "lines": lines, "object": json.dumps(whole)}[form]
    for length in (len(body), len(body) - 20, len(json.dumps(events[0])) - 4 if form != "object" else 120):
        made = Exchange(request=request_for(path="/any/path"), segments=(Segment(None, body[:length].encode()),))
        assert analyze(made).api == api


@pytest.mark.parametrize("api", _BODIES)
def test_lines_of_which_the_first_is_cut_are_known_by_the_next(api):
    lines = [json.dumps(event) for event in _BODIES[api][0]]
    body = "\n".join([lines[0][:12], *lines[1:]]).encode()
    made = Exchange(request=request_for(path="/any/path"), segments=(Segment(None, body),))
    assert analyze(made).api == api


@pytest.mark.parametrize(
    "first",
    [
        b"event: ping\ndata: {}\n\n",
        b'event: ping\ndata: {"time":1}\n\n',
        b'data: {"type":"ping"}\n\n',
        b"event: heartbeat\ndata: {}\n\n",
        b'event: error\ndata: {"message":"busy","code":503}\n\n',
    ],
)
def test_what_anybody_sends_first_decides_nothing(first):
    """A ping in front of chunks of chat makes no stream of the Messages API of it."""
    body = first + b"".join(map(frame, chat_text())) + b"data: [DONE]\n\n"
    for request in (None, request_for()):
        report = analyze(Exchange(request, segments=(Segment(None, body),)))
        assert (report.judged, report.api) == (True, "chat.completions")
        assert not any(one.rule.startswith("messages-") for one in report.findings)


def test_a_ping_decides_where_nothing_else_does():
    body = messages.frame({"type": "ping"}, "ping")
    assert analyze(Exchange(None, segments=(Segment(None, body),))).api == "anthropic.messages"
