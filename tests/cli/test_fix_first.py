"""Findings stand in the order of whom they hurt, and `check` says in one sentence what to fix first."""

from __future__ import annotations

import json

from streamlab.clients.table import breaks
from streamlab.judging.analyzer import analyze
from streamlab.judging.ranking import Tally, worst_first
from streamlab.report.json import report_json
from tests import streams

UNFINISHED = streams.chat_text()[:-1]


def _report(payloads):
    return analyze(streams.exchange(streams.sse(payloads)))


def test_the_gravest_comes_first_then_what_hurts_most_clients():
    tally = Tally()
    report = _report([{**one, "created": str(one["created"])} for one in UNFINISHED])
    tally.add(report)
    first = tally.first()
    errors = [one for one in report.findings if one.severity == "error"]
    most = max(len({broken.client for broken in breaks(one.rule, one.variants)}) for one in errors)
    assert len(errors) > 1
    assert (first.severity, first.clients) == ("error", most)
    assert first.rule == worst_first(report.findings)[0].rule
    assert report_json("x", None, report)["findings"][0]["rule"] == first.rule


def test_exchanges_are_counted_once_each():
    tally = Tally()
    for report in map(_report, (UNFINISHED, UNFINISHED, streams.chat_text())):
        tally.add(report)
    assert (tally.first().rule, tally.first().exchanges) == ("finish-reason-missing", 2)


def test_nothing_to_fix_is_no_sentence():
    tally = Tally()
    tally.add(_report(streams.chat_text()))
    assert tally.first() is None


def test_check_ends_with_the_sentence(run, tmp_path):
    body = tmp_path / "a.sse"
    body.write_bytes(streams.sse(UNFINISHED))
    last = " ".join(run("check", body).out.split("Fix first: ")[1].split())
    assert last.startswith("finish-reason-missing (error): ")
    assert last.endswith(".")
    assert json.loads(run("check", body, "--json").out)["fix_first"]["rule"] == "finish-reason-missing"
