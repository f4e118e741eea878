"""Bodies that are no stream: what each of them is taken for, and what must not be taken for anything."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streamlab.exchange import Ending, Request
from streamlab.judging.analyzer import analyze
from streamlab.repairing.normalizer import normalize
from streamlab.rules.finding import Severity
from tests.streams import ID, MODEL, chat_text, chunk, dump, exchange, frame, request_for, sse

JSON = (("content-type", "application/json"),)
CHUNKED = ("transfer-encoding", "chunked")
ANSWER = {
    "id": ID,
    "object": "chat.completion",
    "model": MODEL,
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}],
}


def names(one):
    return {finding.rule for finding in analyze(one).findings}


@pytest.mark.parametrize(
    "body",
    [
        {"success": False, "code": 1001, "msg": "quota"},
        {"base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}},
        {"result": None, "success": False, "errors": [{"code": 7003, "message": "no route"}], "messages": []},
        {"error": "Unexpected endpoint or method. Returning 200 anyway"},
        {"code": "InvalidApiKey", "message": "Invalid API-key provided.", "request_id": "1"},
        {"error_code": 336003, "error_msg": "max length"},
        {"detail": [{"loc": ["body"], "msg": "field required"}]},
        {"message": "no Route matched with those values"},
        [{"error": {"code": 400, "message": "bad", "status": "INVALID_ARGUMENT"}}],
    ],
)
def test_an_error_as_json_with_200(body):
    assert "http-status-200-on-error" in names(exchange([dump(body)], headers=JSON))


@pytest.mark.parametrize(
    "body",
    [
        ANSWER,
        {**ANSWER, "base_resp": {"status_code": 0, "status_msg": "success"}},
        {"object": "response", "status": "failed", "error": {"message": "x"}, "output": []},
        {"code": 0, "message": "ok", "data": {}},
        {"code": "200", "msg": "success", "success": True},
    ],
)
def test_other_json_is_no_error(body):
    assert "http-status-200-on-error" not in names(exchange([dump(body)], headers=JSON))


@pytest.mark.parametrize(
    ("body", "status", "severity"),
    [
        (b"", 502, Severity.WARNING),
        (b"<html>502</html>", 502, Severity.WARNING),
        (frame({"error": {"message": "x"}}), 400, Severity.WARNING),
        (b'{"error":{"message":"x"', 500, Severity.WARNING),
        (b'{"error":"unauthorized"}', 403, Severity.WARNING),
        (b'{"detail":"Not Found"}', 404, Severity.WARNING),
        (b'{"error":{"message":"x","type":"t"}}', 500, None),
        (b"", 304, None),
    ],
)
def test_http_errors(body, status, severity):
    found = analyze(exchange([body], status=status, headers=JSON)).findings
    assert [one.severity for one in found if one.rule == "http-error-body-shape"] == ([severity] if severity else [])


@pytest.mark.parametrize("ending", [Ending.UPSTREAM_CUT, Ending.CLIENT_LEFT, Ending.TIMED_OUT])
def test_nothing_is_empty_only_when_the_answer_ended(ending):
    assert "empty-200" not in names(exchange([], ending=ending))


def test_white_space_is_empty_and_a_head_request_is_not_judged():
    assert "empty-200" in names(exchange([b"\r\n", b" "]))
    head = Request("HEAD", "http://127.0.0.1:8000/v1/chat/completions")
    assert "empty-200" not in names(exchange([], request=head))


def test_a_completion_as_the_only_event():
    found = analyze(exchange(frame(ANSWER) + b"data: [DONE]\n\n")).findings
    assert "nonstream-json-for-stream" in {one.rule for one in found}
    several = exchange(sse([ANSWER, ANSWER]))
    assert "nonstream-json-for-stream" not in names(several)
    beside = [{**chunk({"content": "a"}), "choices": [{"index": 0, "delta": {}, "message": {"content": "a"}}]}]
    assert "nonstream-json-for-stream" not in names(exchange(sse(beside)))


def test_plain_json_without_a_known_request_may_have_been_asked_for():
    assert "nonstream-json-for-stream" not in names(replace(exchange([dump(ANSWER)], headers=JSON), request=None))
    labelled = replace(exchange([dump(ANSWER)]), request=None)
    assert "nonstream-json-for-stream" in names(labelled)  # it calls itself an event stream


def test_a_page_is_told_from_a_stream_about_pages():
    assert "html-body-200" in names(exchange([b"\n  <h1>It works</h1>"]))
    stream = exchange(sse(chat_text("<html>")), headers=(("content-type", "text/html"), CHUNKED))
    assert names(stream) == {"content-type-not-event-stream"}


def test_unknown_headers_are_not_missing_headers():
    masked = (("date", "**REDACTED**"), ("server", "**REDACTED**"))
    for headers in ((), (("content-type", "**REDACTED**"),), masked):
        assert "content-type-not-event-stream" not in names(exchange(sse(chat_text()), headers=headers))
    assert "content-type-not-event-stream" in names(exchange(sse(chat_text()), headers=(("date", "today"),)))


def test_an_error_answer_to_a_request_that_did_not_stream_is_left_alone():
    body = dump({"error": {"message": "x"}})
    assert names(exchange([body], headers=JSON, request=request_for(stream=False))) <= {"error-code-shape"}


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ([{"a": 1}, {"a": 2}], "nothing in it betrays an API that is known here"),
        ([{"type": "session.created", "event_id": "e", "session": {}}] * 2, "a foreign protocol: OpenAI Realtime"),
        ([{"model": "llama3", "created_at": "2026-01-01T00:00:00Z", "response": "Hi", "done": False}] * 2, "Ollama"),
    ],
)
def test_lines_of_json_of_which_nothing_is_known_are_not_ticked(lines, why):
    """As a bare file is read: what the first line is of is not judged as chat, and both commands give the reason."""
    bare = replace(exchange([b"".join(dump(line) + b"\n" for line in lines)]), request=None)
    report, repaired = analyze(bare), normalize(bare)
    assert not report.judged
    assert why in report.why
    assert repaired.left_alone == report.why or repaired.changes["translated"]  # Ollama's stream becomes chunks


_PATHS = {
    "/v1/chat/completions": ("data: {...}", "a role chunk, a finish chunk and data: [DONE]"),
    "/v1/messages": ("event: message_start, data: {...}", "message_start, message_delta and message_stop"),
    "/v1/responses": ("event: response.created, data: {...}", "response.created and response.completed"),
}


@pytest.mark.parametrize("path", _PATHS)
def test_what_is_expected_is_what_the_api_sends(path):
    start, shortest = _PATHS[path]
    for body, expected in ((b"", shortest), (b"<html></html>", start), (b"busy, sorry", start)):
        request = Request("POST", f"http://localhost{path}", (), b'{"stream":true}')
        found = analyze(exchange([body] if body else [], request=request, headers=(("content-type", "x"),))).findings
        assert [one.expected for one in found if one.severity is Severity.ERROR] == [expected], body


def test_a_whole_message_should_have_been_its_events():
    message = {"type": "message", "id": "m", "role": "assistant", "model": "c", "content": [], "usage": {}}
    request = Request("POST", "http://localhost/v1/messages", (), b'{"stream":true}')
    found = analyze(exchange([dump(message)], request=request, headers=JSON)).findings
    (hit,) = (one for one in found if one.rule == "nonstream-json-for-stream")
    assert hit.expected == "a stream: event: message_start, data: {...}"
