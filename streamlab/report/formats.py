"""Every format a check can answer in, as pieces of text to write one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from streamlab.judging.report import Report
from streamlab.report.github import github_lines
from streamlab.report.json import Summary, check_document
from streamlab.report.junit import junit_document
from streamlab.report.sarif import sarif_document
from streamlab.rules.base import Rule

Reports = Iterable[tuple[str, int | None, Report]]


def render(form: str, reports: Reports, summary: Summary, rules: tuple[type[Rule], ...], fail_on: str) -> Iterator[str]:
    """The answer in ``form``: json, sarif, junit or github."""
    if form == "json":
        return check_document(reports, summary)
    if form == "sarif":
        return sarif_document(reports, summary, rules)
    if form == "junit":
        return junit_document(reports, summary, fail_on)
    return github_lines(reports, summary)
