"""The grammar of faults, and what each makes of an exchange."""

from __future__ import annotations

import gzip
import zlib

import pytest

from streamlab.errors import UsageError
from streamlab.exchange import Ending
from streamlab.judging.analyzer import analyze
from streamlab.playback.faults import Action, Change, Faults, Gzip, StatusFault, parse_faults
from streamlab.playback.faulty import faulty
from tests import streams

RECORDED = streams.exchange(streams.sse(streams.chat_text("One", " two", " three")))
EVENTS = [segment.data for segment in RECORDED.segments]


def _played(*texts: str, speed: float = 1.0, request: int = 0):
    return faulty(RECORDED, parse_faults(texts), speed=speed, request=request)


def _pieces(exchange) -> list[bytes]:
    return [segment.data for segment in exchange.segments]


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("429", Faults(status=StatusFault(429))),
        ("429 retry-after=7", Faults(status=StatusFault(429, 7))),
        ("503 for 2 requests", Faults(status=StatusFault(503, None, 2))),
        ("503 retry-after=1 for 1 request", Faults(status=StatusFault(503, 1, 1))),
        ("at 7e: stall 30s", Faults(changes=(Change(Action.STALL, 7, False, 30_000_000),))),
        ("at 7e: stall", Faults(changes=(Change(Action.STALL, 7),))),
        ("at 500: cut", Faults(changes=(Change(Action.CUT, 500, True),))),
        ("AT 500b : reset", Faults(changes=(Change(Action.RESET, 500, True),))),
        ("at 0e: split 3", Faults(changes=(Change(Action.SPLIT, 0, False, 3),))),
        ("at 0e:merge 4", Faults(changes=(Change(Action.MERGE, 0, False, 4),))),
        ("latency 2s±0.3", Faults(latency_us=2_000_000, jitter_us=300_000)),
        ("latency 250ms +- 50ms", Faults(latency_us=250_000, jitter_us=50_000)),
        ("rate 20 tok/s", Faults(gap_us=50_000)),
        ("keepalive comment every 15s", Faults(keepalive_us=15_000_000)),
        ("gzip", Faults(gzip=Gzip.CLOSED)),
        ("gzip members", Faults(gzip=Gzip.MEMBERS)),
        ("gzip unfinished", Faults(gzip=Gzip.UNFINISHED)),
        ("close-delimited", Faults(close_delimited=True)),
        ("seed 7", Faults(seed=7)),
    ],
)
def test_what_is_written_is_what_happens(text, faults):
    assert parse_faults([text]) == faults


def test_faults_are_put_together():
    together = parse_faults(["at 1e: drop", "gzip", "at 3e: cut"])
    assert together == Faults(changes=(Change(Action.DROP, 1), Change(Action.CUT, 3)), gzip=Gzip.CLOSED)


@pytest.mark.parametrize(
    ("text", "column", "expected"),
    [
        ("", 1, "a fault"),
        ("drop", 1, "a status"),
        ("200", 1, "400 to 599"),
        ("429 retry-after 7", 17, "'='"),
        ("503 for two", 9, "a number of requests"),
        ("at seven: cut", 4, "an event"),
        ("at 7e cut", 7, "':'"),
        ("at 7e: explode", 8, "cut, reset"),
        ("at 7: drop", 7, "happens to an event"),
        ("at 7e: split 1", 14, "at least 2"),
        ("at 7e: cut now", 12, "nothing more"),
        ("latency soon", 9, "a time"),
        ("latency 2s±", 12, "a time"),
        ("rate 0 tok/s", 6, "a number of tokens"),
        ("rate 20 words", 9, "tok/s"),
        ("keepalive comment every 0s", 24, "at least"),
        ("keepalive every 15s", 11, "comment"),
        ("seed 1.5", 6, "a whole number"),
        ("at 99999999999e: cut", 4, "an event"),
        ("\x1b[2J", 1, "a fault"),
    ],
)
def test_what_cannot_be_read_is_said_with_its_column(text, column, expected):
    with pytest.raises(UsageError, match=f"column {column}: expected .*{expected}") as caught:
        parse_faults([text])
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("at 2e: drop", [*EVENTS[:2], *EVENTS[3:]]),
        ("at 2e: duplicate", [*EVENTS[:3], *EVENTS[2:]]),
        ("at 2e: swap", [*EVENTS[:2], EVENTS[3], EVENTS[2], *EVENTS[4:]]),
        ("at 2e: merge 2", [*EVENTS[:2], EVENTS[2] + EVENTS[3], *EVENTS[4:]]),
        ("at 2e: cut", EVENTS[:2]),
        ("at 2e: reset", EVENTS[:2]),
        ("at 2e: stall", EVENTS[:2]),
        (f"at {len(EVENTS[0]) + 5}: cut", [EVENTS[0], EVENTS[1][:5]]),
        ("at 99e: drop", EVENTS),
    ],
)
def test_each_action_changes_its_event_and_no_other(text, pieces):
    assert _pieces(_played(text)) == pieces


def test_how_an_answer_breaks_off_is_in_its_ending():
    assert _played("at 2e: cut").ending is Ending.UPSTREAM_CUT
    reset = _played("at 2e: reset")
    assert (reset.ending, reset.notes) == (Ending.UPSTREAM_CUT, {"ending_reason": "rst"})
    assert _played("at 2e: stall").ending is Ending.TIMED_OUT
    assert _played("at 5e: cut", "at 2e: cut", "at 3e: reset").segments == _played("at 2e: cut").segments


def test_a_split_event_comes_in_reads_of_its_own():
    pieces = _pieces(_played("at 1e: split 3"))
    assert len(pieces) == len(EVENTS) + 2
    assert b"".join(pieces[1:4]) == EVENTS[1]


def test_corruption_flips_one_bit():
    whole = b"".join(_pieces(_played("at 1e: corrupt")))
    assert len(whole) == len(RECORDED.body)
    assert sum(one != other for one, other in zip(whole, RECORDED.body, strict=True)) == 1
    assert _pieces(_played(f"at {len(EVENTS[0])}: corrupt"))[1][:1] == bytes([EVENTS[1][0] ^ 1])


def test_a_stall_delays_all_that_follows_and_nothing_before():
    played = _played("at 2e: stall 10s", speed=0)
    assert [segment.offset_us for segment in played.segments] == [0, 0, *[10_000_000] * (len(EVENTS) - 2)]
    inside = _played(f"at {len(EVENTS[0]) + 5}: stall 10s", speed=0)
    assert [segment.offset_us for segment in inside.segments][:3] == [0, 0, 10_000_000]
    assert _pieces(inside)[1] == EVENTS[1][:5]


def test_recorded_times_go_as_fast_as_the_replay_and_those_of_faults_as_they_are():
    plain, fast = _played("gzip").segments, _played("gzip", speed=2).segments
    assert [one.offset_us for one in fast] == [(one.offset_us or 0) // 2 for one in plain]
    assert [one.offset_us for one in _played("rate 100 tok/s", speed=0).segments][:3] == [0, 10_000, 20_000]


def test_latency_is_the_same_for_the_same_request_and_seed():
    def first(*texts, request=0):
        return _played(*texts, speed=0, request=request).head.offset_us

    assert first("latency 2s") == 2_000_000
    drawn = [first("latency 2s±0.3", request=number) for number in range(50)]
    assert drawn == [first("latency 2s±0.3", request=number) for number in range(50)]
    assert len(set(drawn)) > 40
    assert all(1_700_000 <= one <= 2_300_000 for one in drawn)
    assert first("latency 2s±0.3", "seed 1") != drawn[0]


def test_keep_alives_stand_in_silence_and_never_inside_an_event():
    played = _played("at 2e: stall 10s", "keepalive comment every 4s", speed=0)
    assert [(one.offset_us, one.data) for one in played.segments if one.data.startswith(b":")] == [
        (4_000_000, b": keep-alive\n\n"),
        (8_000_000, b": keep-alive\n\n"),
    ]
    inside = _played(f"at {len(EVENTS[0]) + 5}: stall 10s", "keepalive comment every 4s", speed=0)
    assert b"".join(_pieces(inside)) == RECORDED.body


def test_gzip_of_a_member_an_event():
    played = _played("gzip members")
    assert gzip.decompress(played.body) == RECORDED.body
    assert all(one.data.startswith(b"\x1f\x8b") for one in played.segments)
    assert "gzip-several-members" in {one.rule for one in analyze(played).findings}


def test_gzip_that_is_never_closed():
    played = _played("gzip unfinished")
    assert zlib.decompressobj(wbits=31).decompress(played.body) == RECORDED.body
    assert "content-coding-unfinished" in {one.rule for one in analyze(played).findings}


def test_gzip_is_flushed_at_every_event():
    played = _played("gzip")
    assert played.head.header("content-encoding") == "gzip"
    assert gzip.decompress(played.body) == RECORDED.body
    assert len(played.segments) == len(EVENTS) + 1


def test_a_status_is_for_the_first_requests_only():
    first, second = (_played("503 retry-after=1 for 1 request", request=number) for number in range(2))
    assert (first.head.status, first.head.header("retry-after")) == (503, "1")
    assert b'"error"' in first.body
    assert second.body == RECORDED.body
