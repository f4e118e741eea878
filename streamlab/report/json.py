"""``streamlab.check/1``: findings for machines, written exchange by exchange so that a long check streams."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from streamlab import __version__
from streamlab.clients.table import Break, breaks, clients
from streamlab.judging.ranking import First, Tally, worst_first
from streamlab.judging.report import Report
from streamlab.report.promises import promise_of
from streamlab.rules.finding import Finding, Severity


def finding_json(finding: Finding) -> dict[str, Any]:
    """One finding as the contract words it."""
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
        "breaks": [break_json(one) for one in breaks(finding.rule, finding.variants, finding.api)],
        "promise": promise_of(finding.rule, finding.api),
    }


def recovered_json(finding: Finding) -> dict[str, Any]:
    """A finding about an event that is there once the framing is repaired."""
    return {"rule": finding.rule, "severity": str(finding.severity), "message": finding.message}


def break_json(one: Break) -> dict[str, Any]:
    """What one client does, with the name and version people know it by."""
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


def dump(value: Any, indent: int | None = None) -> str:
    """JSON text that any reader takes: no NaN, no lone surrogates; the rest is kept as it is."""
    try:
        text = json.dumps(value, ensure_ascii=False, indent=indent, allow_nan=False)
        text.encode()
    except (ValueError, UnicodeEncodeError):
        text = json.dumps(_tame(value), ensure_ascii=True, indent=indent)
    return text


@dataclass(frozen=True, slots=True)
class Streamed:
    """A list of a document whose members are made while it is written, once: there may be as many as events."""

    items: Iterable[Any]


def pieces(value: Any, indent: int = 1, level: int = 0) -> Iterator[str]:
    """What `dump` makes of a document, bit by bit; `Streamed` stands for lists in it, in objects and in each other."""
    inner = "\n" + " " * indent * (level + 1)
    if isinstance(value, Streamed):
        opening, closing, members = "[", "]", (("", member) for member in value.items)
    elif isinstance(value, dict) and value and any(isinstance(one, Streamed | dict) for one in value.values()):
        opening, closing, members = "{", "}", ((f"{dump(str(key))}: ", member) for key, member in value.items())
    else:
        yield dump(value, indent).replace("\n", "\n" + " " * indent * level)  # none stands in a string of JSON
        return
    separator = opening + inner
    for key, member in members:
        yield separator + key
        yield from pieces(member, indent, level + 1)
        separator = "," + inner
    yield opening + closing if separator[0] == opening else "\n" + " " * indent * level + closing


def gathered(value: Any) -> Any:
    """The document with all its lists in memory."""
    if isinstance(value, Streamed):
        return [gathered(member) for member in value.items]
    return {key: gathered(member) for key, member in value.items()} if isinstance(value, dict) else value


def _tame(value: Any) -> Any:
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return str(value)
    if isinstance(value, dict):
        return {key: _tame(member) for key, member in value.items()}
    if isinstance(value, list | tuple):
        return [_tame(member) for member in value]
    return value


def check_document(reports: Iterable[tuple[str, int | None, Report]], summary: Summary) -> Iterator[str]:
    """The whole document in pieces, one exchange at a time."""
    yield f'{{"format": "streamlab.check/1", "version": "{__version__}",\n "exchanges": ['
    separator = "\n  "
    for source, exchange_id, report in reports:
        summary.add(report)
        yield separator + dump(report_json(source, exchange_id, report))
        separator = ",\n  "
    first = summary.first
    yield f'],\n "fix_first": {dump(first._asdict() if first is not None else None)},'
    yield f'\n "summary": {dump(summary.counts)}}}\n'
