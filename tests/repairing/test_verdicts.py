"""What is said of a repair before it and by it: over every stream of the repository, not one verdict it does not keep.

"Safe" is gone from the mended stream. "Cannot be mended" is still there, or the account says why it could not. "Told"
is what cannot be had back: the mended stream ends with an error event that says so. Bytes that change have a word in
the account.
"""

from __future__ import annotations

from collections import deque
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

from streamlab.judging.analyzer import analyze
from streamlab.repairing.normalizer import normalize
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.repair import Origin
from streamlab.storage.exchange_dir import read_exchange_dir
from streamlab.wire.events import ErrorPayload
from tests import corpus

FIXTURES = corpus.CORPUS.parent / "fixtures"
CASES = [*corpus.directories(), *sorted(found.parent for found in FIXTURES.rglob("exchange.json"))]
#: A wait is no byte: what is held back may come after it as well, and it is there all the same.
WAITS = {"stall-gap"}


@cache
def _mended(directory: Path):
    """The exchange, the repair, whether its last event tells of a loss, and the findings before and after."""
    exchange, events = read_exchange_dir(directory), deque(maxlen=2)  # of Responses the failure comes last
    repaired = normalize(exchange, each=events.append)
    return exchange, repaired, any(map(_tells_of_a_loss, events)), *map(_findings, (exchange, repaired.exchange))


def _findings(exchange):
    return analyze(exchange).findings


def _tells_of_a_loss(event) -> bool:
    """Whether an event is an error that nobody sent but the normalizer, which says that the answer is not whole."""
    made = any(change.origin is Origin.INVENTED for change in event.changes)
    return made and isinstance(event.event, ErrorPayload)


def _longest_wait(exchange) -> int:
    came = [segment.offset_us for segment in exchange.segments if segment.offset_us is not None]
    return max((later - earlier for earlier, later in pairwise(came)), default=0)


@pytest.mark.parametrize("folder", sorted({one.parent for one in CASES}))
def test_verdicts_are_kept(folder):
    for directory in (one for one in CASES if one.parent == folder):
        exchange, repaired, lost, before, after = _mended(directory)
        if repaired.left_alone or "translated" in repaired.changes:
            continue
        worth = [one for one in before if one.severity is not Severity.INFO]
        left, places = {one.rule for one in after}, {(one.rule, one.path) for one in after}
        said = {one.rule: {found.repairability for found in worth if found.rule == one.rule} for one in worth}
        none = {rule for rule, how in said.items() if Repairability.NONE in how} - left
        assert not none & WAITS or _longest_wait(repaired.exchange) >= _longest_wait(exchange), directory
        assert not none - WAITS - {one.rule for one in repaired.unrepaired}, directory
        told = {rule for rule, how in said.items() if Repairability.TOLD in how}
        assert lost or not told, (directory, told)
        safe = {one.rule for one in worth if one.repairability is Repairability.SAFE and (one.rule, one.path) in places}
        assert not safe, directory


@pytest.mark.parametrize("folder", sorted({one.parent for one in CASES}))
def test_no_byte_changes_without_a_word(folder):
    for directory in (one for one in CASES if one.parent == folder):
        exchange, repaired, _, _, _ = _mended(directory)
        if repaired.exchange.body != exchange.body:
            assert repaired.changes or repaired.unrepaired or repaired.dropped, directory
