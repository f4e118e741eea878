"""``check --select/--ignore/--client``: the findings of the whole list that were asked for, whatever else was asked."""

from __future__ import annotations

import json
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamlab.apis.registry import by_name, choose
from streamlab.clients.table import client_names, hurts
from streamlab.exchange import Exchange, Segment
from streamlab.judging.analyzer import analyze
from streamlab.storage.capture_db import CaptureDB
from streamlab.storage.exchange_dir import read_exchange_dir, write_exchange_dir
from streamlab.workflows.check import CheckOptions, check_one, find
from tests import streams
from tests.examples import examples
from tests.mutations import KINDS, mutated

ROOT = Path(__file__).parents[2]
_STREAMS = sorted(one.parent for one in (ROOT / "fixtures" / "rules").rglob("bad/exchange.json"))
_NAMES = sorted(by_name())
_GLOBS = [f"{word}-*" for word in ("sse", "chunk", "tool-call", "usage", "messages", "responses")]
_PATTERNS = st.lists(st.sampled_from(_GLOBS) | st.sampled_from(_NAMES), max_size=40).map(tuple)
#: By whom a fact is told alone: those beside which others are left out.
_TELLERS = {name: rule.instead_of for name, rule in by_name().items() if rule.instead_of}
_MUTATION = st.tuples(st.integers(0, len(KINDS) - 1), st.integers(0, 999), st.integers(0, 99_999))


@cache
def _read(folder: Path) -> Exchange:
    return read_exchange_dir(folder)


@st.composite
def _exchanges(draw: st.DrawFn) -> Exchange:
    """A broken stream, as it lies in the fixtures or broken once more."""
    given = _read(draw(st.sampled_from(_STREAMS)))
    once_more = draw(st.none() | _MUTATION)
    if once_more is None:
        return given
    body = mutated(given.body, [once_more])
    return replace(given, segments=(Segment(None, body),), http_chunks=None, end_us=None)


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


@settings(max_examples=examples(150), deadline=None)
@given(_exchanges(), _PATTERNS, _PATTERNS, st.none() | st.sampled_from(client_names()), st.data())
def test_what_is_asked_for_is_what_is_left_of_the_whole_list(tmp_path_factory, one, select, ignore, client, data):
    folder = _written(tmp_path_factory, one)
    [target] = find(str(folder))
    whole = check_one(target, CheckOptions())
    spoke = [found.rule for found in whole.report.findings]
    if spoke:  # what nobody said is soon left out
        ignore += tuple(data.draw(st.lists(st.sampled_from(spoke), max_size=3)))
        select += tuple(data.draw(st.lists(st.sampled_from(spoke), max_size=3))) if select else ()

    def wanted(found):
        chosen = (not select or _matches(found.rule, select)) and not _matches(found.rule, ignore)
        hurting = client is None or hurts(found.rule, client, found.variants, found.api, found.strict)
        return chosen and hurting

    asked = check_one(target, CheckOptions(select=select, ignore=ignore, client=client))
    assert asked.report.findings == tuple(filter(wanted, whole.report.findings))
    assert asked.recovered == tuple(filter(wanted, whole.recovered))
    assert asked.report.left_out == len(whole.report.findings) - len(asked.report.findings)


def _written(tmp_path_factory, one: Exchange) -> Path:
    folder = tmp_path_factory.mktemp("asked") / "one"
    write_exchange_dir(one, folder)
    return folder


@settings(max_examples=examples(150), deadline=None)
@given(_exchanges(), _PATTERNS)
def test_a_rule_says_the_same_whoever_else_is_asked(one, chosen):
    """Rules are found by their cards and made when they are first to be asked: none leans on another's having been."""
    rules = choose(chosen)
    names = {rule.name for rule in rules}
    told_by_others = {name for teller, instead in _TELLERS.items() if teller not in names for name in instead}
    whole, alone = analyze(one), analyze(one, rules=rules)
    asked = names - told_by_others
    assert [found for found in alone.findings if found.rule in asked] == [
        found for found in whole.findings if found.rule in asked
    ]
    assert (alone.api, alone.judged, alone.why, alone.dialect) == (whole.api, whole.judged, whole.why, whole.dialect)


def test_what_another_rule_tells_does_not_come_up_when_that_is_left_out(run):
    folder = ROOT / "fixtures/rules/sse/sse_id_plus_extra_blank_line/bad"
    ran = run("check", folder, "--json", "--ignore", "sse-id-plus-extra-blank-line")
    said = {one["rule"] for one in json.loads(ran.out)["exchanges"][0]["findings"]}
    assert said == {"sse-comment-keepalive"}


@pytest.mark.parametrize("words", [("--select", "usage-order"), ("--ignore", "*-*"), ("--client", "codex")])
def test_a_tick_stands_only_where_nothing_was_left_out(run, folder, words):
    broken = run("check", folder / "bad", *words)
    assert (broken.code, "✓" in broken.out) == (0, False)
    assert "nothing that was asked for; findings left out: 3" in broken.out
    assert "✓ as OpenAI sends it" in run("check", folder / "good", *words).out


def test_what_is_kept_of_a_capture_is_narrowed_as_well(run, tmp_path):
    """Of more exchanges than one process checks, whose findings are read where they were kept."""
    torn = streams.sse([{**one, "object": "odd"} if type(one) is dict else one for one in streams.chat_text()])
    with CaptureDB(tmp_path / "many.db", write=True) as database:
        for _ in range(66):
            database.add(streams.exchange(torn.replace(b"data: {", b"Data: {")))

    def told(*words):
        exchanges = json.loads(run("check", "many.db", "--json", *words).out)["exchanges"]
        return [[[one["rule"] for one in each[part]] for part in ("findings", "after_repair")] for each in exchanges]

    [first, *_] = whole = told()
    assert "object-wrong" in first[1]
    assert whole == [first] * 66
    assert told("--select", "object-wrong") == [[[], ["object-wrong"]]] * 66
    assert told("--ignore", "object-*") == [[first[0], [one for one in first[1] if one != "object-wrong"]]] * 66
