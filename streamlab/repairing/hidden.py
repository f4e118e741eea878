"""Whether events hide behind a fault of framing: asked of each report, before anything that repairs is loaded."""

from __future__ import annotations

from streamlab.apis.registry import rule_named
from streamlab.judging.report import Report
from streamlab.rules.finding import Finding, Severity


def hides_events(report: Report) -> bool:
    """Whether there is an error about the framing that a repair takes away."""
    return report.judged and any(map(_hides, report.findings))


def _hides(finding: Finding) -> bool:
    if finding.severity is not Severity.ERROR:
        return False
    from streamlab.rules.repair import Stage

    rule = rule_named(finding.rule)
    repair = rule.repair if rule is not None else None
    return repair is not None and repair.stage <= Stage.PAYLOAD
