"""Rules against the labelled corpus: what has to be found is found, and perfect streams are silent."""

from __future__ import annotations

from streamlab.apis.registry import by_name
from streamlab.judging.analyzer import analyze
from streamlab.rules.finding import Severity
from tests import corpus
from tests.batches import batched

#: (scenario, rule): labels that are wrong on reading, with the reason.
DISPUTED: dict[tuple[str, str], str] = {
    (
        "us-missing",
        "usage-missing-when-requested",
    ): "the request does not ask for usage; body and request equal 00-baseline",
}


@batched("directory", corpus.directories("seed-systems"))
def test_seed_system(directory):
    found = {finding.rule for finding in analyze(corpus.load(directory)).findings}
    assert set(corpus.labels(directory)["must"]) <= found


@batched("directory", corpus.directories("scenarios"))
def test_scenario(directory):
    labels = corpus.labels(directory)
    findings = analyze(corpus.load(directory)).findings
    must = {rule for rule in labels["must"] if (directory.name, rule) not in DISPUTED}
    assert must <= {finding.rule for finding in findings}
    assert must <= set(by_name()), "a label names a rule that does not exist"
    if labels.get("clean"):
        assert [one.message for one in findings if one.severity is not Severity.INFO] == []
