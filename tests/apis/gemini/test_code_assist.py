"""Code Assist, which Gemini CLI talks to, wraps each of Gemini's answers in ``response``."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streamlab.exchange import Segment
from streamlab.judging.analyzer import analyze
from streamlab.repairing.normalizer import normalize
from streamlab.rules.finding import Severity
from tests import streams
from tests.streams import sse

_PATH = "/v1internal:streamGenerateContent?alt=sse"


def _event(*parts, reason=None):
    candidate = {"content": {"role": "model", "parts": list(parts)}}
    if reason:
        candidate["finishReason"] = reason
    return {"response": {"candidates": [candidate], "modelVersion": "gemini-3-pro"}, "traceId": "7f3a"}


_CALL = {"functionCall": {"name": "get_weather", "args": {"city": "Rome"}}, "thoughtSignature": "Cg=="}


def _exchange(*events, path=_PATH):
    return streams.exchange([sse(events)], request=streams.request_for(path=path))


def test_a_whole_answer_is_known_and_has_no_fault():
    found = analyze(_exchange(_event({"text": "Hi"}), _event({"text": " you"}, reason="STOP")))
    assert found.api.name == "gemini.generateContent"
    assert found.findings == ()


@pytest.mark.parametrize(
    ("events", "rule", "path"),
    [
        ([_event({"text": "Hi"})], "gemini-finish-missing", "response.candidates[0]"),
        ([_event({"text": ""}, reason="STOP")], "gemini-answer-empty", "response.candidates[0]"),
        (
            [
                {"response": {"candidates": [_event(reason="STOP")["response"]["candidates"][0] | {"index": 0}]}},
                {"response": {"candidates": [_event(reason="STOP")["response"]["candidates"][0] | {"index": 0}]}},
            ],
            "gemini-finish-repeated",
            "response.candidates[0].finishReason",
        ),
        (
            [_event({"functionCall": _CALL["functionCall"]}, reason="STOP")],
            "gemini-signature-missing",
            "response.candidates[0].content.parts[0]",
        ),
    ],
)
def test_a_fault_is_told_at_its_place_in_the_wrapper(events, rule, path):
    found = {one.rule: one.path for one in analyze(_exchange(*events)).findings}
    assert found[rule] == path


def test_it_is_translated_as_geminis_own_are():
    exchange = _exchange(_event({"text": "Hi"}), _event(_CALL, reason="STOP"))
    chat = analyze(normalize(exchange, to_chat=True).exchange).completion
    assert chat["content"] == "Hi"
    assert chat["tool_calls"][0]["function"] == {"name": "get_weather", "arguments": '{"city":"Rome"}'}
    assert chat["finish_reason"] == "tool_calls"


def test_a_blank_line_that_a_file_without_times_lacks_is_a_remark():
    body = sse([_event({"text": "Hi"}, reason="STOP")], done=False).removesuffix(b"\n")
    timed = streams.exchange([body], request=streams.request_for(path=_PATH))
    copied = replace(timed, segments=(Segment(None, body),), http_chunks=None, end_us=None)
    assert [(one.rule, one.severity) for made in (timed, copied) for one in analyze(made).findings] == [
        ("sse-unterminated-final-event", Severity.ERROR),
        ("sse-unterminated-final-event", Severity.INFO),
    ]
