"""Events by number out of a database: the same as decoding everything, with reads and chunks where they were."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streamlab.exchange import Ending, Exchange, ResponseHead, Segment
from streamlab.judging.event_index import EventIndex
from streamlab.storage.browsing import Browser
from streamlab.storage.capture_db import CaptureDB
from streamlab.tui import stages
from streamlab.tui.analysis_session import AnalysisSession
from streamlab.tui.events import Events, body_of
from streamlab.tui.playing import Player
from streamlab.tui.protocol import Analyzed, Indexed
from streamlab.wire.accumulate import Accumulator
from streamlab.wire.events import Chunk
from streamlab.wire.stream import StreamDecoder
from tests import streams
from tests.examples import examples

cuts = st.lists(st.integers(1, 400), min_size=1, max_size=30)


def _stored(folder, body, sizes, chunks=None):
    segments, at, number = [], 0, 0
    while at < len(body):
        size = sizes[number % len(sizes)]
        segments.append(Segment(1_000 * (number + 1), body[at : at + size]))
        at, number = at + size, number + 1
    exchange = Exchange(
        request=streams.request_for(),
        head=ResponseHead(200, streams.HEADERS, 500),
        segments=tuple(segments),
        http_chunks=chunks,
        ending=Ending.COMPLETE,
        end_us=1_000 * number + 7,
    )
    path = folder / "some.db"
    with CaptureDB(path, write=True) as database:
        database.add(exchange)
    return Browser(path)


@settings(max_examples=examples(25), deadline=None, suppress_health_check=list(HealthCheck))
@given(sizes=cuts, count=st.integers(0, 200), crlf=st.booleans())
def test_every_event_can_be_looked_at_by_its_number(tmp_path_factory, sizes, count, crlf):
    body = streams.sse(streams.chat_text(*[f"w{at} " for at in range(count)]), done=False) + b"data: cut"
    body = body.replace(b"\n", b"\r\n") if crlf else body
    browser = _stored(tmp_path_factory.mktemp("events"), body, sizes)
    try:
        exchange = browser.exchange(1)
        events = Events(body_of(browser, exchange), exchange.end_us)
        events.start(len(exchange.segments))
        events.index.finish(exchange.end_us)
        decoder = StreamDecoder()
        arrivals = [(one, segment.offset_us) for segment in exchange.segments for one in decoder.feed(segment.data)]
        arrivals += [(one, exchange.end_us) for one in decoder.finish()]
        assert len(events) == len(arrivals)
        for number in [*range(len(arrivals) - 1, -1, -7), *range(len(arrivals))]:
            place, (event, offset) = events.place(number), arrivals[number]
            assert (place.event, place.sse, place.offset_us) == (number, event.sse, offset)
            if number:
                assert place.gap_us == max(0, offset - arrivals[number - 1][1])
            assert b"".join(place.sse.raw[a:b] for a, b in _spans(place)) == place.sse.raw
        assert events.place(len(arrivals)) is None
        assert events.place(-1) is None
        for offset in range(0, len(body), 331):
            found = events.place(events.find(offset)).sse
            assert found.start <= offset < found.start + len(found.raw)
    finally:
        browser.close()


def _spans(place):
    edges = [0, *place.cuts, len(place.sse.raw)]
    assert edges == sorted(set(edges))
    return list(pairwise(edges))


def test_reads_and_chunks_are_told_apart(tmp_path):
    body = b"data: a\n\ndata: bbbbbbbb\n\ndata: c\n\n"
    browser = _stored(tmp_path, body, [14, 100], chunks=(9, 16, 9))
    try:
        exchange = browser.exchange(1)
        events = Events(body_of(browser, exchange), exchange.end_us)
        events.start(100)
        first, second, third = (events.place(number) for number in range(3))
        assert (first.opens_read, first.cuts, first.opens_chunk, first.chunk_cuts) == (True, (), True, ())
        assert (second.opens_read, second.cuts, second.opens_chunk, second.chunk_cuts) == (False, (5,), True, ())
        assert (third.opens_read, third.cuts, third.opens_chunk) == (False, (), True)
    finally:
        browser.close()


def _examined(browser):
    session = AnalysisSession(browser, 1, 1)
    said = [one for one in session.work() if one]
    return session, said


def test_what_a_client_holds_at_any_event_is_the_fold_up_to_it(tmp_path):
    count = 6_000  # several marks
    body = streams.sse(streams.chat_text(*[f"{at} " for at in range(count)]))
    browser = _stored(tmp_path, body, [5_000])
    try:
        session, said = _examined(browser)
        assert [one for one in said if isinstance(one, Analyzed)][-1].whole
        assert [one for one in said if isinstance(one, Indexed)][-1].whole
        decoder, fold, wanted = StreamDecoder(), Accumulator(), {}
        for number, event in enumerate((*decoder.feed(body), *decoder.finish())):
            if isinstance(event, Chunk):
                fold.feed(event.json)
            if number in (0, 1, 2047, 2048, 2049, 4096, 5999, count + 2):
                wanted[number] = fold.completion()
        for number in reversed(list(wanted)):
            state = session.state(number)
            assert state.completion["content"] == wanted[number]["content"][-4_000:], number
            assert state.lengths["content"] == len(wanted[number]["content"])
            assert {**state.completion, "content": ""} == {**wanted[number], "content": ""}
        session.close()
    finally:
        browser.close()


def test_questions_before_the_work_is_done_are_put_off(tmp_path, monkeypatch):
    monkeypatch.setattr(stages, "_MOST_NEWS", 0)  # one stage after the other
    browser = _stored(tmp_path, streams.sse(streams.chat_text()), [50])
    try:
        session = AnalysisSession(browser, 1, 1)
        assert session.diff(0).waiting
        work = session.work()
        while not isinstance(next(work), Indexed):
            pass
        assert session.state(2).waiting
        list(work)
        assert not session.state(2).waiting
        assert not session.diff(2).waiting
        session.close()
    finally:
        browser.close()


def _said(browser, most_news, monkeypatch):
    """Where what was said was whole, and what the stages came to."""
    monkeypatch.setattr(stages, "_MOST_NEWS", most_news)
    session, said = _examined(browser)
    (report,) = [one.report for one in said if isinstance(one, Analyzed) and one.whole]
    parts = [one.part for one in said if isinstance(one, Indexed)]
    index = EventIndex()
    for part in parts:
        index.extend(part)
    read_anew = (0, 199, 201, 202, 501, index.events)  # to tell the state is to read up to there
    done = session._indexing.done, session._judging.done, session._comparing.done
    diffs = [session.diff(one) for one in range(index.events + 1)]
    came = report, repr(index.part()), diffs, [session.state(one) for one in read_anew]
    session.close()
    return done, came


def test_stages_that_share_the_segments_come_to_what_they_come_to_one_after_the_other(tmp_path, monkeypatch):
    texts = [f"{at} " for at in range(900)]
    body = streams.sse(streams.chat_text(*texts)).replace(b'"500 "', b'"500 ",,').replace(b'"200 "', b'["200 "]')
    browser = _stored(tmp_path, body, [230])
    try:
        monkeypatch.setattr(stages, "_AT_ONCE", 16)
        together, separately = (_said(browser, most, monkeypatch) for most in (10_000, 0))
        assert together == separately
        for most in (1, 3):  # a stage that falls behind goes on from where it was
            assert _said(browser, most, monkeypatch) == separately
    finally:
        browser.close()


def test_segments_that_are_no_news_are_read_once(tmp_path, monkeypatch):
    browser = _stored(tmp_path, streams.sse(streams.chat_text(*[f"{at} " for at in range(900)])), [230])
    asked = []
    between = browser.db.stored_between
    monkeypatch.setattr(
        browser.db, "stored_between", lambda *given, **more: asked.append(given[1]) or between(*given, **more)
    )
    try:
        _examined(browser)[0].close()
        assert len([at for at in asked if at >= 256]) == len({at for at in asked if at >= 256}) > 1
    finally:
        browser.close()


def _player(folder, speed=1.0):
    browser = _stored(folder, streams.sse(streams.chat_text(*"abcdefgh")), [10_000])
    exchange = browser.exchange(1)
    events = Events(body_of(browser, exchange), exchange.end_us)
    events.start(100)
    events.whole = True
    return browser, Player(events, speed=speed)


def test_playing_untimed_streams_and_stopping_at_the_end(tmp_path):
    browser, player = _player(tmp_path)
    try:
        player.start(0)
        seen = [player.advance(10.0, ())]
        assert seen[-1] == len(player.events) - 1
        assert not player.running
        assert player.stopped == "the end"
        player.start(player.event)
        assert player.event == 0
    finally:
        browser.close()


def test_playing_keeps_time_and_stops_where_asked(tmp_path):
    payloads = streams.chat_text(*"abcdefgh")
    exchange = streams.exchange(streams.sse(payloads))  # 30 ms from event to event
    path = tmp_path / "timed.db"
    with CaptureDB(path, write=True) as database:
        database.add(exchange)
    browser = Browser(path)
    try:
        stored = browser.exchange(1)
        events = Events(body_of(browser, stored), stored.end_us)
        events.start(100)
        events.whole = True
        player = Player(events)
        player.start(0)
        assert player.advance(0.029, ()) == 0
        assert player.advance(0.002, ()) == 1
        assert player.advance(0.060, ()) == 3
        player.speed = 10.0
        assert player.advance(0.006, {5}) == 5
        assert player.stopped == "a finding"
        player.breaks.findings, player.breaks.event = False, 7
        player.start(5)
        assert player.advance(1.0, {6}) == 7
        assert player.stopped == "event 7"
        player.breaks.event, player.breaks.gap_us = None, 30_000
        player.start(7)
        assert player.advance(1.0, ()) == 8
        assert player.stopped == "a gap"
    finally:
        browser.close()
