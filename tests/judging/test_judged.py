"""Never a tick without a judgement: what was not judged is named, and the normalizer leaves it as it is."""

from __future__ import annotations

import gzip
import struct
import zlib
from dataclasses import replace

import pytest

from streamlab.exchange import Ending, Exchange, Request, ResponseHead, Segment
from streamlab.judging.analyzer import analyze
from streamlab.repairing.normalizer import errors_left, normalize
from tests import streams

HTML = (("content-type", "text/event-stream"),)
JSON = (("content-type", "application/json"),)


def _aws(payload=b'{"contentBlockDelta":{}}'):
    prelude = struct.pack(">II", 16 + len(payload), 0)
    head = prelude + struct.pack(">I", zlib.crc32(prelude))
    return head + payload + struct.pack(">I", zlib.crc32(head + payload))


def _bare(body, headers=HTML, path=None, method="POST"):
    request = Request(method, path) if path else None
    return Exchange(request=request, head=ResponseHead(200, headers), segments=(Segment(None, body),))


def _events(*values):
    return b"".join(map(streams.frame, values))


FOREIGN = {
    "google.interactions": _events(
        {"event_type": "interaction.start", "interaction": {"id": "v1_x", "status": "in_progress"}},
        {"event_type": "content.delta", "index": 0, "delta": {"type": "text", "text": "Hi"}},
        {"event_type": "interaction.complete", "interaction": {"id": "v1_x", "status": "completed"}},
    ),
    "dashscope.generation": _events(
        {"output": {"choices": [{"message": {"role": "assistant", "content": "Hi"}}]}, "usage": {}, "request_id": "a"},
        {"output": {"text": "Hi there", "finish_reason": "stop"}, "usage": {}, "request_id": "a"},
    ),
    "coze.chat": b'event:conversation.message.delta\ndata:{"id":"7","conversation_id":"8","bot_id":"9","type":"answer",'
    b'"content":"Hi"}\n\nevent:done\ndata:"[DONE]"\n\n',
    "dify.chat-messages": _events(
        {"event": "message", "task_id": "t", "message_id": "m", "answer": "Hi"},
        {"event": "message_end", "task_id": "t", "message_id": "m", "metadata": {}},
    ),
    "workers-ai": _events({"response": "Hi", "p": "abc"}, {"response": "", "usage": {"prompt_tokens": 5}})
    + b"data: [DONE]\n\n",
    "ag-ui": b'data: {"type":"RUN_STARTED","threadId":"t","runId":"r"}\n\n',
    "mcp": b'event: message\ndata: {"jsonrpc":"2.0","id":1,"result":{"tools":[]}}\n\n',
    "ai-sdk.ui-message-stream": b'data: {"type":"start","messageId":"m"}\n\n'
    b'data: {"type":"text-delta","id":"0","delta":"Hi"}\n\n'
    b"data: [DONE]\n\n",
    "aws.event-stream": _aws(),
    "realtime": b'data: {"type":"response.created","event_id":"event_1","response":{"id":"r"}}\n\n',
    "cohere.chat": b'event: message-start\ndata: {"type":"message-start","id":"m","delta":{"message":{}}}\n\n',
    "openai.other": b'{"object":"list","data":[{"id":"gpt-4o","object":"model"}]}',
}


@pytest.mark.parametrize("name", FOREIGN)
def test_names_what_it_does_not_judge_and_leaves_it_alone(name):
    exchange = _bare(FOREIGN[name])
    report, repaired = analyze(exchange), normalize(exchange)
    assert (str(report.api), report.judged) == (name, False)
    assert report.why
    assert report.verdict == f"not judged: {report.why}"
    assert not [one for one in report.findings if one.severity == "error"]
    assert repaired.exchange.body == exchange.body
    assert repaired.left_alone == report.why


@pytest.mark.parametrize("name", FOREIGN)
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/responses"])
def test_a_foreign_protocol_on_a_path_that_promises_another_is_an_error(name, path):
    exchange = streams.exchange([FOREIGN[name]], request=streams.request_for(path=path))
    report, repaired = analyze(exchange), normalize(exchange)
    assert [one.rule for one in report.findings if one.severity == "error"] == ["foreign-protocol"]
    assert not report.judged
    assert repaired.exchange.body == exchange.body
    assert errors_left(repaired) == ("foreign-protocol",)


def test_a_text_alone_under_the_name_of_workers_ai_may_be_anybodys():
    exchange = streams.exchange(_events({"response": "Hi"}) + b"data: [DONE]\n\n")
    assert "foreign-protocol" not in [one.rule for one in analyze(exchange).findings]


def test_chat_on_the_path_of_responses_is_another_protocol():
    exchange = streams.exchange(streams.sse(streams.chat_text()), request=streams.request_for(path="/v1/responses"))
    assert [one.rule for one in analyze(exchange).findings] == ["responses-wrong-api"]
    assert errors_left(normalize(exchange)) == ("responses-wrong-api",)
    assert normalize(exchange).exchange.body == exchange.body


NO_STREAM = {
    "plain text": b"Internal Server Error",
    "envoy": b"upstream connect error or disconnect/reset before headers",
    "scalar": b"null",
    "string": b'"ok"',
    "empty object": b"{}",
    "read as text": b"\x1f\xef\xbf\xbd\x08\x00\x00\x00\xef\xbf\xbd\xef\xbf\xbd",
    "random": bytes(range(128, 256)) * 3,
    "comments": b": waiting\n\n: waiting\n\n",
}


@pytest.mark.parametrize("name", NO_STREAM)
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/responses", "/v1/messages"])
def test_a_body_that_is_no_event_stream_is_an_error_of_any_api(name, path):
    exchange = streams.exchange([NO_STREAM[name]], request=streams.request_for(path=path))
    found = analyze(exchange).findings
    assert "body-not-event-stream" in [one.rule for one in found]
    assert errors_left(normalize(exchange))


@pytest.mark.parametrize("size", [1, 2, 5, 10_000])
def test_compressed_bytes_without_their_header_are_read_and_sent_plainly(size):
    body = streams.sse(streams.chat_text())
    packed = gzip.compress(body)
    pieces = [packed[at : at + size] for at in range(0, len(packed), size)]
    exchange = streams.exchange(pieces, timed=False)
    assert [one.rule for one in analyze(exchange).findings] == ["encoding-mislabelled"]
    repaired = normalize(exchange)
    assert repaired.exchange.body == body
    assert errors_left(repaired) == ()


def _ended(ending, **changes):
    return replace(streams.exchange([b""]), segments=(), ending=ending, **changes)


@pytest.mark.parametrize(
    ("exchange", "rules"),
    [
        (_ended(Ending.UNREACHABLE, head=None), ["upstream-unreachable"]),
        (_ended(Ending.TIMED_OUT, head=None), ["upstream-unreachable"]),
        (_ended(Ending.UPSTREAM_CUT, head=None), ["truncated-chunked-body"]),
        (_ended(Ending.INTERRUPTED), []),
        (_ended(Ending.CLIENT_LEFT, head=None), []),
        (_ended(Ending.INTERRUPTED, notes={"in_progress": True}), []),
        (_ended(Ending.COMPLETE, request=Request("HEAD", "/v1/chat/completions")), []),
        (_bare(b'{"status":"ok"}', JSON, "/health", "GET"), []),
        (_bare(b"pong", (("content-type", "text/plain"),), "/ping", "GET"), []),
        (_bare(b'data: {"temperature": 21}\n\n', HTML, "/sensors", "GET"), []),
    ],
)
def test_nothing_to_judge_is_said(exchange, rules):
    report, repaired = analyze(exchange), normalize(exchange)
    assert not report.judged
    assert [one.rule for one in report.findings if one.severity == "error"] == rules
    assert repaired.exchange.body == exchange.body
    assert repaired.left_alone


def test_an_answer_that_was_judged_is_ticked():
    report = analyze(streams.exchange(streams.sse(streams.chat_text())))
    assert (report.judged, report.why, report.verdict) == (True, None, "✓ as OpenAI sends it")


@pytest.mark.parametrize("stream", [None, False, "absent"])
def test_a_stream_nobody_asked_for_is_an_error(stream):
    request = streams.request_for(stream=stream)
    if stream == "absent":
        request = replace(request, body=b'{"model":"m","messages":[]}')
    exchange = streams.exchange(streams.sse(streams.chat_text()), request=request)
    assert [one.rule for one in analyze(exchange).findings] == ["stream-unrequested"]
    assert errors_left(normalize(exchange)) == ("stream-unrequested",)


def test_a_whole_answer_wrapped_in_data_is_an_error():
    whole = {"id": "c", "object": "chat.completion", "choices": [{"index": 0, "message": {"content": "Hi"}}]}
    exchange = streams.exchange(streams.frame(whole), request=streams.request_for(stream=False))
    found = [one for one in analyze(exchange).findings if one.rule == "stream-unrequested"]
    assert "a whole answer wrapped in data:" in found[0].message
