"""``streamlab.check/1``: findings for machines, written exchange by exchange so that a long check streams."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from streamlab import __version__
from streamlab.judging.ranking import First, Tally, worst_first
from streamlab.judging.report import Report
from streamlab.record import members
from streamlab.report.promises import promise_of
from streamlab.rules.finding import Finding, Severity

if TYPE_CHECKING:
    from streamlab.clients.table import Break


def finding_json(finding: Finding) -> dict[str, Any]:
    """One finding as the contract words it."""
    from streamlab.clients.table import breaks  # deferred, as below: text and a clean stream do without

    return {
        "rule": finding.rule,
        "severity": str(finding.severity),
        "message": finding.message,
        "event": finding.event,
        "span": list(finding.span) if finding.span is not None else None,
        "offset_us": finding.offset_us,
        "path": finding.path,
        "expected": finding.expected,
        "actual": finding.actual,
        "repair": str(finding.repairability),
        "known": finding.known,
        "count": finding.count,
        "events": list(finding.events[:100]),
        "breaks": [break_json(one) for one in breaks(finding.rule, finding.variants, finding.api, finding.strict)],
        "promise": promise_of(finding.rule, finding.api),
    }


def recovered_json(finding: Finding) -> dict[str, Any]:
    """A finding about an event that is there once the framing is repaired."""
    return {"rule": finding.rule, "severity": str(finding.severity), "message": finding.message}


def break_json(one: Break) -> dict[str, Any]:
    """What one client does, with the name and version people know it by."""
    from streamlab.clients.table import clients

    return {
        "client": clients()[one.client].name,
        "id": one.client,
        "version": one.version,
        "how": one.how,
        "harm": one.harm,
        "api": one.api,
    }


def report_json(source: str, exchange_id: int | None, report: Report) -> dict[str, Any]:
    """One exchange's report."""
    return {
        "source": source,
        "id": exchange_id,
        "api": str(report.api),
        "dialect": report.dialect,
        "dialect_reasons": list(report.dialect_reasons),
        "findings": [finding_json(finding) for finding in worst_first(report.findings)],
        "after_repair": [recovered_json(finding) for finding in worst_first(report.recovered)],
        "left_out": report.left_out,
        "judged": report.judged,
        "why": report.why,
        "metrics": report.metrics.as_json(),
        "completion": report.completion,
    }


class Summary:
    """Counts findings by severity as reports go by."""

    def __init__(self) -> None:
        self.exchanges = 0
        self.counts = dict.fromkeys(map(str, Severity), 0)
        self._tally = Tally()

    @property
    def first(self) -> First | None:
        """What to fix first."""
        return self._tally.first()

    def add(self, report: Report) -> None:
        """Count one report."""
        self.exchanges += 1
        self._tally.add(report)
        for finding in report.findings:
            self.counts[str(finding.severity)] += 1

    def reaches(self, level: str) -> bool:
        """Whether a finding is at least as grave as ``level`` (``never`` is reached by nothing)."""
        if level == "never":
            return False
        rank = Severity(level).rank
        return any(self.counts[str(one)] for one in Severity if one.rank <= rank)


def check_document(reports: Iterable[tuple[str, int | None, Report]], summary: Summary) -> Iterator[str]:
    """The whole document in pieces, one exchange at a time."""
    from streamlab.report.documents import dump

    yield f'{{"format": "streamlab.check/1", "version": "{__version__}",\n "exchanges": ['
    separator = "\n  "
    for source, exchange_id, report in reports:
        summary.add(report)
        yield separator + dump(report_json(source, exchange_id, report))
        separator = ",\n  "
    first = summary.first
    yield f'],\n "fix_first": {dump(members(first) if first is not None else None)},'
    yield f'\n "summary": {dump(summary.counts)}}}\n'
