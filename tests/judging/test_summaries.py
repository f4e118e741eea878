"""What lists keep of an exchange is what a whole check says, told again only of one that is the same."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from streamlab.exchange import Ending, Exchange, Request, ResponseHead, Segment
from streamlab.judging.analyzer import analyze, analyzer_of, report_by
from streamlab.judging.ranking import worst_first
from streamlab.storage import sameness
from streamlab.storage.browsing import Browser
from streamlab.storage.capture_db import INLINE_REQUEST, CaptureDB
from streamlab.storage.exchange_dir import read_exchange_dir
from streamlab.storage.sameness import key_of
from streamlab.workflows import summary
from streamlab.workflows.summarize import Wanted, summarize_all
from tests import corpus, streams

ROOT = Path(__file__).parents[2]
BODY = streams.sse(streams.chat_text(), done=False)


def _spanless(report):
    return replace(report, findings=tuple(replace(one, span=None) for one in report.findings))


def _every_exchange():
    folders = [one.parent for home in ("captures", "fixtures") for one in sorted((ROOT / home).rglob("exchange.json"))]
    for folder in folders:
        yield folder, read_exchange_dir(folder)
    for folder in (*corpus.directories(), *corpus.recorded()[::28]):
        yield folder, corpus.load(folder)


def test_without_bytes_all_else_is_said_as_with_them():
    told = 0
    for folder, exchange in _every_exchange():
        whole, bare = analyze(exchange), report_by(analyzer_of(exchange, spans=False), exchange)
        assert _spanless(bare) == _spanless(whole), folder
        said, _text = summary.summary_and_text(exchange)
        assert said.rules == {one.rule: str(one.severity) for one in worst_first(whole.findings)}, folder
        assert said.dialect == whole.dialect
        told += len(said.rules)
    assert told > 300


BASE = Exchange(
    request=Request("POST", "/v1/chat/completions", (("accept", "*/*"),), b'{"model": "m", "stream": true}'),
    head=ResponseHead(200, (("content-type", "text/event-stream"),), 10),
    segments=(Segment(20, BODY[:50]), Segment(30, BODY[50:])),
    end_us=40,
    started_at="2026-11-01T00:00:00Z",
    label="one",
)


@contextmanager
def stored(folder: Path, *exchanges: Exchange) -> Iterator[Browser]:
    """A capture of these exchanges, their ids from 1 on."""
    with CaptureDB(folder / "some.db", write=True) as database:
        for one in exchanges:
            database.add(one)
    browser = Browser(folder / "some.db")
    try:
        yield browser
    finally:
        browser.close()


@pytest.mark.parametrize(
    "other",
    [
        replace(BASE, request=replace(BASE.request, body=b'{"model": "m"}')),
        replace(BASE, request=replace(BASE.request, url="/v1/completions")),
        replace(BASE, request=replace(BASE.request, headers=())),
        replace(BASE, request=None),
        replace(BASE, head=replace(BASE.head, status=500)),
        replace(BASE, head=replace(BASE.head, offset_us=11)),
        replace(BASE, head=None),
        replace(BASE, segments=(Segment(20, BODY[:51]), Segment(30, BODY[51:]))),
        replace(BASE, segments=(Segment(20, BODY[:50]), Segment(31, BODY[50:]))),
        replace(BASE, segments=(Segment(20, BODY[:50]), Segment(30, BODY[50:-1] + b" "))),
        replace(BASE, http_chunks=(len(BODY),)),
        replace(BASE, ending=Ending.UPSTREAM_CUT),
        replace(BASE, end_us=41),
        replace(BASE, notes={"framing": "unknown"}),
    ],
)
def test_whatever_is_judged_makes_it_another_exchange(other, tmp_path, monkeypatch):
    known, asked = summary._Remembered(), []
    monkeypatch.setattr(summary, "summary_and_text", lambda one: (asked.append(one), "text"))
    with stored(tmp_path, BASE, other) as browser:
        known.of(browser, 1)
        known.of(browser, 2)
        assert asked == [browser.exchange(1), browser.exchange(2)]


def test_the_same_exchange_at_another_time_is_judged_once(tmp_path, monkeypatch):
    known, judged = summary._Remembered(), []
    really = summary.summary_and_text
    monkeypatch.setattr(summary, "summary_and_text", lambda one: (judged.append(one), really(one))[1])
    again = replace(BASE, started_at="2026-11-02T00:00:00Z", label="two", tap="b")
    with stored(tmp_path, BASE, again) as browser:
        first = known.of(browser, 1)
        assert known.of(browser, 2) == first
    assert len(judged) == 1
    assert "done-missing" in first[0].rules


def test_a_long_request_tells_exchanges_apart(tmp_path):
    long = b" " * (INLINE_REQUEST + 1)
    first, other = (replace(BASE, request=replace(BASE.request, body=long[:-1] + end)) for end in (b" ", b"x"))
    with stored(tmp_path, BASE, first, other) as browser:
        assert key_of(browser.db, 1) is not None
        assert key_of(browser.db, 2) is key_of(browser.db, 3) is None  # too large to be remembered


def test_an_exchange_that_goes_on_or_is_not_there_is_like_no_other(tmp_path):
    with stored(tmp_path, BASE) as browser:
        assert key_of(browser.db, 2) is None
    with CaptureDB(tmp_path / "some.db", write=True) as database:
        with database.writing():
            database.connection.execute("UPDATE exchanges SET ending = NULL")
        assert key_of(database, 1) is None


def test_rows_that_hold_what_is_no_body_are_compared_too(tmp_path):
    with CaptureDB(tmp_path / "some.db", write=True) as database:
        for _ in range(2):
            database.add(BASE)
        with database.writing():
            database.connection.execute("UPDATE segments SET data = 7 WHERE exchange_id = 2")
        assert key_of(database, 1) != key_of(database, 2)
    assert [number for number, *_ in summary.summaries(tmp_path / "some.db", [1, 2])] == [1]


def test_exchanges_that_are_the_same_follow_one_another(tmp_path):
    path = tmp_path / "many.db"
    others = [replace(BASE, end_us=40 + number) for number in range(60)]
    with CaptureDB(path, write=True) as database:
        for exchange in (*others, *others[::-1]):
            database.add(exchange)
    browser = Browser(path)
    try:
        together = browser.alike_together(range(1, 121))
    finally:
        browser.close()
    assert sorted(together) == list(range(1, 121))
    assert [one + two for one, two in zip(together[::2], together[1::2], strict=True)] == [121] * 60
    assert not summarize_all(path, Wanted(), lambda: None)
    browser = Browser(path)
    try:
        assert all("done-missing" in rules for _, _, _, rules, *_ in browser.judged())
    finally:
        browser.close()


def test_what_is_remembered_is_bounded(tmp_path, monkeypatch):
    known = summary._Remembered()
    monkeypatch.setattr(summary, "_MOST", 3)
    with stored(tmp_path, *(replace(BASE, end_us=end_us) for end_us in range(40, 50))) as browser:
        for number in range(1, 11):
            known.of(browser, number)
        assert len(known._said) == 3
        monkeypatch.setattr(sameness, "_MOST", len(BODY) // 2)
        assert key_of(browser.db, 1) is None  # longer than is looked at
