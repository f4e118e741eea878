"""Silence inside streamed arguments, and before the finish of a call, is silence; a call that comes whole is none.

Half a minute without a byte is told wherever it falls.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import accumulate

import pytest

from streamlab.exchange import Segment
from streamlab.judging.analyzer import analyze
from tests import streams


def _stalls(payloads, slow, seconds=40):
    """What is said when the payload number ``slow`` takes ``seconds``, the others 30 ms."""
    exchange = streams.exchange(streams.sse(payloads))
    at, moved = 0, []
    for number, segment in enumerate(exchange.segments):
        at += seconds * 1_000_000 if number == slow else 30_000
        moved.append(Segment(at, segment.data))
    slower = replace(exchange, segments=tuple(moved), end_us=at + 1_000)
    return [one.rule for one in analyze(slower).findings if one.rule == "stall-gap"]


@pytest.mark.parametrize(
    ("payloads", "slow", "seconds", "told"),
    [
        (streams.chat_tool(), 3, 10, True),  # in the middle of arguments
        (streams.chat_tool(), len(streams.chat_tool()) - 1, 10, True),  # before the finish
        (streams.chat_tools(), 4, 20, False),  # before a call that may have been collected meanwhile
        (streams.chat_tools(), 4, 40, True),  # without a byte for so long that something may cut
        (streams.chat_text(), 2, 10, True),
        (streams.chat_text(), 1, 20, False),  # before the first token
        (streams.chat_text(), 1, 40, True),
    ],
)
def test_silence_around_calls(payloads, slow, seconds, told):
    assert bool(_stalls(payloads, slow, seconds)) is told


@pytest.mark.parametrize(("count", "severity"), [(1, "info"), (2, "warning")])
def test_empty_chunks_again_and_again_are_heartbeats(count, severity):
    start, *rest = streams.chat_text()
    exchange = streams.exchange(streams.sse([start, *[streams.chunk(choices=[])] * count, *rest]))
    found = [one for one in analyze(exchange).findings if one.rule == "choices-empty-non-usage"]
    assert min(found, key=lambda one: one.severity.rank).severity == severity


@pytest.mark.parametrize(("seconds", "told"), [(299, False), (301, True)])
def test_comments_do_not_keep_codex_alive(seconds, told):
    first, *rest = [part + b"\n\n" for part in streams.responses_sse(streams.responses_text()).split(b"\n\n")[:-1]]
    exchange = streams.responses_exchange(first + b": keepalive\n\n" + b"".join(rest))
    late = seconds * 1_000_000
    times = [0, late // 2, *(late + 30_000 * at for at in range(len(rest)))]
    segments = tuple(map(Segment, times, (first, b": keepalive\n\n", *rest)))
    slow = replace(exchange, segments=segments, end_us=times[-1] + 1_000)
    said = [one.severity for one in analyze(slow).findings if one.rule == "responses-idle-comments-only"]
    assert said == ["error" if told else "warning"]


@pytest.mark.parametrize(
    ("slow", "comments", "said"),
    [
        (3, 0, ("warning", "nothing came for 90.0 s in the middle of the answer")),
        (3, 2, ("warning", "nothing but comments came for 90.0 s in the middle of the answer")),  # 45 s without a byte
        (3, 9, ("info", "nothing but comments came for 90.0 s in the middle of the answer")),
        (-1, 0, ("warning", "nothing came for 90.0 s after the answer had finished")),  # before [DONE]
    ],
)
def test_a_silence_is_called_what_it_is(slow, comments, said):
    events = [*map(streams.frame, streams.chat_tool()), b"data: [DONE]\n\n"]
    slow %= len(events)
    steps = [*[30_000] * slow, *[90_000_000 // (comments or 1)] * (comments or 1), *[30_000] * (len(events) - slow - 1)]
    reads = [*events[:slow], *[b": ping\n\n"] * (comments - 1 if comments else 0), *events[slow:]]
    ends = list(accumulate(steps))
    made = replace(streams.exchange(reads), segments=tuple(map(Segment, ends, reads)), end_us=ends[-1] + 1_000)
    assert [(one.severity, one.message) for one in analyze(made).findings if one.rule == "stall-gap"] == [said]
