"""Errors inside a stream, in all their shapes; and chunks that only look like errors."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamlab.apis.registry import all_rules, family_of
from streamlab.judging.analyzer import analyze
from streamlab.rules.finding import Severity
from tests.examples import examples
from tests.streams import USAGE, chat_text, chunk, dump, exchange, frame, sse

TEXT = chat_text()
ERROR = {"message": "boom", "type": "server_error", "param": None, "code": None}
FAMILIES = ("transport", "timing", "error")
RULES = [rule for rule in all_rules() if family_of(rule) in FAMILIES]


def found(one):
    return {finding.rule: finding for finding in analyze(one, rules=RULES).findings}


def after_text(payload):
    return found(exchange(sse([*TEXT[:3], payload])))


@pytest.mark.parametrize(
    "payload",
    [
        {"object": "error", "message": "x", "type": "BadRequestError", "param": None, "code": 400},
        {"type": "error", "message": "x"},
        {"code": 500, "msg": "x", "success": False},
        {"code": 102, "message": "x", "data": False},
        {"detail": "Internal Server Error"},
        {"id": "x", "choices": None, "object": "", "base_resp": {"status_code": 1008, "status_msg": "x"}},
        {"id": "x", "choices": [], "base_resp": {"status_code": "1008"}},
        {"event": "error", "status": 400, "message": "x"},
    ],
)
def test_flat_errors(payload):
    assert set(after_text(payload)) == {"error-flat-object"}


@pytest.mark.parametrize("choices", [[], TEXT[1]["choices"], [None]], ids=["none", "text", "null"])
def test_an_error_stands_alone(choices):
    error = {"error": ERROR, "choices": choices}
    assert after_text(error)["error-beside-choices"].severity is Severity.ERROR
    assert "error-beside-choices" not in after_text({"error": ERROR, "choices": None})


@pytest.mark.parametrize(
    "payload",
    [
        chunk(choices=[], usage=USAGE),
        {"choices": [], "created": 0, "id": "", "model": "", "object": "", "prompt_filter_results": []},
        {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m", "usage": None},
        chunk(choices=[], base_resp={"status_code": 0, "status_msg": ""}),
        {"id": "x", "object": "chat.completion.chunk", "choices": [], "moderation": {"flagged": False}},
        {"code": 0, "message": "", "choices": []},
    ],
)
def test_chunks_that_are_no_errors(payload):
    assert found(exchange(sse([payload, *TEXT]))) == {}


@pytest.mark.parametrize(
    ("payload", "rules"),
    [
        ({"error": ERROR}, {"error-midstream-standard"}),
        (chunk({"content": ""}, "error", error=ERROR), {"error-midstream-standard", "error-beside-choices"}),
        ({"error": {**ERROR, "code": 502, "metadata": {}}}, {"error-midstream-standard", "error-code-shape"}),
        ({"error": "boom", "error_type": "generation"}, {"error-string"}),
        ({"error": ["boom"]}, {"error-string"}),
        ({"error": True}, {"error-string"}),
    ],
)
def test_error_members(payload, rules):
    assert set(after_text(payload)) == rules


@pytest.mark.parametrize(("error", "told"), [(ERROR, True), ("boom", True), (None, False), ({}, False)])
def test_an_error_hidden_in_a_choice(error, told):
    failed = chunk(choices=[{"index": 0, "delta": {"content": ""}, "finish_reason": "error", "error": error}])
    assert ("error-flat-object" in found(exchange(sse([*TEXT[:3], failed])))) is told


def test_an_error_without_a_message_is_graver():
    hit = after_text({"error": {**ERROR, "message": None}})["error-code-shape"]
    assert (hit.path, hit.severity) == ("error.message", Severity.WARNING)


def test_the_shape_of_http_errors_is_told():
    body = {"error": {"message": "x", "code": 404}}
    one = exchange([dump(body)], status=404, headers=(("content-type", "application/json"),))
    assert {finding.path for finding in analyze(one).findings} == {"error.type", "error.param", "error.code"}


@pytest.mark.parametrize("empty", [None, {}, "", 0, False, []])
def test_empty_errors_are_counted_in_every_chunk(empty):
    hit = found(exchange(sse([{**one, "error": empty} for one in TEXT])))["error-null-or-empty-key"]
    assert hit.count == len(TEXT)


@pytest.mark.parametrize("line", [b'error: {"code":500}\n\n', b"error:boom\r\n\r\n", b": c\nerror: boom\n\n"])
def test_error_lines(line):
    assert set(found(exchange([sse(TEXT[:3], done=False) + line, b"data: [DONE]\n\n"]))) == {"error-field-line"}


def test_errors_that_the_model_writes_are_text():
    assert found(exchange(sse(chat_text('{"error":', ' "boom"}', "\nerror: x", '{"object":"error"}')))) == {}


def test_an_answer_that_goes_on_after_an_error():
    hit = found(exchange(sse([*TEXT[:2], {"error": ERROR}, *TEXT[2:]])))["error-then-no-done"]
    assert (hit.severity, hit.count) == (Severity.WARNING, len(TEXT) - 2)


_SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)
_KEYS = st.sampled_from(
    ["error", "choices", "object", "type", "code", "message", "msg", "base_resp", "status_code", "detail", "errors",
     "success", "delta", "index", "finish_reason", "usage", "status", "event", "output", "content"]
)  # fmt: skip
_VALUES = st.recursive(
    _SCALARS | st.just("error"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=examples(200), deadline=None)
@given(st.lists(_VALUES, max_size=4), st.booleans(), st.sampled_from([200, 500]))
def test_no_json_makes_a_rule_fail(values, streamed, status):
    body = b"".join(map(frame, values)) if streamed else dump(values[0] if values else None)
    analyze(exchange([body], status=status), rules=RULES)
