"""Where a finding says that a deviation stands, it stands: the event, its bytes, and when it came."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from streamlab.exchange import Exchange, Request, ResponseHead, Segment
from streamlab.judging.analyzer import analyze
from streamlab.judging.report import Report
from streamlab.rules.finding import Finding
from streamlab.storage.exchange_dir import read_exchange_dir
from streamlab.wire.locate import steps_of
from streamlab.wire.payload import decode_payload
from streamlab.wire.sse import ServerSentEvent, SSEDecoder
from tests.batches import batched

_ROOT = Path(__file__).parents[2]
#: When the head came, when the n-th event did, and when it was over.
_HEAD_US, _EVENT_US, _END_US = 1, 1000, 10**9
_REQUEST = Request("POST", "https://h.example/v1/chat/completions", (), b'{"stream": true}')
_HEAD = ResponseHead(200, (("content-type", "text/event-stream"),), offset_us=_HEAD_US)


def _directories() -> Iterator[Path]:
    for below in ("fixtures/rules", "fixtures/captures", "corpus/reports", "corpus/protocols", "corpus/scenarios"):
        yield from sorted(found.parent for found in (_ROOT / below).rglob("exchange.json"))


def _timed(exchange: Exchange) -> tuple[Exchange, list[ServerSentEvent]]:
    """The exchange as if each event had come by itself, every millisecond one; and the events."""
    body = exchange.body
    decoder = SSEDecoder()
    events = [*decoder.feed(body), *decoder.finish()]
    segments, at = [], 0
    for number, event in enumerate(events):
        segments.append(Segment(_EVENT_US * (number + 1), body[at : event.span[1]]))
        at = event.span[1]
    if at < len(body):
        segments.append(Segment(_EVENT_US * (len(events) + 1), body[at:]))
    head = replace(exchange.head, offset_us=_HEAD_US) if exchange.head is not None else None
    timed = replace(exchange, segments=tuple(segments), head=head, end_us=_END_US, http_chunks=None)
    return timed, events


def _of(path: str, sse: ServerSentEvent) -> bool:
    """Whether what holds the member is there."""
    value: Any = decode_payload(sse.data or b"").value
    for step in steps_of(path)[:-1]:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return False
    return True


def _wrong(one: Finding, exchange: Exchange, events: list[ServerSentEvent]) -> str | None:
    """What is wrong about where a finding is said to be; None where nothing is."""
    if one.event is None:
        header = one.path is not None and "-" in one.path and one.path != "content-length"  # which only the end breaks
        came = _HEAD_US if header else exchange.segments[-1].offset_us if one.span is not None else _END_US
        return None if one.offset_us == came else f"at {one.offset_us}, not {came}"
    event = events[one.event]
    last = one.event == len(events) - 1 and not event.raw.endswith((b"\n\n", b"\r\n\r\n"))
    if one.offset_us != (_END_US if last else _EVENT_US * (one.event + 1)):  # what ends nowhere is one by the end
        return f"event {one.event} at {one.offset_us}"
    if one.span is None or not event.span[0] <= one.span[0] < one.span[1] <= event.span[1]:
        return f"bytes {one.span} of event {one.event}, which are {event.span}"
    return None if one.path is None or _of(one.path, event) else f"{one.path} is not in event {one.event}"


@batched("directory", _directories(), parts=4)
def test_a_finding_is_said_to_be_where_it_is(directory: Path) -> None:
    exchange = read_exchange_dir(directory)
    coded = exchange.head is not None and exchange.head.header("content-encoding") is not None
    if coded or b"\r" in exchange.body.replace(b"\r\n", b"") or b"\0" in exchange.body:
        return  # the events of the wire are others, or are complete with the next one's first byte
    timed, events = _timed(exchange)
    wrong = [(one.rule, one.message, said) for one in analyze(timed).findings if (said := _wrong(one, timed, events))]
    assert not wrong


def _chunk(delta: Any, finish: str | None = None, **more: Any) -> bytes:
    chunk = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1700000000,
        "model": "m",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
        **more,
    }
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


def _report(*events: bytes, tools: tuple[str, ...] = ()) -> Report:
    body = json.dumps({"stream": True, "tools": [{"type": "function", "function": {"name": one}} for one in tools]})
    request = replace(_REQUEST, body=body.encode()) if tools else _REQUEST
    segments = tuple(Segment(_EVENT_US * (at + 1), event) for at, event in enumerate(events))
    return analyze(Exchange(request=request, head=_HEAD, segments=segments, end_us=_END_US))


def _place(report: Report, rule: str) -> tuple[int | None, str | None, int | None]:
    found = next(one for one in report.findings if one.rule == rule)
    return found.event, found.path, found.offset_us


_SAID = [
    _chunk({"role": "assistant", "content": ""}),
    *(_chunk({"content": f" {word}"}) for word in "abcde"),
]


def test_a_call_in_the_text_stands_where_its_marker_begins() -> None:
    marked = [_chunk({"content": '<tool_call>{"name": "get_weather", '}), _chunk({"content": '"arguments": {}}'})]
    report = _report(*_SAID, *marked, _chunk({}, "stop"), b"data: [DONE]\n\n", tools=("get_weather",))
    assert _place(report, "tool-call-leaked-as-text") == (6, "choices[0].delta.content", 7000)


def test_a_token_at_the_end_of_a_text_stands_in_the_event_that_has_it() -> None:
    report = _report(*_SAID, _chunk({"content": "<|im_end|>"}), _chunk({}, "stop"), b"data: [DONE]\n\n")
    assert _place(report, "model-markup-in-answer") == (6, "choices[0].delta.content", 7000)


def test_text_behind_a_call_stands_where_it_begins() -> None:
    call = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
    report = _report(*_SAID, _chunk({"tool_calls": [call]}), *_SAID[1:], _chunk({}, "tool_calls"), b"data: [DONE]\n\n")
    assert _place(report, "tool-call-content-mixed") == (7, "choices[0].delta.content", 8000)


def test_a_tag_that_ends_reasoning_stands_where_the_text_begins_not_the_reasoning() -> None:
    thought = [_chunk({"reasoning_content": f" {word}"}) for word in "abc"]
    report = _report(
        *_SAID[:1], *thought, _chunk({"content": "</think>"}), *_SAID[1:], _chunk({}, "stop"), b"data: [DONE]\n\n"
    )
    tagged = next(one for one in report.findings if "</think>" in one.message)
    assert (tagged.event, tagged.offset_us) == (4, 5000)


def test_a_stream_held_open_without_done_stands_at_its_last_chunk_though_that_came_in_a_run() -> None:
    said = [_chunk({"content": "word "}) for _ in range(40)]
    report = _report(_SAID[0], _chunk({"content": "a"}, "stop"), *said)
    held = next(one for one in report.findings if one.rule == "connection-held-open-after-done")
    assert (held.event, held.offset_us) == (41, 42_000)
    assert held.span == (sum(map(len, (_SAID[0], _chunk({"content": "a"}, "stop"), *said[:-1]))), held.span[1])


def test_what_stands_there_is_what_is_said_to_be_there() -> None:
    counted = [_chunk({"content": word}).replace(b'"index": 0', b'"index": %d' % at) for at, word in enumerate("abcde")]
    growing = ["Spring", "Spring is", "Spring is here", "Spring is here again", "Spring is here again."]
    repeated = [_chunk({"content": text}) for text in growing]
    end = _chunk({}, "stop").replace(b'"index": 0', b'"index": 5')
    for rule, events, said, at in (
        ("choice-index-is-token-counter", counted, "0 (to 4)", None),
        ("choice-index-is-token-counter", counted[1:], "1 (to 4)", 0),
        ("choice-index-is-token-counter", [*counted, end], 5, 5),
        ("cumulative-content", repeated, "Spring is", 1),
    ):
        found = next(one for one in _report(*events, b"data: [DONE]\n\n").findings if one.rule == rule)
        assert (found.actual, found.event) == (said, at)


def test_a_choice_that_never_finishes_is_called_by_its_number() -> None:
    second = _chunk({"content": "b"}).replace(b'"index": 0', b'"index": 1')
    report = _report(*_SAID, second, _chunk({}, "stop"), b"data: [DONE]\n\n")
    found = next(one for one in report.findings if one.rule == "finish-reason-missing")
    assert str(found.expected).endswith("in the last chunk of choice 1")
