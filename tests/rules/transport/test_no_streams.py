"""Nothing that is no event stream is ticked, whatever asked for it, and check and normalize agree about it."""

from __future__ import annotations

import json
from pathlib import Path

from streamlab.exchange import Ending, Exchange, ResponseHead, Segment
from streamlab.judging.analyzer import analyze
from streamlab.repairing.normalizer import Normalizer, errors_left, normalize
from streamlab.rules.finding import Severity
from streamlab.storage.bare_body import read_bare_body
from tests import messages, responses, streams
from tests.batches import batched

REQUESTS = {
    "chat": streams.request_for(),
    "responses": responses.request_for(),
    "messages": messages.request_for(),
}
#: What came, by its name; each character is a byte.
BODIES = {
    name: text.encode("latin-1")
    for name, text in json.loads(Path(__file__).with_name("no_streams.json").read_bytes()).items()
}
CASES = [(api, name, kind) for api in REQUESTS for name in BODIES for kind in ("text/event-stream", "text/plain")]


@batched("api, name, kind", CASES, parts=3)
def test_it_is_an_error_and_stays_one_fact(api, name, kind):
    exchange = Exchange(
        request=REQUESTS[api],
        head=ResponseHead(200, (("content-type", kind),)),
        segments=(Segment(None, BODIES[name]),),
        ending=Ending.COMPLETE,
    )
    before = _errors(exchange)
    assert before
    repaired = normalize(exchange)
    after = _errors(repaired.exchange)
    assert after <= before
    assert errors_left(repaired) or not after


BEAT = streams.chunk(choices=[])
#: Bodies in which nothing is said -> the one name that check and normalize have for that.
SAY_NOTHING = {
    b"[]": "body-not-event-stream",
    b"\0\0\0\0": "empty-200",
    b"data:\n\ndata:\n\n": "body-not-event-stream",
    b"data: {}\n\n": "body-not-event-stream",
    b"data: null\n\n: ping\n\n": "body-not-event-stream",
    b"id: 1\n\nid: 2\n\n": "body-not-event-stream",
    b"event: ping\n\nretry: 100\n\n": "body-not-event-stream",
}
#: The same with [DONE], and heartbeats, in chat completions.
CHAT_SAYS_NOTHING = {
    b"data: [DONE]\n\n": "only-done",
    b"data: {}\n\ndata: [DONE]\n\n": "body-not-event-stream",
    b"id: 1\n\ndata: [DONE]\n\n": "body-not-event-stream",
    b"hello\n\ndata: [DONE]\n\n": "body-not-event-stream",
    b"event: ping\ndata: {}\n\n": "body-not-event-stream",
    streams.sse([BEAT] * 40, done=False): "body-not-event-stream",
    streams.sse([BEAT] * 40): "body-not-event-stream",
}
SAID = [(api, body, name) for api in REQUESTS for body, name in SAY_NOTHING.items()]
SAID += [("chat", body, name) for body, name in CHAT_SAYS_NOTHING.items()]


@batched("api, body, name", SAID)
def test_check_and_normalize_have_one_name_for_a_body_in_which_nothing_is_said(api, body, name):
    exchange = streams.exchange([body], request=REQUESTS[api])
    also = {"responses-keepalive-event"} if api == "responses" and body.startswith((b"data:\n", b"data: {}")) else set()
    assert _errors(exchange) == {name} | also
    assert [one.rule for one in normalize(exchange).unrepaired] == [name]


@batched("first", [b"data: {}\n\n", b"id: 1\n\n", b"data:\n\n", streams.frame(BEAT)])
def test_an_answer_behind_what_says_nothing_is_one(first):
    exchange = streams.exchange(first + streams.sse(streams.chat_text()))
    assert "body-not-event-stream" not in _errors(exchange)
    assert not errors_left(normalize(exchange))


def _errors(exchange: Exchange) -> set[str]:
    return {one.rule for one in analyze(exchange).findings if one.severity is Severity.ERROR}


def test_a_misspelt_field_name_on_every_line_is_one_fact():
    exchange = streams.exchange(streams.sse(streams.chat_text()).replace(b"data: ", b",data: "))
    assert _errors(exchange) == {"sse-invalid-field-name"}
    assert not errors_left(normalize(exchange))


@batched(
    "body",
    [
        b'{"choices":[]}',
        b'{"object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"a"}}]}\n',
        b'{"choices":[{"text":"a"}]}',
        b'{"type":"ping"}',
        b'{"type":"message_start","message":{"id":"m"}}',
        b'{"type":"response.created","response":{}}',
        b'{"error":{"message":"x"}}\n{"error":{"message":"x"}}\n',
        b'{"error":{"message":"x"}}\n{"a":1}',
        b'{"error":{"message":"x"}}\n{"type":"ping"}: x',
        b'{"a": }\n{"b": 1}\n',
        b'{"error":{"message":"x"}}"}{"choices":[]}["a"{"model":"m","done":true}\n\n{"object":"list","data":[]}',
        b'{"log": "data: {"id":"a","choices":[]}\\n"}\n{"log": "\\n"}\n',
    ],
)
def test_bare_json_that_is_no_stream_is_ticked_by_nobody(body):
    """Nor where the request is unknown, as of a file or standard input."""
    exchange = read_bare_body(body)
    assert _errors(exchange) == {"body-not-event-stream"}
    assert analyze(exchange).judged


@batched(
    "body",
    [
        b'{"error":{"message":"x"}}\n{"a":1}',
        b'{"a":1}\n{"error":{"message":"x"}}',
        b'{"a":1}\n{"b":1}',
        b'{"choices":[]}\n{"a":1}',
    ],
)
def test_what_is_judged_is_what_is_repaired(body):
    exchange = read_bare_body(body)
    normalizer = Normalizer(exchange.request, exchange.head)
    normalizer.feed(body)
    normalizer.finish(exchange.ending)
    assert analyze(exchange).judged == (normalizer.left_alone is None)
