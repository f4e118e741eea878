"""What is said of a repair before it and by it: over every stream of the repository, not one verdict it does not keep.

"Safe" is gone from the mended stream. "Cannot be mended" is still there, or the account says why it could not. Bytes
that change have a word in the account.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from streamlab.judging.analyzer import analyze
from streamlab.repairing.normalizer import normalize
from streamlab.rules.finding import Repairability, Severity
from streamlab.storage.exchange_dir import read_exchange_dir
from tests import corpus

FIXTURES = corpus.CORPUS.parent / "fixtures"
CASES = [*corpus.directories(), *sorted(found.parent for found in FIXTURES.rglob("exchange.json"))]
#: What cannot be had back, and for which an error event stands in the mended stream, or its own end.
LOST = {
    "close-delimited-truncation", "content-length-mismatch", "done-missing", "finish-reason-missing",
    "gateway-masks-truncation", "only-done", "responses-terminal-missing", "stall-gap", "truncated-chunked-body",
}  # fmt: skip
#: Verdicts that do not hold yet, by the stream.
NOT_YET = {
    "responses-completed-output-differs": {"r03-done-name-empty"},
    "responses-delta-done-mismatch": {"delta-null", "bad"},
    "responses-missing-item-id": {"r14-item-usage-extra-no-content"},
    "responses-missing-response-id": {"r06-completed-without-id"},
    "responses-sequence-number": {"r14-item-usage-extra-no-content"},
    "responses-unknown-event": {"unknown-response-event"},
}
#: A comment between the lines of an event becomes an event of its own, in which it says what it said.
SILENT = {"sse-comment-attached"}


@cache
def _mended(directory: Path):
    """The body as it came, the repair without its events, and the findings before and after."""
    exchange = read_exchange_dir(directory)
    repaired = normalize(exchange, each=bool)
    return exchange.body, repaired, analyze(exchange).findings, analyze(repaired.exchange).findings


def _named(rules, directory):
    return {rule for rule in rules if directory.name not in NOT_YET.get(rule, ())}


@pytest.mark.parametrize("folder", sorted({one.parent for one in CASES}))
def test_verdicts_are_kept(folder):
    for directory in (one for one in CASES if one.parent == folder):
        _, repaired, before, after = _mended(directory)
        if repaired.left_alone or "translated" in repaired.changes:
            continue
        worth = [one for one in before if one.severity is not Severity.INFO]
        left, places = {one.rule for one in after}, {(one.rule, one.path) for one in after}
        told = {one.rule for one in repaired.unrepaired} | LOST
        none = {one.rule for one in worth if one.repairability is Repairability.NONE}
        assert not _named(none - left - told, directory), directory
        safe = {one.rule for one in worth if one.repairability is Repairability.SAFE and (one.rule, one.path) in places}
        assert not _named(safe, directory), directory


@pytest.mark.parametrize("folder", sorted({one.parent for one in CASES}))
def test_no_byte_changes_without_a_word(folder):
    for directory in (one for one in CASES if one.parent == folder):
        body, repaired, _, _ = _mended(directory)
        if repaired.exchange.body == body or directory.name in SILENT:
            continue
        assert repaired.changes or repaired.unrepaired or repaired.dropped, directory
