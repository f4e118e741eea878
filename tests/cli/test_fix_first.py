"""Findings stand in the order of whom they hurt, and `check` says in one sentence what to fix first."""

from __future__ import annotations

import json
from io import StringIO

import pytest

from streamlab.clients.table import breaks
from streamlab.judging.analyzer import analyze
from streamlab.judging.ranking import Tally, worst_first
from streamlab.record import changed
from streamlab.report.json import report_json
from streamlab.report.plain_console import PlainConsole
from streamlab.report.text import first_line
from streamlab.rules.finding import Finding, Repairability, Severity
from tests import streams

FINISH_USAGE, FINISH_FORM = "usage-on-content-or-finish-chunk", ("the finish chunk has it",)
UNFINISHED = streams.chat_text()[:-1]


def _report(payloads):
    return analyze(streams.exchange(streams.sse(payloads)))


def test_the_gravest_comes_first_then_what_hurts_most_clients():
    tally = Tally()
    report = _report([{**one, "created": str(one["created"])} for one in UNFINISHED])
    tally.add(report)
    first = tally.first()
    errors = [one for one in report.findings if one.severity == "error"]
    most = max(len({broken.client for broken in breaks(one.rule, one.variants) if broken.measured}) for one in errors)
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


def _findings(*rules, repairability=Repairability.SAFE):
    report = _report(streams.chat_text())
    found = [Finding(rule, Severity.WARNING, "", api="chat.completions", repairability=repairability) for rule in rules]
    return changed(report, findings=found)


def test_who_was_measured_comes_before_any_number_of_those_reported():
    told = {one.client: one.measured for one in breaks("done-missing", (), "chat.completions")}
    assert len(told) > 1, told
    assert not any(told.values())
    [_measured] = {one.client for one in breaks(FINISH_USAGE, FINISH_FORM, "chat.completions") if one.measured}
    late = Finding(FINISH_USAGE, Severity.WARNING, "", api="chat.completions", variants=FINISH_FORM)
    early = Finding("done-missing", Severity.WARNING, "", api="chat.completions")
    assert worst_first([early, late]) == [late, early]
    tally = Tally()
    tally.add(changed(_report(streams.chat_text()), findings=[early, late]))
    first = tally.first()
    assert (first.rule, first.clients, first.reported, first.why) == (FINISH_USAGE, 1, 0, "1 client breaks on it")


def test_who_is_only_reported_is_counted_as_such():
    tally = Tally()
    tally.add(_findings("done-missing"))
    first = tally.first()
    assert first.clients == 0
    assert first.why == f"{first.reported} clients are reported to break on it"
    assert changed(first, clients=2, reported=1).why == "2 clients break on it, 1 more is reported to"


@pytest.mark.parametrize(
    ("repairability", "said"),
    [
        (Repairability.SAFE, "; streamlab normalize mends it."),
        (Repairability.UNSAFE, "; streamlab normalize --unsafe mends it."),
        (Repairability.TOLD, "; streamlab rule done-missing says more."),
        (Repairability.NONE, "; streamlab rule done-missing says more."),
    ],
)
def test_the_sentence_names_what_the_finding_names(repairability, said):
    tally = Tally()
    tally.add(_findings("done-missing", repairability=repairability))
    assert first_line(PlainConsole(StringIO(), 200), tally.first(), 1).plain.endswith(said)
