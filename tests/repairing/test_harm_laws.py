"""First, do no harm: what repairs may never do to any stream that lies in the repository.

What still breaks a law is listed; a listed stream that keeps it fails the test, so the list can only shrink.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from streamlab.exchange import Exchange, Segment
from streamlab.judging.analyzer import analyze
from streamlab.repairing.account import Normalized
from streamlab.repairing.normalizer import errors_left, normalize
from streamlab.rules.finding import Severity
from tests import corpus

FIXTURES = Path(__file__).parents[2] / "fixtures"
STREAMS = {
    f"{root.name}/{found.parent.relative_to(root)}": found.parent
    for root in (FIXTURES, corpus.CORPUS)
    for found in sorted(root.rglob("exchange.json"))
}

_ERROR = "a repair brings an error"
_TWICE = "twice is not once"
_BOTH = {_ERROR, f"{_ERROR}, unsafe"}
_ALWAYS = {*_BOTH, _TWICE, f"{_TWICE}, unsafe"}
#: stream -> the laws that its repair breaks today
BROKEN: dict[str, set[str]] = {
    "corpus/protocols/responses/item-id-twice": _BOTH,
    "corpus/protocols/responses/output-index-missing": _ALWAYS,
    "corpus/reports/clients/r06-completed-without-id": _BOTH,
    "corpus/reports/servers/r-no-indexes": _ALWAYS,
    "corpus/reports/truth/openai-audio-tool-call": {f"{_TWICE}, unsafe"},
}


def _errors(exchange: Exchange) -> set[str]:
    return {one.rule for one in analyze(exchange).findings if one.severity is Severity.ERROR}


def _bare(exchange: Exchange) -> Exchange:
    """What is left of an exchange when its body was written to a file; what no body tells is kept: the request, an
    error status, an end that is none."""
    failed = exchange.head is not None and exchange.head.status >= 300
    return Exchange(
        request=exchange.request,
        head=exchange.head if failed else None,
        segments=(Segment(None, exchange.body),),
        ending=exchange.ending,
    )


def broken_laws(exchange: Exchange) -> dict[str, object]:
    """The laws that the repair of an exchange breaks, and by what; what comes out alike is judged once."""
    before, safe = _errors(exchange), normalize(exchange)
    judged = _judged(safe, before)
    broken = judged | _repeated(safe, unsafe=False)
    unsafe = normalize(exchange, unsafe=True)
    if (unsafe.exchange, unsafe.unrepaired, unsafe.failed) != (safe.exchange, safe.unrepaired, safe.failed):
        judged = _judged(unsafe, before)
    both = judged | _repeated(unsafe, unsafe=True)
    return {law: by for law, by in (*broken.items(), *((f"{law}, unsafe", by) for law, by in both.items())) if by}


def _judged(repaired: Normalized, before: set[str]) -> dict[str, object]:
    left = set(errors_left(repaired))
    return {
        # What is left holds every error of the repaired stream: only what goes beyond is looked at again.
        _ERROR: _errors(repaired.exchange) - before if left - before else set(),
        "no error is said to be left, and one is": set() if left else _errors(_bare(repaired.exchange)),
        "a repair raises": repaired.failed,
    }


def _repeated(repaired: Normalized, *, unsafe: bool) -> dict[str, object]:
    return {_TWICE: normalize(repaired.exchange, unsafe=unsafe).exchange.body != repaired.exchange.body}


@pytest.mark.parametrize("name", STREAMS)
def test_repairs_do_no_harm(name):
    exchange = corpus.load(STREAMS[name])
    broken = broken_laws(exchange)
    assert set(broken) == BROKEN.get(name, set()), broken
