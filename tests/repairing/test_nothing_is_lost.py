"""What a repair takes hold of comes out again: thoughts, roles and usage."""

from __future__ import annotations

import pytest

from streamlab.judging.analyzer import analyze
from streamlab.repairing.normalizer import normalize
from tests import streams
from tests.harm_laws import broken_laws
from tests.streams import chat_text, chunk, sse

MARKUP = '<tool_call>{"name": "get_weather", "arguments": {"city": "Oslo"}}</tool_call>'


def asked(payloads, **options):
    return streams.exchange([sse(payloads)], request=streams.request_for(**options))


@pytest.mark.parametrize(
    "part",
    [
        {"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]},
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm"}]},
    ],
)
def test_a_thought_among_parts_becomes_reasoning(part):
    exchange = asked([chunk({"role": "assistant", "content": [part]}), *chat_text("Hi")[1:]])
    repaired = normalize(exchange).exchange
    assert b'"content":"","reasoning_content":"Hm"' in repaired.body
    assert not broken_laws(exchange)


@pytest.mark.parametrize(
    "payloads",
    [
        [chunk({"role": "assistant", "content": MARKUP}), chunk({}, "stop")],
        [chunk({"role": "assistant", "content": MARKUP}, "stop")],
        [chunk({"role": "assistant", "content": "I ask. "}), *chat_text(MARKUP)[1:]],
    ],
)
def test_a_call_in_the_text_that_opens_the_answer_has_its_role(payloads):
    exchange = asked(payloads, tools=True)
    repaired = normalize(exchange, unsafe=True).exchange
    assert repaired.body.count(b'"role":"assistant"') == 1
    assert analyze(repaired).completion["tool_calls"]
    assert not broken_laws(exchange)


def test_usage_behind_a_call_in_the_text_without_a_finish_stays():
    usage = streams.chat_usage()[-1]
    exchange = asked([*chat_text(MARKUP)[:-1], usage], tools=True, usage=True)
    repaired = normalize(exchange, unsafe=True)
    assert not repaired.failed
    assert analyze(repaired.exchange).completion["usage"] == usage["usage"]
    assert analyze(repaired.exchange).completion["tool_calls"]


@pytest.mark.parametrize(
    "torn", [b'{"id":"chatcmpl-1","choices":[{"index":0,"delta":{"content":"Hm', b"[INFO] model loaded"]
)
def test_an_answer_in_bare_lines_outlives_a_first_line_that_nobody_can_read(torn):
    lines = [streams.dump(payload) for payload in chat_text("Spring", " is here.")]
    exchange = streams.exchange([b"\n".join([torn, *lines])], request=streams.request_for())
    repaired = normalize(exchange).exchange
    assert analyze(repaired).completion["content"] == "Spring is here."
    assert torn[-7:] in repaired.body
    assert not broken_laws(exchange)


def test_a_line_that_nobody_can_read_before_an_error_is_none_of_an_answer():
    exchange = streams.exchange([b'{"id":"x","cho\n{"error":{"message":"busy"}}\n'], request=streams.request_for())
    assert b"cho" not in normalize(exchange).exchange.body
    assert not broken_laws(exchange)
