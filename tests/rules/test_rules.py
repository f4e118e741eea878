"""Every rule against its own fixture: bad yields exactly the findings written down, good is silent."""

from __future__ import annotations

import json
import re
from pathlib import Path

from streamlab.apis.registry import all_rules, family_of
from streamlab.judging.analyzer import analyze
from streamlab.rules.finding import Severity
from tests import corpus, rule_fixtures
from tests.batches import batched

RULES = all_rules()
_BY_NAME = batched("rule", RULES)


@_BY_NAME
def test_bad_yields_exactly_the_expected_findings(rule):
    home = rule_fixtures.folder(rule.name) / "bad"
    expected = json.loads((home / "findings.json").read_text(encoding="utf-8"))
    found = [rule_fixtures.summary(finding) for finding in analyze(corpus.load(home)).findings]
    assert any(one["rule"] == rule.name for one in expected), "the fixture does not show its own rule"
    assert json.loads(json.dumps(found)) == expected


@_BY_NAME
def test_good_is_silent(rule):
    report = analyze(corpus.load(rule_fixtures.folder(rule.name) / "good"))
    loud = [(one.rule, one.message) for one in report.findings if one.severity is not Severity.INFO]
    assert loud == []
    assert rule.name not in [one.rule for one in report.findings]


@_BY_NAME
def test_is_named_and_documented(rule):
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", rule.name)
    module = Path(rule.__module__.replace(".", "/")).name
    assert module == rule.name.replace("-", "_"), "the file is named after the rule"
    assert family_of(rule) in rule_fixtures.ROOT.joinpath(family_of(rule)).name
    doc = rule.__doc__ or ""
    assert re.search(r"## What (OpenAI|Anthropic|Google|Ollama|AWS) does", doc), (
        "the docstring does not say what should be sent"
    )
    for section in ("## Why it matters", "## Repair"):
        assert section in doc, f"the docstring lacks {section!r}"
    assert rule.source.document


def test_names_are_unique():
    names = [rule.name for rule in RULES]
    assert len(names) == len(set(names))
