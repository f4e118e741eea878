"""However long what an upstream sent, a finding says it in a line or two."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streamlab.exchange import Segment
from streamlab.judging.analyzer import analyze
from streamlab.storage.exchange_dir import read_exchange_dir
from tests.rule_fixtures import folder

_LONG = b"x" * 100_000
_MANY_DIGITS = b"1" * 4_000

_CASES = [
    ("sse-comment-inside-data", b": ", b": " + _LONG),
    ("messages-block-stop-missing", b'"type":"text"', b'"type":"' + _LONG + b'"'),
    ("messages-answer-after-error", b'"type":"content_block_stop"', b'"type":"' + _LONG + b'"'),
    ("messages-tool-input-double-encoded", b'"name":"', b'"name":"' + _LONG),
    ("messages-block-index-gap", b'"index":2', b'"index":' + _MANY_DIGITS),
    ("responses-lifecycle-order", b'"type":"response.', b'"type":"response.' + _LONG),
    ("tool-call-index-offset", b'"tool_calls":[{"index":1', b'"tool_calls":[{"index":' + _MANY_DIGITS),
    ("http-error", b'"type":"overloaded_error', b'"type":"' + _LONG),
]


@pytest.mark.parametrize(("rule", "old", "new"), _CASES, ids=[rule for rule, _, _ in _CASES])
def test_the_message_stays_short(rule, old, new):
    bad = read_exchange_dir(folder(rule) / "bad")
    assert old in bad.body
    findings = analyze(replace(bad, segments=(Segment(None, bad.body.replace(old, new)),), http_chunks=None)).findings
    assert any("xxxx" in one.message or "1111" in one.message for one in findings)
    for one in findings:
        assert len(one.message) <= 400
        assert len(str(one.expected)) <= 400
        assert len(str(one.actual)) <= 400


def test_of_a_long_message_the_middle_is_left_out():
    bad = read_exchange_dir(folder("messages-block-stop-missing") / "bad")
    body = bad.body.replace(b'"type":"text"', b'"type":"' + _LONG + b'"')
    said = [one.message for one in analyze(replace(bad, segments=(Segment(None, body),), http_chunks=None)).findings]
    assert any(message.startswith("block 0 (xxx") and message.endswith("x) is never closed") for message in said)


def test_a_part_of_a_list_whose_type_is_an_object():
    bad = read_exchange_dir(folder("content-array-parts") / "bad")
    body = bad.body.replace(b'"type":"text"', b'"type":{"text":1}')
    assert body != bad.body
    report = analyze(replace(bad, segments=(Segment(None, body),), http_chunks=None))
    assert [one.variants for one in report.findings if one.rule == "content-array-parts"] == [("they hold thinking",)]
