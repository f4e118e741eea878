"""The laws of comparing: an exchange with itself is silent; a single mutation is named, that and no other."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from streamlab.comparing.comparison import Blame, Difference, Kind, Relation
from streamlab.comparing.hops import compare_exchanges
from streamlab.exchange import Ending, Exchange, Segment
from streamlab.judging.analyzer import analyze
from tests import corpus, streams
from tests.examples import RANDOM, examples

RELAXED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=examples(60))
DONE = b"data: [DONE]\n\n"
PING = b": ping\n\n"
ERROR = b'data: {"error":{"message":"overloaded","type":"server_error","param":null,"code":null}}\n\n'
GAP = 30_000
NO_REPORTS = (analyze(streams.exchange([])), analyze(streams.exchange([])))


@dataclass
class Stream:
    """Events with their arrival; what a mutation works on."""

    events: list[bytes]
    times: list[int] = field(default_factory=list)
    ending: Ending = Ending.COMPLETE

    def __post_init__(self) -> None:
        self.times = self.times or [200_000 + GAP * at for at in range(len(self.events))]

    def but(self, at: int, *events: bytes) -> Stream:
        """The same with other events in the place of one."""
        times = [self.times[at]] * len(events)
        return replace(
            self,
            events=[*self.events[:at], *events, *self.events[at + 1 :]],
            times=[*self.times[:at], *times, *self.times[at + 1 :]],
        )

    def exchange(self) -> Exchange:
        found = streams.exchange([*self.events])
        segments = tuple(Segment(at, data) for at, data in zip(self.times, self.events, strict=True))
        return replace(found, segments=segments, ending=self.ending, end_us=max(self.times, default=200_000) + 1_000)


def _pretty(payload: dict[str, Any]) -> bytes:
    """One event of several data lines."""
    lines = json.dumps(payload, ensure_ascii=False, indent=1).split("\n")
    return b"".join(b"data: " + line.encode() + b"\n" for line in lines) + b"\n"


WORDS = st.sampled_from(["a", " b", "the", " the", "\n", "…", "🎉 ", "aa", "ab", "b"]) | st.text(
    "abc ", min_size=1, max_size=6
)


@st.composite
def base(draw: st.DrawFn) -> Stream:
    """A stream with text, maybe comments, an error, an event of several lines, [DONE]."""
    words = draw(st.lists(WORDS, min_size=4, max_size=14))
    payloads = streams.chat_text(*words)
    frames = [streams.frame(payload) for payload in payloads]
    if draw(st.booleans()):
        at = draw(st.integers(1, len(words)))
        frames[at] = _pretty(streams.chunk({"content": "pretty"}))
    for _ in range(draw(st.integers(0, 2))):
        frames.insert(draw(st.integers(1, len(frames))), PING)
    if draw(st.booleans()):
        frames.insert(draw(st.integers(1, len(frames) - 1)), ERROR)
    return Stream([*frames, DONE] if draw(st.booleans()) else frames)


def _differences(a: Stream, b: Stream) -> tuple[Difference, ...]:
    """Without the analyses, which take most of the time and decide the verdict only."""
    return compare_exchanges(a.exchange(), b.exchange(), reports=NO_REPORTS).differences


def _kinds(a: Stream, b: Stream) -> list[Kind]:
    """What was done to the stream; the requests are made up to fit it, and differ where it does."""
    return [one.kind for one in _differences(a, b) if one.kind is not Kind.REQUEST_CHANGED]


def _json(event: bytes) -> dict[str, Any] | None:
    if not event.startswith(b"data: {") or b"\n" in event[:-2] or event == ERROR:
        return None
    found: dict[str, Any] = json.loads(event[6:])
    return found


def _chunks(stream: Stream) -> list[int]:
    return [at for at, event in enumerate(stream.events) if _json(event) is not None]


def _text(event: bytes) -> str:
    payload = _json(event)
    return payload["choices"][0]["delta"].get("content") or "" if payload else ""


def _pick(draw: st.DrawFn, places: list[int]) -> int:
    assume(places)
    return draw(st.sampled_from(places))


def _lost_kind(event: bytes) -> Kind:
    if event == DONE:
        return Kind.DONE_LOST
    if event == ERROR:
        return Kind.ERROR_SWALLOWED
    if event == PING:
        return Kind.COMMENT_LOST
    return Kind.TEXT_LOST if _text(event) or b"\ndata: " in event else Kind.EVENT_LOST


@RELAXED
@given(base())
def test_an_exchange_and_itself_differ_in_nothing(stream):
    found = compare_exchanges(stream.exchange(), stream.exchange())
    assert found.faithful
    assert found.verdict.origin in (Blame.NOBODY, Blame.A)
    assert all(row.relation is Relation.SAME for row in found.rows)


@RELAXED
@given(st.data(), base())
def test_a_dropped_event_is_named(data, stream):
    at = _pick(data.draw, list(range(len(stream.events))))
    assert _kinds(stream, stream.but(at)) == [_lost_kind(stream.events[at])]


@RELAXED
@given(st.data(), base())
def test_a_duplicated_event_is_named(data, stream):
    at = _pick(data.draw, list(range(len(stream.events))))
    event = stream.events[at]
    wanted = Kind.DONE_REPEATED if event == DONE else Kind.EVENT_REPEATED
    assert _kinds(stream, stream.but(at, event, event)) == [wanted]


@RELAXED
@given(st.data(), base())
def test_events_that_changed_places_are_named(data, stream):
    at = _pick(data.draw, list(range(len(stream.events) - 1)))
    one, other = stream.events[at], stream.events[at + 1]
    assume(one != other)
    swapped = stream.but(at, other).but(at + 1, one)
    assert _kinds(stream, swapped) == [Kind.EVENTS_REORDERED]


@RELAXED
@given(st.data(), base())
def test_merged_and_split_events_are_named(data, stream):
    both = [at for at in range(len(stream.events) - 1) if _text(stream.events[at]) and _text(stream.events[at + 1])]
    at = _pick(data.draw, both)
    payload = _json(stream.events[at])
    payload["choices"][0]["delta"]["content"] += _text(stream.events[at + 1])
    merged = stream.but(at).but(at, streams.frame(payload))
    assert _kinds(stream, merged) == [Kind.EVENTS_MERGED]
    assert _kinds(merged, stream) == [Kind.EVENTS_SPLIT]


@RELAXED
@given(st.data(), base(), st.booleans())
@pytest.mark.parametrize(
    ("member", "kind"),
    [("id", Kind.ID_CHANGED), ("created", Kind.CREATED_CHANGED), ("model", Kind.MODEL_CHANGED)],
)
def test_a_rewritten_member_is_named(member, kind, data, stream, everywhere):
    places = _chunks(stream)
    places = places if everywhere else [_pick(data.draw, places)]
    other = stream
    for at in places:
        payload = _json(stream.events[at])
        other = other.but(at, streams.frame({**payload, member: 7 if member == "created" else "other"}))
    found = _differences(stream, other)
    assert [(one.kind, one.count, one.path) for one in found] == [(kind, len(places), member)]


@RELAXED
@given(st.data(), base())
def test_a_changed_finish_reason_is_named(data, stream):
    at = next(at for at in _chunks(stream) if _json(stream.events[at])["choices"][0]["finish_reason"])
    payload = _json(stream.events[at])
    payload["choices"][0]["finish_reason"] = data.draw(st.sampled_from(["length", "tool_calls", None]))
    assert _kinds(stream, stream.but(at, streams.frame(payload))) == [Kind.FINISH_REASON_CHANGED]


@RELAXED
@given(st.data(), base(), st.booleans())
def test_dropped_and_added_nulls_are_named(data, stream, everywhere):
    member = data.draw(st.sampled_from(["logprobs", "finish_reason"]))
    with_null = [at for at in _chunks(stream) if _json(stream.events[at])["choices"][0][member] is None]
    other = stream
    for at in with_null if everywhere else [_pick(data.draw, with_null)]:
        payload = _json(stream.events[at])
        del payload["choices"][0][member]
        other = other.but(at, streams.frame(payload))
    assert _kinds(stream, other) == [Kind.NULL_DROPPED]
    assert _kinds(other, stream) == [Kind.NULL_ADDED]


@RELAXED
@given(st.data(), base(), st.integers(200_000, 5_000_000))
def test_a_delay_is_named(data, stream, delay):
    at = _pick(data.draw, list(range(len(stream.events))))
    times = [time if number < at else time + delay for number, time in enumerate(stream.times)]
    assert _kinds(stream, replace(stream, times=times)) == [Kind.DELAYED]


@RELAXED
@given(st.data(), base())
def test_a_comment_and_a_done_that_were_invented_are_named(data, stream):
    at = data.draw(st.integers(0, len(stream.events) - 1))
    assume(PING not in stream.events)
    assert _kinds(stream, stream.but(at, PING, stream.events[at])) == [Kind.COMMENT_ADDED]
    if stream.events[-1] != DONE:
        assert _kinds(stream, stream.but(len(stream.events) - 1, stream.events[-1], DONE)) == [Kind.DONE_ADDED]


@RELAXED
@given(st.data(), base())
def test_a_cut_is_named_wherever_it_falls(data, stream):
    kept = data.draw(st.integers(1, len(stream.events) - 1))
    part = data.draw(st.integers(0, len(stream.events[kept]) - 1))
    events = [*stream.events[:kept], *([stream.events[kept][:part]] if part else [])]
    cut = Stream(events, stream.times[: len(events)], Ending.UPSTREAM_CUT)
    assert _kinds(stream, cut) == [Kind.CUT_SHORT]


@RELAXED
@given(base())
def test_a_torn_event_is_named(stream):
    at = next((at for at, event in enumerate(stream.events) if b"\ndata: " in event), None)
    assume(at is not None)
    lines = [line + b"\n\n" for line in stream.events[at].split(b"\n") if line]
    assert _kinds(stream, stream.but(at, *lines)) == [Kind.EVENT_TORN]


@RELAXED
@given(st.data(), base(), st.integers(3, 40))
def test_reads_that_were_merged_or_cut_are_named(data, stream, size):
    groups = [list(range(at, min(at + size, len(stream.events)))) for at in range(0, len(stream.events), size)]
    merged = Stream(
        [b"".join(stream.events[at] for at in group) for group in groups],
        [stream.times[group[-1]] for group in groups],
    )
    assert _kinds(stream, merged) == [Kind.READS_MERGED]
    pieces = [
        (time, event[at : at + 7])
        for time, event in zip(stream.times, stream.events, strict=True)
        for at in range(0, len(event), 7)
    ]
    assume(len(pieces) >= 4 * len(stream.events))
    cut = Stream([piece for _, piece in pieces], [time for time, _ in pieces])
    assert _kinds(stream, cut) == [Kind.READS_SPLIT]


@RELAXED
@given(st.data(), base(), base())
def test_rows_cover_every_event_of_both_once(data, one, other):
    found = compare_exchanges(one.exchange(), other.exchange(), reports=NO_REPORTS)
    assert sorted(at for row in found.rows for at in row.a_events) == list(range(found.a.events))
    assert sorted(at for row in found.rows for at in row.b_events) == list(range(found.b.events))
    assert [row.a_start for row in found.rows] == sorted(row.a_start for row in found.rows)


@RELAXED
@given(st.binary(max_size=400), st.binary(max_size=400))
def test_any_bytes_can_be_compared(one, other):
    found = compare_exchanges(streams.exchange([one] if one else []), streams.exchange([other] if other else []))
    assert found.faithful or one != other


@pytest.mark.sweep
def test_everything_ever_recorded_equals_itself():
    found = [*corpus.directories(), *corpus.recorded()][:: 1 if RANDOM else 5]
    assert found
    different = []
    for directory in found:
        exchange = corpus.load(directory)
        if not compare_exchanges(exchange, exchange, reports=NO_REPORTS).faithful:
            different.append(directory.name)
    assert different == []


def _tokens(count: int) -> list[str]:
    return [f" w{at * 7919 % 3001}" for at in range(count)]


@pytest.mark.parametrize("how", ["same", "merged", "lossy", "other"])
def test_long_streams_are_aligned_whatever_differs(how):
    """The search gives up in time: what it costs, `python -m benchmarks compare` holds to its limit."""
    words = _tokens(4_000)
    others = {
        "same": words,
        "merged": [one + two for one, two in zip(words[::2], words[1::2], strict=True)],
        "lossy": [word for at, word in enumerate(words) if at % 7],
        "other": [f" v{at * 104_729 % 3001}" for at in range(4_000)],
    }[how]
    a = streams.exchange(streams.sse(streams.chat_text(*words)))
    b = streams.exchange(streams.sse(streams.chat_text(*others)))
    found = compare_exchanges(a, b, reports=NO_REPORTS)
    assert len(found.rows) <= found.a.events + found.b.events
