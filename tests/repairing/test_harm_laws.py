"""First, do no harm: what repairs may never do to any stream that lies in the repository.

What still breaks a law is listed; a listed stream that keeps it fails the test, so the list can only shrink.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from streamlab.exchange import Exchange, Segment
from streamlab.judging.analyzer import analyze
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


def broken_laws(exchange: Exchange, *, unsafe: bool) -> dict[str, object]:
    """The laws that the repair of an exchange breaks, and by what."""
    repaired = normalize(exchange, unsafe=unsafe)
    new = _errors(repaired.exchange) - _errors(exchange)
    untrue = set() if errors_left(repaired) else _errors(_bare(repaired.exchange))
    again = normalize(repaired.exchange, unsafe=unsafe)
    laws = {
        _ERROR: new,
        "no error is said to be left, and one is": untrue,
        "a repair raises": repaired.failed,
        _TWICE: again.exchange.body != repaired.exchange.body,
    }
    return {f"{law}{', unsafe' * unsafe}": by for law, by in laws.items() if by}


@pytest.mark.parametrize("name", STREAMS)
def test_repairs_do_no_harm(name):
    exchange = corpus.load(STREAMS[name])
    broken = broken_laws(exchange, unsafe=False) | broken_laws(exchange, unsafe=True)
    assert set(broken) == BROKEN.get(name, set()), broken
