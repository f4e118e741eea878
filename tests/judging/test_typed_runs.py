"""The law of runs for events that mean something only where they stand: taken as a run or one by one is the same."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamlab.exchange import Exchange
from streamlab.judging.analyzer import Analyzer
from streamlab.judging.lessons import Runs
from streamlab.repairing.pipeline import Pipeline
from streamlab.wire.learnt import template_of
from streamlab.wire.run_decoder import RunDecoder
from streamlab.wire.runs import TextKind, Varying
from streamlab.wire.stream import StreamDecoder
from tests import messages, responses
from tests.judging.by_runs import Stream, assert_alike
from tests.mutations import KINDS, mutated

_TEXTS = st.sampled_from(["a", " word", "世界", "{", '"', "\\", "\n", "\ufffd", "\u2028", "", "x" * 1001, *[" of"] * 8])
_NUMBERS = st.sampled_from([0] * 12 + [1, -1, "7", None, 2.0])
_PADDINGS = st.sampled_from(["xyz"] * 6 + ["", "a\nb", 7])
_MUTATIONS = st.lists(
    st.tuples(st.integers(0, len(KINDS) - 1), st.integers(0, 999), st.integers(0, 99_999)), max_size=2
)


@st.composite
def _responses(draw: st.DrawFn) -> Exchange:
    """A response of many deltas, some of them with an odd number, text or padding."""
    events = responses.numbered(_many(responses.mix(), draw(st.lists(_TEXTS, min_size=3, max_size=12))))
    for event in events if draw(st.booleans()) else ():
        if event["type"].endswith(".delta"):
            event["obfuscation"] = draw(_PADDINGS)
            shift = draw(_NUMBERS)
            event["sequence_number"] = event["sequence_number"] + shift if type(shift) is int else shift
    return responses.exchange(events)


def _many(events: list[responses.Event], texts: list[str]) -> list[responses.Event]:
    """Each delta once for each text."""
    again = []
    for event in events:
        deltas = texts if event["type"].endswith(".delta") else [None]
        again += [event if text is None else {**event, "delta": text} for text in deltas]
    return again


@st.composite
def _messages(draw: st.DrawFn) -> Exchange:
    case = draw(st.sampled_from(["text", "tool", "thinking"]))
    exchange = _PLAIN_MESSAGES[case]
    texts = draw(st.lists(_TEXTS, min_size=3, max_size=12))
    parts = []
    for part in exchange.body.split(b"\n\n"):
        name, _, data = part.partition(b"\ndata: ")
        event = json.loads(data) if b"content_block_delta" in name else None
        for text in texts if event is not None else ():
            member = next(key for key in event["delta"] if key != "type")
            event["delta"][member] = text
            parts.append(name + b"\ndata: " + json.dumps(event, ensure_ascii=False).encode())
        parts += [] if event is not None else [part]
    return _with(exchange, b"\n\n".join(parts))


def _with(exchange: Exchange, body: bytes) -> Exchange:
    [first, *_] = exchange.segments
    return replace(exchange, segments=(replace(first, data=body),), http_chunks=None)


_PLAIN_MESSAGES = {
    "text": messages.exchange(messages.sse(messages.text())),
    "tool": messages.exchange(messages.sse(messages.tool())),
    "thinking": messages.exchange(messages.sse(messages.thinking())),
}


def _checked(exchange: Exchange, body: bytes, size: int, runs: Runs) -> str:
    analyzer = Analyzer(exchange.request, exchange.head, runs=runs)
    for at in range(0, len(body), size):
        analyzer.feed(None, body[at : at + size])
    return repr(analyzer.finish(exchange.ending))


_SIZES = st.sampled_from([300, 1500, 4096])


def _stream(exchange: Exchange, mutations: Any, size: int) -> Stream:
    body = mutated(exchange.body, mutations)
    reads = [body[at : at + size] for at in range(0, len(body), size)]
    return Stream(reads, exchange.request, exchange.head, exchange.ending)


@given(_responses() | _messages(), _MUTATIONS, _SIZES)
@settings(max_examples=40)
def test_runs_change_no_finding(exchange, mutations, size):
    body = mutated(exchange.body, mutations)
    assert_alike(partial(_checked, exchange, body, size))


@given(_responses() | _messages(), _MUTATIONS, _SIZES, st.booleans())
@settings(max_examples=40)
def test_runs_change_no_byte(exchange, mutations, size, unsafe):
    assert_alike(partial(_stream(exchange, mutations, size).normalized, unsafe=unsafe))


@given(_responses() | _messages(), _MUTATIONS, _SIZES, st.booleans())
@settings(max_examples=40)
def test_runs_change_no_account_and_no_difference(exchange, mutations, size, unsafe):
    stream = _stream(exchange, mutations, size)
    assert_alike(partial(stream.accounted, unsafe=unsafe))
    assert_alike(stream.compared)


def _long_message() -> Exchange:
    parts = _PLAIN_MESSAGES["text"].body.split(b"\n\n")
    at = next(at for at, part in enumerate(parts) if b"content_block_delta" in part)
    parts[at : at + 1] = [parts[at]] * 200
    return _with(_PLAIN_MESSAGES["text"], b"\n\n".join(parts))


_LONG_RESPONSE = responses.exchange(responses.numbered(_many(responses.mix(), [" w"] * 100)))


@pytest.mark.parametrize("exchange", [_LONG_RESPONSE, _long_message()], ids=["responses", "messages"])
def test_a_clean_stream_is_read_in_runs(exchange, monkeypatch):
    taken = []
    judge = Analyzer._judge_run

    def judged(self, table, batch, run):
        left = judge(self, table, batch, run)
        taken.append(0 if left else len(run))
        return left

    monkeypatch.setattr(Analyzer, "_judge_run", judged)
    _checked(exchange, exchange.body, 4096, Runs.USUAL)
    assert sum(taken) > 150

    passed, take = [], Pipeline.take_run

    def passing(self, run):
        done = take(self, run)
        passed.append(len(run) if done else 0)
        return done

    monkeypatch.setattr(Pipeline, "take_run", passing)
    out, *_ = _stream(exchange, (), 4096).normalized(Runs.USUAL)
    assert b"".join(out) == exchange.body
    assert sum(passed) > 150


def test_numbers_go_up_by_one():
    decoder = RunDecoder()
    events = [b'data: {"a":"x","n":%d}\n\n' % number for number in (8, 9, 10, 12, 13)]
    opening, event = StreamDecoder().feed(b": x\n\n" + events[0])
    template = template_of(event, Varying(TextKind.CONTENT, "a", 0, "", "n"))
    decoder.feed(opening.sse.raw + events[0])
    decoder.learn(template)
    runs = decoder.take(b"".join(events[1:]))
    assert [(one.first, len(one)) for one in runs] == [(9, 2), (12, 2)]
