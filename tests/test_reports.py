"""Streams rebuilt from public reports, each with the right answer (corpus/reports/README.md): it has to be given.

``labels.json`` says how grave the gravest finding has to be (``at_least``) or may be (``at_most``), that an exchange is
``not_judged``, and what a client holds after repair (``text``, ``finish``). What does not hold yet is listed by name.
"""

from __future__ import annotations

import pytest

from streamlab.judging.analyzer import analyze
from streamlab.repairing.normalizer import errors_left, normalize
from streamlab.rules.finding import Severity
from tests import corpus

NOT_YET: frozenset[str] = frozenset()
#: Those whose repair breaks a law: it adds an error, or says that none is left where one is.
HARMED: frozenset[str] = frozenset()


def _name(directory):
    return directory.relative_to(corpus.CORPUS / "reports").as_posix()


def _cases(listed):
    for directory in corpus.directories("reports"):
        if not (directory / "labels.json").exists():
            continue
        name = _name(directory)
        marks = pytest.mark.xfail(reason="does not hold yet", strict=True) if name in listed else ()
        yield pytest.param(directory, id=name, marks=marks)


def _rank(report):
    return report.worst.rank if report.worst is not None else len(Severity)


@pytest.mark.parametrize("directory", list(_cases(NOT_YET)))
def test_label_holds(directory):
    said, labels = analyze(corpus.load(directory)), corpus.labels(directory)
    told = [(str(one.severity), one.rule) for one in said.findings]
    if "at_least" in labels:
        assert _rank(said) <= Severity(labels["at_least"]).rank, told
    if "at_most" in labels:
        assert _rank(said) >= Severity(labels["at_most"]).rank, told
    if labels.get("not_judged"):
        assert not said.judged
        assert said.why
    held = analyze(normalize(corpus.load(directory)).exchange).completion
    assert labels.get("text", held["content"]) == held["content"]
    assert labels.get("finish", held["finish_reason"]) == held["finish_reason"]


@pytest.mark.parametrize("directory", list(_cases(HARMED)))
def test_repair_does_no_harm(directory):
    """No error after repair that was not there before, and exit code 0 only where none is left."""
    exchange = corpus.load(directory)
    repaired = normalize(exchange)
    before, after = _errors(exchange), _errors(repaired.exchange)
    assert after <= before
    assert errors_left(repaired) or not after


def _errors(exchange):
    return {one.rule for one in analyze(exchange).findings if one.severity is Severity.ERROR}


def test_lists_name_cases():
    """A case that was renamed, or was taken out, is in no list."""
    names = {_name(directory) for directory in corpus.directories("reports")}
    assert names >= NOT_YET | HARMED
