"""Metrics hold to docs/metrics.md; what nobody knows is unknown, never 0."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import pytest

from streamlab.exchange import Segment
from streamlab.judging.analyzer import analyze
from streamlab.judging.metrics import Metrics
from tests.streams import (
    chat_text,
    chat_usage,
    chunk,
    exchange,
    frame,
    request_for,
    responses_exchange,
    responses_sse,
    responses_text,
    sse,
)

_PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"
_TIMES = ["ttfb_us", "ttft_us", "ttfr_us", "ttfa_us", "duration_us", "gap_p50_us", "gap_max_us", "stalls", "bursts"]


def at_times(*offsets_us: int) -> Metrics:
    """The metrics of a text answer whose events arrive at these times."""
    events = [frame(one) for one in chat_text(*["x"] * (len(offsets_us) - 3))] + [b"data: [DONE]\n\n"]
    made = exchange(b"".join(events))
    segments = tuple(Segment(offset, data) for offset, data in zip(offsets_us, events, strict=True))
    return analyze(replace(made, segments=segments, end_us=offsets_us[-1] + 5)).metrics


def test_every_metric_is_defined_in_the_docs():
    page = _PAGE.read_text(encoding="utf-8")
    assert [one.name for one in fields(Metrics) if f"`{one.name}`" not in page] == []


def test_without_times_times_are_unknown_and_not_0():
    metrics = analyze(exchange(sse(chat_text()), timed=False)).metrics
    assert {name: getattr(metrics, name) for name in _TIMES} == dict.fromkeys(_TIMES)
    assert (metrics.prompt_tokens, metrics.completion_tokens) == (None, None)
    assert (metrics.events, metrics.data_events, metrics.segments) == (7, 7, 7)


def test_the_first_token_is_no_role_chunk():
    metrics = at_times(100, 200, 300, 400, 500)
    assert (metrics.ttfb_us, metrics.ttft_us, metrics.ttfa_us, metrics.ttfr_us) == (100, 200, 200, None)
    assert metrics.duration_us == 505


def test_reasoning_is_a_first_token_and_no_answer():
    payloads = chat_text()
    payloads.insert(1, chunk({"reasoning_content": "Hm."}))
    metrics = analyze(exchange(sse(payloads))).metrics
    assert (metrics.ttft_us, metrics.ttfr_us, metrics.ttfa_us) == (230_000, 230_000, 260_000)


def test_gaps_are_those_that_were():
    metrics = at_times(0, 10_000, 30_000, 60_000, 100_000)
    assert (metrics.gap_p50_us, metrics.gap_p99_us, metrics.gap_max_us) == (20_000, 40_000, 40_000)


@pytest.mark.parametrize(
    ("offsets", "stalls"),
    [
        ((0, 10_000, 20_000, 1_120_000, 1_130_000), 1),
        ((0, 10_000, 20_000, 1_019_999, 1_030_000), 0),  # less than a second
        ((0, 500_000, 1_000_000, 2_500_000, 3_000_000), 0),  # less than ten times the median
    ],
)
def test_a_stall_is_long_and_unusual(offsets, stalls):
    assert at_times(*offsets).stalls == stalls


@pytest.mark.parametrize(
    ("offsets", "bursts"),
    [
        ((0, 10_000, 20_000, 30_000, 40_000), 0),
        ((0, 10_000, 10_999, 30_000, 40_000), 1),
        ((0, 10_000, 10_500, 11_000, 40_000), 1),
        ((0, 500, 20_000, 20_500, 40_000), 2),
        ((0, 10_000, 11_000, 30_000, 40_000), 0),  # a millisecond apart
    ],
)
def test_a_burst_is_several_events_at_once(offsets, bursts):
    assert at_times(*offsets).bursts == bursts


def test_events_of_one_read_are_one_burst():
    made = exchange([sse(chat_text())])
    assert analyze(made).metrics.bursts == 1


def test_tokens_are_those_the_server_names():
    chat = analyze(exchange(sse(chat_usage()), request=request_for(usage=True))).metrics
    responses = analyze(responses_exchange(responses_sse(responses_text()))).metrics
    assert (chat.prompt_tokens, chat.completion_tokens) == (12, 4)
    assert (responses.prompt_tokens, responses.completion_tokens) == (12, 4)
