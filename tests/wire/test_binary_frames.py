"""AWS's binary event stream: what is in its messages, however they are cut, and what is said of broken ones."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamlab.comparing.parity import answer_of
from streamlab.exchange import Ending
from streamlab.judging.analyzer import analyze
from streamlab.repairing.normalizer import normalize
from streamlab.rules.finding import Repairability, Severity
from streamlab.wire.binary_frames import BinaryFrames, FrameFault, is_framed
from streamlab.wire.stream import StreamDecoder
from tests.binary_frames import chunk, exception, message
from tests.harm_laws import broken_laws
from tests.messages import exchange, said, sse, text, tool

_HEAD = (("content-type", "application/vnd.amazon.eventstream"),)
_PATH = "http://127.0.0.1:8000/model/anthropic.claude-sonnet-5-v1%3A0/invoke-with-response-stream"


def _bedrock(body: bytes | list[bytes], ending: Ending = Ending.COMPLETE):
    pieces = body if isinstance(body, list) else [body]
    made = exchange(pieces, headers=_HEAD, ending=ending)
    body = made.request.body.replace(b'"stream":true,', b"")  # the path says it
    asked = replace(made.request, url=_PATH, body=body)
    return replace(made, request=asked)


def _frames(events):
    return [chunk(event) for event in events]


def _flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def test_an_answer_in_frames_is_judged_as_any_other():
    report = analyze(_bedrock(_frames(tool())))
    assert (report.api.name, report.judged, report.findings) == ("anthropic.messages", True, ())
    plain = analyze(exchange(sse(tool())))
    assert report.completion == plain.completion


def test_frames_on_the_path_of_an_event_stream_are_another_protocol():
    made = exchange(_frames(tool()), headers=_HEAD)
    found = {one.rule: one.severity for one in analyze(made).findings}
    assert found == {"foreign-protocol": Severity.ERROR}
    assert normalize(made).exchange.body == made.body
    assert not broken_laws(made)


def test_what_is_wrong_with_it_is_found_and_no_repair_is_promised():
    events = [*text()[:7], *text()[6:]]  # a second content_block_stop
    [found] = analyze(_bedrock(_frames(events))).findings
    assert found.rule == "messages-block-stop-repeated"
    assert found.repairability is Repairability.NONE
    made = _bedrock(_frames(events))
    assert normalize(made).exchange.body == made.body


def test_an_exception_of_the_service_is_an_error_in_the_stream():
    made = _bedrock([*_frames(text()[:4]), exception("throttlingException", "Slow down")])
    found = {one.rule: one for one in analyze(made).findings}
    assert set(found) == {"messages-error-in-stream"}
    assert found["messages-error-in-stream"].severity is Severity.INFO


@pytest.mark.parametrize(
    ("at", "rule"),
    [
        (2, "binary-lengths-corrupt"),
        (9, "binary-lengths-corrupt"),
        (60, "binary-message-corrupt"),
        (-1, "binary-message-corrupt"),
    ],
)
def test_both_checksums_are_checked(at, rule):
    frames = _frames(text())
    frames[4] = _flipped(frames[4], at % len(frames[4]))
    report = analyze(_bedrock(frames))
    assert [one.rule for one in report.findings] == [rule]
    assert report.completion["content"] == "Spring"  # what came before


def test_the_first_message_may_be_the_broken_one():
    frames = _frames(text())
    for at, rule in ((9, "binary-lengths-corrupt"), (30, "binary-message-corrupt")):
        assert rule in {one.rule for one in analyze(_bedrock([_flipped(frames[0], at), *frames[1:]])).findings}


def test_converse_is_told_and_not_judged():
    parts = [
        message(b'{"role":"assistant"}', event_type="messageStart", message_type="event"),
        message(b'{"contentBlockIndex":0,"delta":{"text":"Hi"}}', event_type="contentBlockDelta", message_type="event"),
    ]
    report = analyze(_bedrock(parts))
    assert (report.api.name, report.judged) == ("aws.event-stream", False)


def test_compare_and_parity_read_what_is_in_the_frames():
    assert answer_of(_bedrock(_frames(text()))).status == 200
    events = StreamDecoder().feed(b"".join(_frames(text())))
    assert [event.json["type"] for event in events] == [event["type"] for event in text()]


@given(st.integers(1, 200), st.data())
def test_frames_are_read_the_same_however_they_are_cut(step, data):
    body = b"".join([*_frames(said(0, "a", "ö\n\r", "")), exception("modelStreamErrorException", "x")])
    if data.draw(st.booleans()):
        body = _flipped(body, data.draw(st.integers(0, len(body) - 1)))
    whole, cut = BinaryFrames(), BinaryFrames()
    once = b"".join(whole.pieces(body))
    assert b"".join(piece for at in range(0, len(body), step) for piece in cut.pieces(body[at : at + step])) == once
    assert (cut.fault, cut.complete) == (whole.fault, whole.complete)


@given(st.binary(max_size=300))
def test_any_bytes_are_frames_or_none(data):
    frames = BinaryFrames()
    made = b"".join(frames.pieces(data))
    assert frames.fault in (None, *FrameFault)
    assert not made or is_framed(data)


@pytest.mark.parametrize("payload", [b"", b"[1]", b'{"bytes": 3}', b'{"bytes": "%%"}', b"\xff\xfe", b"a\nb"])
def test_a_payload_of_another_form_stays_what_it_is(payload):
    [made] = BinaryFrames().pieces(message(payload, event_type="chunk", message_type="event"))
    assert made.startswith(b"event: chunk\n")
    assert made.endswith(b"\n\n")
    assert made.count(b"\n\n") == 1


@pytest.mark.parametrize("before", [b": keep-alive\n\n", b"data: 42\n\n", b"event: ping\ndata: {}\n\n"])
def test_text_before_the_first_message_is_taken_for_its_lengths(before):
    found = {one.rule: one for one in analyze(_bedrock([before, *_frames(text())])).findings}
    assert found["binary-lengths-corrupt"].severity is Severity.ERROR
