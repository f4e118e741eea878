"""Forms of measured deviations that nobody recorded yet, and lawful streams beside them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streamlab.judging.analyzer import analyze
from streamlab.repairing.normalizer import normalize
from streamlab.rules.finding import Repairability, Severity
from tests.harm_laws import broken_laws
from tests.messages import (
    CALL_ID,
    INPUT,
    PATH,
    PING,
    closed,
    delta,
    dump,
    ended,
    exchange,
    frame,
    opened,
    said,
    sse,
    start,
    text,
    thinking,
    tool,
    typed,
)

_CACHED = {"input_tokens": 4, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 9000}


def _used(at_the_start, **at_the_end):
    """A text with these counts."""
    end = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 12, **at_the_end}}
    return sse([start(usage={**at_the_start, "output_tokens": 1}), *text()[1:7], end, *text()[8:]])


def _ended(usage):
    return sse([*text()[:7], {**ended(), "usage": usage}, *text()[8:]])


def _torn(kind, member, block):
    pieces = (delta(0, kind, **{member: '{"a": "Gr\ufffd'}), delta(0, kind, **{member: '\ufffdn"}'}))
    return sse([start(), block, *pieces, *text()[6:]])


def _foreign(*values):
    return b"".join(b"data: " + dump(one) + b"\n\n" for one in values)


SIBLINGS = {
    "cache wiped at the end": (
        "messages-usage-input-zero",
        _used(_CACHED, **{**_CACHED, "cache_read_input_tokens": 0}),
    ),
    "all wiped at the end": ("messages-usage-input-zero", _used(_CACHED, **dict.fromkeys(INPUT, 0))),
    "own input wiped": ("messages-usage-input-zero", _used(_CACHED, **{**_CACHED, "input_tokens": 0})),
    "no output_tokens": ("messages-usage-missing", _ended({"input_tokens": 21})),
    "output_tokens null": ("messages-usage-missing", _ended({**INPUT, "output_tokens": None})),
    "names of Converse": ("messages-usage-wrong-shape", _ended({"inputTokens": 21, "outputTokens": 12})),
    "thinking beside text": (
        "messages-reasoning-extra-key",
        sse([*text()[:3], delta(0, "text_delta", text="Spring", thinking="It is March."), *text()[4:]]),
    ),
    "an object without type after the end": (
        "messages-event-after-stop",
        sse(text()) + _foreign({"usage": {"input_tokens": 3}}),
    ),
    "NaN in the input": ("messages-tool-input-not-json", sse(tool("", '{"depth": NaN}'))),
    "each piece twice": (
        "messages-tool-input-repeated",
        sse(tool("", *[piece for piece in ('{"path": ', '"/notes/today.md"}') for _ in "ab"])),
    ),
    "GLM's markup": (
        "messages-tool-call-as-text",
        sse(text("<tool_call>read_file\n<arg_key>path</arg_key>\n<arg_value>/a</arg_value>\n</tool_call>")),
    ),
    "Mistral's markup": ("messages-tool-call-as-text", sse(text('[TOOL_CALLS]read_file{"path": "/a"}'))),
    "torn text": ("replacement-char-in-content", _torn("text_delta", "text", opened(0))),
    "torn thinking": ("replacement-char-in-content", _torn("thinking_delta", "thinking", opened(0, "thinking"))),
    "torn input": ("replacement-char-in-content", _torn("input_json_delta", "partial_json", opened(0, "tool_use"))),
    "Gemini's answer": ("foreign-protocol", _foreign({"candidates": [{"content": {"parts": [{"text": "x"}]}}]})),
    "an answer of Responses": (
        "foreign-protocol",
        frame({"type": "response.created", "response": {"id": "resp_1", "object": "response"}}),
    ),
    "a whole chat completion": (
        "nonstream-json-for-stream",
        [dump({"object": "chat.completion", "choices": [{"message": {"role": "assistant", "content": "x"}}]})],
    ),
}

LAWFUL = {
    "the cache is read instead of written": _used(
        {**_CACHED, "cache_creation_input_tokens": 9000, "cache_read_input_tokens": 0}, **_CACHED
    ),
    "compaction empties the cache": _used(_CACHED, **{**_CACHED, "input_tokens": 800, "cache_read_input_tokens": 0}),
    "a server's tools empty the cache": _used(
        _CACHED, **{**_CACHED, "cache_read_input_tokens": 0, "server_tool_use": {"web_search_requests": 1}}
    ),
    "a number grows": sse(tool("", '{"line": ', "1", '10, "to": 110}')),
    "markup of another model as code": sse(text("Write\n```\n[TOOL_CALLS]read_file{}\n```\n")),
    "a quoted tag": sse(text("The tag <think> opens", " it and </think> ends it.")),
    "two broken characters that the model wrote": sse(text("It shows \ufffd\ufffd there.")),
}


def _found(body):
    return analyze(exchange(body)).findings


@pytest.mark.parametrize("name", SIBLINGS)
def test_a_sibling_of_a_measured_deviation_is_named(name):
    rule, body = SIBLINGS[name]
    assert rule in {one.rule for one in _found(body)}


@pytest.mark.parametrize("name", LAWFUL)
def test_its_lawful_neighbour_is_not(name):
    assert [one.message for one in _found(LAWFUL[name]) if one.severity is not Severity.INFO] == []


def _repaired(name):
    return analyze(normalize(exchange(SIBLINGS[name][1])).exchange)


def test_counts_that_the_end_wipes_are_kept():
    for name in ("cache wiped at the end", "all wiped at the end", "own input wiped"):
        report = _repaired(name)
        assert {key: report.completion["usage"][key] for key in _CACHED} == _CACHED
        assert report.findings == ()


def test_usage_gets_the_count_that_clients_ask_for():
    assert _repaired("names of Converse").completion["usage"]["output_tokens"] == 12
    for name in ("no output_tokens", "output_tokens null"):
        assert "messages-usage-missing" not in {one.rule for one in _repaired(name).findings}


def test_input_whose_pieces_came_twice_is_said_once():
    assert _repaired("each piece twice").completion["tool_calls"][0]["function"]["arguments"] == PATH


def test_a_chat_completion_for_a_message_cannot_be_repaired():
    [found] = _found(SIBLINGS["a whole chat completion"][1])
    assert found.repairability is Repairability.NONE


def test_chunks_of_chat_keep_their_own_rule():
    chunk = {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": "x"}}]}
    assert "foreign-protocol" not in {one.rule for one in _found(_foreign(chunk))}


def test_pings_before_the_message_are_counted_as_waiting():
    pieces = [*[frame(PING)] * 6, *map(frame, thinking())]
    made = exchange(pieces, gaps=dict.fromkeys(range(1, 7), 15_000_000))
    assert "messages-pings-only" in {one.rule for one in analyze(made).findings}


def test_the_same_call_id_of_two_tools_is_named_once_a_call():
    events = [start(), *(e for at in range(2) for e in (opened(at, "tool_use", id=CALL_ID), *typed(at, "", PATH)))]
    assert "messages-tool-id-repeated" in {one.rule for one in _found(sse([*events, *said(0, "")]))}


def test_an_answer_of_another_api_is_no_break_of_a_promise_where_nobody_made_one():
    made = exchange(SIBLINGS["Gemini's answer"][1])
    assert "foreign-protocol" not in {one.rule for one in analyze(replace(made, request=None)).findings}


@pytest.mark.parametrize("good", [tool(), thinking()])
def test_a_delta_with_the_index_of_a_closed_block_goes_to_the_open_one(good):
    """What fills the second block has the index of the first, which does not take it."""
    at = next(at for at, one in enumerate(good) if one["type"] == "content_block_start" and one["index"] == 1)
    late = [{**one, "index": 0} if one["type"] == "content_block_delta" else one for one in good[at:]]
    made = exchange(sse([*good[:at], *late]))
    assert {one.rule for one in analyze(made).findings} == {"messages-delta-type-mismatch"}
    assert normalize(made).exchange.body == sse(good)
    assert broken_laws(made) == {}


@pytest.mark.parametrize(
    ("url", "rules"),
    [
        ("http://127.0.0.1:8000/v1/messages", {"stream-unrequested"}),
        ("http://127.0.0.1:8000/model/anthropic.claude/invoke-with-response-stream", set()),  # the path asks for it
    ],
)
def test_a_stream_that_nobody_asked_for_is_an_error(url, rules):
    made = exchange(sse(text()))
    body = made.request.body.replace(b'"stream":true', b'"stream":false')
    assert body != made.request.body
    unasked = replace(made, request=replace(made.request, url=url, body=body))
    assert {one.rule for one in analyze(unasked).findings} == rules


@pytest.mark.parametrize(
    ("first", "second", "found"),
    [
        (("Spring", "Spring is", "Spring is here."), ("Green", "Green again."), True),
        (("Bye", "Bye bye", "Bye bye, and good night."), ("Spring", " is here."), False),  # joined, that may be meant
        (("ha", "haha", "hahaha"), (), False),  # too short to tell
    ],
)
def test_deltas_that_repeat_the_text_so_far(first, second, found):
    blocks = [[opened(at), *said(at, *pieces), closed(at)] for at, pieces in enumerate((first, second)) if pieces]
    made = exchange(sse([start(), *(one for block in blocks for one in block), *text()[-2:]]))
    assert ("messages-text-cumulative" in {one.rule for one in analyze(made).findings}) is found


@pytest.mark.parametrize(
    ("pieces", "rule", "found"),
    [
        (("First.", "\\n", "Second."), "messages-text-literal-escapes", True),
        (("First.\\n\\nSecond.",), "messages-text-literal-escapes", True),
        (("First.", "\n", "See C:\\New"), "messages-text-literal-escapes", False),
        (("Write '\\n'", " for a line end."), "messages-text-literal-escapes", False),
        (("[DONE]",), "messages-text-holds-done-marker", True),
        (("Spring.", "[DONE]", "\n"), "messages-text-holds-done-marker", True),
        (("Streams end with ", "[DONE]", "."), "messages-text-holds-done-marker", False),
        (("[", "DONE", "]"), "messages-text-holds-done-marker", False),
        (('data: {"object": "chat.completion.chunk", "choices": []}',), "messages-text-is-nested-event", True),
        (('event: message_stop\ndata: {"type": "message_stop"}',), "messages-text-is-nested-event", True),
        (("{", '"type":', '"message_stop"', "}"), "messages-text-is-nested-event", False),
        (('{"type": "error", "error": {}}',), "messages-text-is-nested-event", False),
        (('{"answer": 2}',), "messages-text-is-nested-event", False),
    ],
)
def test_text_that_is_something_else(pieces, rule, found):
    assert (rule in {one.rule for one in analyze(exchange(sse(text(*pieces)))).findings}) is found
