"""What the docs say of the corpus: everything comes out without an error but what is listed, with its reason."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from streamlab.judging.analyzer import analyze
from streamlab.repairing.normalizer import errors_left, normalize
from streamlab.rules.finding import Repairability
from tests import corpus
from tests.batches import batched
from tests.examples import RANDOM

PAGE = (Path(__file__).parents[2] / "docs" / "normalizer.md").read_text(encoding="utf-8")
_TABLE = PAGE.partition("<!-- table -->")[2].partition("<!-- end of table -->")[0]
#: exchange -> the rule that stays, as the page has it
LISTED = {
    name: row.split("|")[2].strip()
    for row in _TABLE.strip().splitlines()[2:]
    for name in re.findall(r"`([^`]+)`", row.split("|")[1])
}
_AZURE = PAGE.partition("<!-- azure -->")[2].partition("<!-- end of azure -->")[0]
ALTERED = frozenset(re.findall(r"`…([0-9a-f]{8})`", _AZURE))
BROKEN = [*corpus.directories("seed-systems"), *corpus.directories("scenarios")]
GENUINE = [
    directory
    for folder in ("chat.completions", "completions", "responses")
    for vendor in ("openai", "azure-openai")
    for directory in corpus.recorded(folder, vendor)
]


@batched("directory", BROKEN, parts=2)
def test_no_error_remains_but_what_the_page_lists(directory):
    left = errors_left(normalize(corpus.load(directory)))
    if directory.name in LISTED:
        assert LISTED[directory.name] in left
    else:
        assert left == ()


@corpus.needs_recorded
@batched("directory", GENUINE, parts=4)
def test_openai_and_azure_come_out_byte_for_byte(directory):
    exchange = corpus.load(directory)
    if exchange.notes["kind"] != "stream":
        pytest.skip("not a stream")
    same = normalize(exchange).exchange.body == exchange.body
    assert same == (directory.name[-8:] not in ALTERED)


def test_perfect_scenarios_come_out_byte_for_byte():
    for directory in corpus.directories("scenarios"):
        if directory.name.startswith("00-"):
            exchange = corpus.load(directory)
            repaired = normalize(exchange)
            # One of them brings usage that its request does not ask for.
            assert repaired.changes.keys() <= {"usage-unrequested"}, directory.name
            assert repaired.changes or repaired.exchange.body == exchange.body, directory.name


#: `make fuzz` takes all of them.
_STEP = 16
RECORDED = [one for folder in ("chat.completions", "completions") for one in corpus.recorded(folder)]


@corpus.needs_recorded
@pytest.mark.sweep
@pytest.mark.parametrize("start", range(_STEP if RANDOM else 2))
def test_recorded_streams_of_every_vendor(start):
    """No safe repair that a finding promises is left undone, twice is once, and no tool call is lost."""
    for directory in RECORDED[start::_STEP]:
        exchange = corpus.load(directory)
        before, repaired = analyze(exchange), normalize(exchange)
        after = analyze(repaired.exchange)
        promised = {one.rule for one in before.findings if one.repairability is Repairability.SAFE}
        assert not promised & {one.rule for one in after.findings}, directory.name
        assert normalize(repaired.exchange).exchange.body == repaired.exchange.body, directory.name
        assert _calls(after) == _calls(before), directory.name


def _calls(report):
    return [(call["function"]["name"], call["function"]["arguments"]) for call in report.completion["tool_calls"]]
