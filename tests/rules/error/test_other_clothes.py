"""A failure is told in whatever clothes it comes, becomes an error event, and hides behind nothing."""

from __future__ import annotations

import pytest

from streamlab.judging.analyzer import analyze
from streamlab.repairing.normalizer import errors_left, normalize
from streamlab.rules.finding import Severity
from streamlab.storage.bare_body import read_bare_body
from tests import messages, responses
from tests.streams import chat_text, chunk, exchange, frame, sse

START = sse(chat_text()[:3], done=False)
DONE = b"data: [DONE]\n\n"
OBJECTS = {
    "FastAPI": {"detail": "Model overloaded"},
    "FastAPI, list": {"detail": [{"loc": ["body"], "msg": "Model overloaded", "type": "x"}]},
    "code and details": {"code": 500, "details": "Model overloaded"},
    "err": {"err": "Model overloaded"},
    "Error": {"Error": "Model overloaded"},
    "exception": {"exception": "Model overloaded", "exception_type": "ValueError"},
    "errorMessage": {"errorMessage": "Model overloaded"},
    "OAuth": {"error_description": "Model overloaded"},
    "Apigee": {"fault": {"faultstring": "Model overloaded", "detail": {"errorcode": "x"}}},
    "AWS": {"__type": "ThrottlingException", "message": "Model overloaded"},
    "Alibaba": {"Message": "Model overloaded", "Code": "Throttling"},
    "MiniMax": {"ret_code": 1, "ret_msg": "Model overloaded"},
    "FastChat": {"text": "Model overloaded", "error_code": 50001},
    "type": {"type": "overloaded_error", "message": "Model overloaded"},
    "problem": {"type": "about:blank", "title": "Model overloaded", "status": 503},
    "traceback": {"traceback": "Traceback (most recent call last): Model overloaded"},
    "delta": chunk({"error": "Model overloaded"}),
    "choice": {**chunk(), "choices": [{"index": 0, "delta": {}, "error": {"message": "Model overloaded"}}]},
}
NO_FAILURES = {
    "warning": {"warning": "Model is old"},
    "success": {"code": 200, "message": "ok"},
    "usage": {"usage": {"total_tokens": 3}, "detail": "counted"},
    "metadata": {"type": "metadata", "title": "Spring"},
}


def _told(body):
    return {one.rule: one.severity for one in analyze(exchange(body)).findings}


@pytest.mark.parametrize("form", OBJECTS)
def test_an_error_without_its_member(form):
    body = START + frame(OBJECTS[form]) + DONE
    told = _told(body)
    assert told["error-flat-object"] is Severity.ERROR
    assert "gateway-masks-truncation" not in told
    assert told.get("finish-reason-missing") is not Severity.ERROR
    repaired = normalize(exchange(body))
    assert not errors_left(repaired)
    assert "Model overloaded" in str(analyze(repaired.exchange).completion["error"])


@pytest.mark.parametrize("form", NO_FAILURES)
def test_what_is_no_error(form):
    assert "error-flat-object" not in _told(START + frame(NO_FAILURES[form]) + sse(chat_text()[3:]))


@pytest.mark.parametrize(
    ("event", "rule"),
    [
        (b'event: error\ndata: {"reason_code":7,"details":"Model overloaded"}\n\n', "error-flat-object"),
        (b"event: error\n: Model overloaded\n\n", "sse-event-without-data"),
        (b"event: error\n\n", "sse-event-without-data"),
        (b": error: Model overloaded\n\n", "error-in-comment"),
        (b': {"error":{"message":"Model overloaded"}}\n\n', "error-in-comment"),
        (b": upstream request timed out\n\n", "error-in-comment"),
    ],
)
@pytest.mark.parametrize("end", [b"", DONE])
def test_a_failure_where_no_client_looks(event, rule, end):
    body = START + event + end
    told = _told(body)
    assert told[rule] is Severity.ERROR
    assert [one for one, severity in told.items() if severity is Severity.ERROR] == [rule]
    repaired = normalize(exchange(body))
    assert not errors_left(repaired)
    assert "error" in analyze(repaired.exchange).completion


@pytest.mark.parametrize("comment", [b": retry after error 503\n\n", b": OPENROUTER PROCESSING\n\n"])
def test_a_comment_about_a_failure_that_was_overcome(comment):
    body = START + comment + sse(chat_text()[3:])
    assert set(_told(body)) == {"sse-comment-keepalive"}
    assert normalize(exchange(body)).exchange.body == body


@pytest.mark.parametrize(
    "failure",
    [
        frame(OBJECTS["FastAPI"]),
        b": error: Model overloaded\n\n",
        b"data: Internal Server Error\n\n",
        b'{"error":{"message":"Model overloaded"}}\n\n',
        b'data: [{"error":{"message":"Model overloaded"}}]\n\n',
    ],
)
def test_what_a_failure_leaves_undone_is_no_fact_of_its_own(failure):
    """It stands in the stream once, at the event that tells it; no finish and no [DONE] are its consequences."""
    for body in (START + failure, START + failure + DONE):
        grave = [rule for rule, severity in _told(body).items() if severity is not Severity.INFO]
        assert len(grave) == 1, grave
        assert "gateway-masks-truncation" not in _told(body)


def test_a_stream_that_stops_early_is_one_fact():
    told = _told(START)
    assert (told["finish-reason-missing"], told["done-missing"]) == (Severity.ERROR, Severity.INFO)
    assert _told(sse(chat_text(), done=False))["done-missing"] is Severity.WARNING


@pytest.mark.parametrize(
    ("line", "message", "kind"),
    [
        (
            b': {"error":{"message":"Model overloaded","type":"overloaded_error"}}',
            "Model overloaded",
            "overloaded_error",
        ),
        (b': {"error":"Model overloaded"}', "Model overloaded", "server_error"),
        (b": error: Model overloaded", "error: Model overloaded", "upstream_error"),
    ],
)
def test_an_error_in_a_comment_is_mended_to_what_it_says(line, message, kind):
    repaired = normalize(exchange(START + line + b"\n\n"))
    error = analyze(repaired.exchange).completion["error"]
    assert (error["message"], error["type"]) == (message, kind)
    assert not errors_left(repaired)


_HALF = {"messages": messages.sse(messages.text()[:5]), "responses": responses.sse(responses.tools()[:4])}


def _told_bare(body):
    return {one.rule: one.severity for one in analyze(read_bare_body(body)).findings}


@pytest.mark.parametrize("api", _HALF)
@pytest.mark.parametrize(
    "data",
    [
        None,
        b"Overloaded",
        b'{"type": "err',
        b"[1]",
        b"{'type': 'error', 'error': {'message': 'x'}}",
        b"<html>failed</html>",
    ],
)
def test_an_error_event_without_an_error_object_is_one_fact(api, data):
    """What the event is has one name, and that the answer stops is its consequence."""
    event = b"event: error\n" + (b"data: " + data + b"\n" if data is not None else b"") + b"\n"
    grave = [rule for rule, severity in _told_bare(_HALF[api] + event).items() if severity is not Severity.INFO]
    assert len(grave) == 1, grave


@pytest.mark.parametrize("api", _HALF)
def test_a_comment_about_a_failure_excuses_no_stream_that_stops(api):
    grave = [
        rule
        for rule, severity in _told_bare(_HALF[api] + b": upstream failed\n\n").items()
        if severity is Severity.ERROR
    ]
    assert grave == [{"messages": "messages-truncated", "responses": "responses-terminal-missing"}[api]]
