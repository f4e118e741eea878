"""Timing rules speak only of what somebody waited for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streamlab.exchange import Ending, Segment
from streamlab.judging.analyzer import analyze
from streamlab.rules.finding import Severity
from tests.streams import chat_text, chat_tool, exchange, frame, request_for, sse


def events(count):
    return [frame(one) for one in chat_text(*["word "] * (count - 3))] + [b"data: [DONE]\n\n"]


def timed(reads, times_us, **extra):
    one = exchange(list(reads), **extra)
    segments = tuple(Segment(at, read) for at, read in zip(times_us, reads, strict=True))
    return replace(one, segments=segments, end_us=max(times_us) + 1000)


def found(one):
    return {finding.rule: finding for finding in analyze(one).findings}


def steady(count, step_us=30_000, start_us=200_000):
    return [start_us + step_us * at for at in range(count)]


@pytest.mark.parametrize(
    ("reads", "times_us", "stalled"),
    [
        (events(12), [*steady(6), *steady(6, start_us=9_000_000)], True),
        (events(12), [*steady(6), *steady(6, start_us=4_000_000)], False),  # under five seconds
        (events(12), steady(12, 6_000_000), False),  # slow throughout: no wait stands out
        (events(12), [*steady(1), *steady(11, start_us=20_000_000)], False),  # before the first token
        (events(12), [*steady(1), *steady(11, start_us=40_000_000)], True),  # so long that something may cut
        (
            [*events(12)[:6], b": ping\n\n", *events(12)[6:]],
            [*steady(6), 5_000_000, *steady(6, start_us=9_000_000)],
            True,
        ),
        ([*events(6)[:3], frame(chat_tool()[0]), *events(6)[4:]], [*steady(3), *steady(3, start_us=9_000_000)], False),
    ],
    ids=["stall", "short", "slow", "prefill", "long prefill", "comment", "tool-call"],
)
def test_stalls(reads, times_us, stalled):
    assert ("stall-gap" in found(timed(reads, times_us))) is stalled


def test_a_wait_is_placed_where_it_ended():
    """Its time is that of the event behind it, not of the end at which it is told."""
    in_text = timed(events(12), [*steady(6), *steady(6, start_us=9_000_000)])
    before = timed(events(12), [*steady(1), *steady(11, start_us=40_000_000)])
    for one, event in ((in_text, 6), (before, 1)):
        told = found(one)["stall-gap"]
        assert (told.event, told.offset_us) == (event, one.segments[event].offset_us)
    assert in_text.segments[6].offset_us < in_text.end_us


@pytest.mark.parametrize(
    ("first_us", "url", "severity"),
    [
        (29_000_000, "https://a.example/v1/chat/completions", None),
        (31_000_000, "https://a.example/v1/chat/completions", Severity.WARNING),
        (56_000_000, "https://a.example/v1/chat/completions", Severity.ERROR),
        (31_000_000, "http://localhost/v1/chat/completions", Severity.INFO),
        (56_000_000, "http://127.0.0.1:1/v1/chat/completions", Severity.WARNING),
    ],
)
def test_idle(first_us, url, severity):
    one = timed(events(6), steady(6, start_us=first_us), request=replace(request_for(), url=url))
    hit = found(one).get("idle-before-first-byte")
    assert (hit.severity if hit else None) == severity


def test_a_late_head_and_a_missing_body_are_idle_too():
    request = replace(request_for(), url="https://a.example/v1/chat/completions")
    late = timed(events(6), steady(6, start_us=40_000_000), request=request)
    late = replace(late, head=replace(late.head, offset_us=39_990_000))
    nothing = replace(exchange([], request=request, ending=Ending.TIMED_OUT), end_us=60_000_000)
    assert "before the response head" in found(late)["idle-before-first-byte"].message
    assert "no byte" in found(nothing)["idle-before-first-byte"].message


def buffered(size, count):
    """Reads of about this size, half a second apart."""
    body = sse(chat_text(*["word "] * (size * count // 240)))
    reads = [body[at : at + size] for at in range(0, len(body), size)]
    return timed(reads, steady(len(reads), 500_000))


@pytest.mark.parametrize(
    ("one", "severity"),
    [
        (timed(events(40), steady(40, 20, 6_000_000)), Severity.WARNING),
        (buffered(16384, 4), Severity.WARNING),
        (timed(events(40), steady(40)), None),
        (timed(events(40), steady(40, 20)), Severity.INFO),  # in 0.2 s: quick, or cached
        (timed(events(12), steady(12, 20, 6_000_000)), Severity.INFO),  # short
        (timed(events(4), [6_000_000] * 4), None),
        (buffered(10_000, 4), None),  # bursts, but of no buffer's size
    ],
    ids=["held-back", "buffer", "streamed", "quick", "short", "tiny", "other-size"],
)
def test_bursts(one, severity):
    hit = found(one).get("burst-delivery")
    assert (hit.severity if hit else None) == severity


def test_nothing_is_said_without_timing():
    one = exchange([sse(chat_text(*["word "] * 40))], timed=False)
    assert found(one) == {}
