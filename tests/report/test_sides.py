"""What the vendor sends and what came, for people: only what a rule says, and never the same on both sides."""

from __future__ import annotations

import io

import pytest

from streamlab.apis.registry import all_rules
from streamlab.comparing.event_diff import explained_diffs
from streamlab.judging.analyzer import analyze
from streamlab.report.card.card import card_of
from streamlab.report.diff_text import _VALUE, _field
from streamlab.report.harmless_console import HarmlessConsole
from streamlab.report.promises import promise_of
from streamlab.report.text import print_finding, value
from streamlab.rules.finding import Finding, Severity
from tests import corpus, rule_fixtures
from tests.streams import chat_text, chunk, exchange, sse


def _shown(finding: Finding) -> str:
    console = HarmlessConsole(file=io.StringIO(), width=200)
    print_finding(console, finding)
    return console.file.getvalue()


@pytest.mark.parametrize(
    ("expected", "actual", "line"),
    [
        ("finish, usage", None, "OpenAI: finish, usage\n"),
        (None, "stop", "here: stop\n"),
        ("(absent)", [], "OpenAI: (absent)  here: []\n"),
        (0, "0", 'OpenAI: 0  here: "0"\n'),
        (0, False, "OpenAI: 0  here: false\n"),
        (None, None, ""),
        ("a" * 300 + "b", "a" * 300 + "c", ""),
    ],
)
def test_a_side_is_shown_where_the_rule_says_it(expected, actual, line):
    shown = _shown(Finding("usage-order", Severity.ERROR, "so it is", 1, path="a", expected=expected, actual=actual))
    assert "".join(f"{one.strip()}\n" for one in shown.splitlines() if "OpenAI:" in one or "here:" in one) == line


def test_no_finding_of_fixtures_and_corpus_shows_the_same_on_both_sides():
    homes = [rule_fixtures.folder(rule.name) / "bad" for rule in all_rules()]
    homes += [*corpus.directories("protocols"), *corpus.directories("reports")]
    findings = [one for home in homes for one in analyze(corpus.load(home)).findings]
    assert len(findings) > 500
    sides = [(one.rule, value(one.expected), value(one.actual)) for one in findings if one.expected is not None]
    assert {rule for rule, expected, actual in sides if expected == actual} <= {"messages-block-index-type"}  # 0, "0"


def test_a_difference_that_a_finding_tells_of_has_no_null_where_it_says_nothing():
    homes = [rule_fixtures.folder(rule.name) / "bad" for rule in all_rules()]
    silent = 0
    for home in homes:
        found = corpus.load(home)
        report = analyze(found)
        told = [one for diff in explained_diffs(found, report.findings) for one in diff.broken]
        for one in told:
            line = _field(one, "path  ").plain
            assert ("null" in line) == any(
                "null" in value(side, _VALUE) for side in (one.here, one.there) if side is not None
            )
        silent += sum(one.here is None or one.there is None for one in told)
        shown = [field for event in card_of(found).events for field in event.fields]
        sides = {(one.path, one.has_here, one.has_there) for one in told}
        assert all((path, here != "", there != "") in sides for how, path, here, there in shown if how == "broken")
    assert silent > 40


def test_what_openai_leaves_out_is_called_absent():
    lists = [chunk({"role": "assistant", "content": "", "tool_calls": []}), *chat_text()[1:]]
    [found] = [one for one in analyze(exchange(sse(lists))).findings if one.rule == "empty-tool-calls-array"]
    assert (found.expected, found.actual) == ("(absent)", [])


@pytest.mark.parametrize(
    ("reasons", "said"),
    [
        (("stop", "stop", "stop"), "again 'stop'"),
        (("tool_calls", "stop"), "'stop' after 'tool_calls'"),
        (("tool_calls", "tool_calls", "stop"), "again 'tool_calls', later 'stop'"),
        (("stop", "length", "length", "stop"), "'length' after 'stop', later 'stop'"),
    ],
)
def test_reasons_that_differ_are_all_said(reasons, said):
    body = sse([*chat_text()[:-1], *(chunk({}, reason) for reason in reasons)])
    [found] = [one for one in analyze(exchange(body)).findings if one.rule == "finish-reason-repeated"]
    assert (found.message, found.count) == (f"choice 0 finishes more than once: {said}", len(reasons) - 1)


def test_legacy_completions_are_held_to_what_is_written_of_them():
    written = "OpenAI OpenAPI document, CreateCompletionRequest, CreateCompletionResponse"
    for rule in ("created-wrong-type", "done-missing", "usage-order"):
        assert promise_of(rule, "chat.completions") not in (None, written)
        assert promise_of(rule, "completions") == written


def test_a_done_marker_of_messages_says_what_came():
    marked = rule_fixtures.folder("messages-done-marker") / "bad"
    [found] = [one for one in analyze(corpus.load(marked)).findings if one.rule == "messages-done-marker"]
    assert (found.expected, found.actual) == ("nothing", "[DONE]")
