"""What lists keep of an exchange is what a whole check says, told again only of one that is the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from streamlab.exchange import Ending, Exchange, Request, ResponseHead, Segment
from streamlab.judging.analyzer import analyze, analyzer_of, report_by
from streamlab.judging.ranking import worst_first
from streamlab.storage.browsing import Browser
from streamlab.storage.capture_db import CaptureDB
from streamlab.storage.exchange_dir import read_exchange_dir
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
    for folder in (*corpus.directories(), *corpus.recorded()[::7]):
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
def test_whatever_is_judged_makes_it_another_exchange(other, monkeypatch):
    known, asked = summary._Remembered(), []
    monkeypatch.setattr(summary, "summary_and_text", lambda one: (asked.append(one), "text"))
    known.of(BASE)
    known.of(other)
    assert len(asked) == 2


def test_the_same_exchange_at_another_time_is_judged_once(monkeypatch):
    known, judged = summary._Remembered(), []
    really = summary.summary_and_text
    monkeypatch.setattr(summary, "summary_and_text", lambda one: (judged.append(one), really(one))[1])
    first = known.of(BASE)
    assert known.of(replace(BASE, id=7, started_at="2026-11-02T00:00:00Z", label="two", tap="b")) == first
    assert len(judged) == 1
    assert "done-missing" in first[0].rules


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


def test_what_is_remembered_is_bounded(monkeypatch):
    known = summary._Remembered()
    monkeypatch.setattr(summary, "_MOST", 3)
    monkeypatch.setattr(summary, "_HELD", len(BODY))
    for end_us in range(40, 50):
        known.of(replace(BASE, end_us=end_us))
    assert len(known._said) == 3
    known.of(replace(BASE, segments=(*BASE.segments, Segment(35, b"x"))))  # longer than is held
    assert len(known._said) == 3
