"""JUnit XML: one test case an exchange, failing at the level asked for; for CI servers that show nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from tempfile import SpooledTemporaryFile
from xml.sax.saxutils import escape, quoteattr

from streamlab.judging.ranking import worst_first
from streamlab.judging.report import Report
from streamlab.report.json import Summary
from streamlab.rules.finding import Finding, Severity

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


#: Characters of the cases that are kept in memory, and written at once.
_IN_MEMORY, _PIECE = 16 * 1024 * 1024, 1024 * 1024


def _clean(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)


def _attribute(text: str) -> str:
    return quoteattr(_clean(text))


def junit_document(reports: Iterable[tuple[str, int | None, Report]], summary: Summary, fail_on: str) -> Iterator[str]:
    """The document in pieces. Counts come last in our knowledge and first in the format, so the cases wait for them
    in a temporary file where they are many."""
    tests = failures = 0
    with SpooledTemporaryFile(_IN_MEMORY, "w+", encoding="utf-8", newline="") as cases:
        for source, _, report in reports:
            summary.add(report)
            tests += 1
            failures += any(_counts(finding, fail_on) for finding in worst_first(report.findings))
            cases.writelines(_case(source, report, fail_on))
        counts = f'tests="{tests}" failures="{failures}" errors="0" skipped="0"'
        yield f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="streamlab check" {counts}>\n'
        yield f' <testsuite name="streamlab" {counts}>\n'
        cases.seek(0)
        while piece := cases.read(_PIECE):
            yield piece
    yield " </testsuite>\n</testsuites>\n"


def _case(source: str, report: Report, fail_on: str) -> Iterator[str]:
    seconds = (report.metrics.duration_us or 0) / 1_000_000
    head = f'  <testcase classname={_attribute(str(report.api))} name={_attribute(source)} time="{seconds:.6f}"'
    if not report.findings and report.judged:
        yield f"{head}/>\n"
        return
    yield f"{head}>\n"
    if not report.findings:
        yield f"   <skipped message={_attribute(report.verdict)}/>\n"
    worst = [finding for finding in worst_first(report.findings) if _counts(finding, fail_on)]
    if worst:
        first = worst[0]
        body = "\n".join(_line(finding) for finding in worst)
        yield f"   <failure type={_attribute(first.rule)} message={_attribute(first.message)}>"
        yield f"{escape(_clean(body))}</failure>\n"
    rest = [finding for finding in worst_first(report.findings) if finding not in worst]
    if rest or report.recovered:
        lines = [*map(_line, rest), *(f"after repair: {_line(one)}" for one in worst_first(report.recovered))]
        said = "\n".join(lines)
        yield f"   <system-out>{escape(_clean(said))}</system-out>\n"
    yield "  </testcase>\n"


def _counts(finding: Finding, fail_on: str) -> bool:
    return fail_on != "never" and finding.severity.rank <= Severity(fail_on).rank


def _line(finding: Finding) -> str:
    where = "" if finding.event is None else f" (event {finding.event})"
    times = "" if finding.count == 1 else f" ×{finding.count}"
    return f"{finding.severity}: {finding.rule}{where}: {finding.message}{times}"
