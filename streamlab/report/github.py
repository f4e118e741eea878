"""Workflow commands of GitHub Actions: findings as annotations on the files of a pull request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from streamlab.judging.ranking import worst_first
from streamlab.judging.report import Report
from streamlab.report.json import Summary
from streamlab.report.places import FindingPlaces
from streamlab.rules.severity import Severity
from streamlab.wire.visible import visible

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


def github_lines(reports: Iterable[tuple[str, int | None, Report]], summary: Summary) -> Iterator[str]:
    """One line a finding."""
    for source, _, report in reports:
        summary.add(report)
        places = FindingPlaces(source)
        for finding in worst_first(report.findings):
            where = "" if finding.event is None else f" (event {finding.event})"
            title = _property(f"{finding.rule}{where}")
            place = f"file={_property(places.file)},line={places.line(finding)},title={title}"
            yield f"::{_COMMANDS[finding.severity]} {place}::{_data(finding.message)}\n"
        rules = [f"{one.rule} ({one.severity})" for one in worst_first(report.recovered)]
        if rules:
            place = f"file={_property(places.file)},line=1,title=after repair"
            yield f"::notice {place}::{_data('after repair: ' + ', '.join(rules))}\n"


def _data(text: str) -> str:
    """Control characters made visible, so that a line stays one line and a log cannot be drawn over."""
    return visible(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
