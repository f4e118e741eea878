"""What the rules say of a fixture, as findings.json words it, and of what a normalizer made of it."""

from __future__ import annotations

import json
from typing import Any

from streamlab.apis import DEFAULT, UNKNOWN, api_of_path
from streamlab.exchange import Exchange, ResponseHead, Segment
from streamlab.judging.analyzer import analyze, analyzer_of, report_by
from streamlab.record import changed
from streamlab.rules.finding import Finding
from streamlab.wire.visible import visible


def found_in(exchange: Exchange) -> list[dict[str, Any]]:
    """The findings of an exchange as findings.json words them."""
    return as_written(summaries(exchange))


def summaries(exchange: Exchange) -> list[dict[str, Any]]:
    """The same before they are written."""
    report = report_by(analyzer_of(exchange, dialect=False), exchange)  # whose deviations they are is not pinned down
    return [summary(one) for one in report.findings]


def as_written(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What one reads of findings that were written as JSON."""
    read: list[dict[str, Any]] = json.loads(json.dumps(found))
    return read


def summary(finding: Finding) -> dict[str, Any]:
    """The part of a finding that a fixture pins down."""
    return {
        "rule": finding.rule,
        "severity": str(finding.severity),
        "message": finding.message,
        "event": finding.event,
        "span": list(finding.span) if finding.span else None,
        "path": finding.path,
        "count": finding.count,
        "expected": finding.expected,
        "actual": finding.actual,
    }


def are_written_alike(some: list[dict[str, Any]], others: list[dict[str, Any]]) -> bool:
    """Whether both have the same `findings_text`, for much less: the order of members counts, and 1 is not 1.0."""
    return json.dumps(some) == json.dumps(others)


def findings_text(findings: list[dict[str, Any]]) -> str:
    """findings.json: one finding after the other, indented, so that a diff is readable."""
    text = json.dumps(findings, ensure_ascii=False, indent=1) + "\n"
    # Half a character cannot be written as UTF-8, and what no editor shows is better seen as an escape.
    return (
        text if visible(text.replace("\n", " ")) == text.replace("\n", " ") else json.dumps(findings, indent=1) + "\n"
    )


def findings_about(exchange: Exchange, stream: bytes) -> tuple[Finding, ...]:
    """What the rules say about a stream that a normalizer made of an exchange, read as the answer to its request."""
    request, status = exchange.request, exchange.head.status if exchange.head is not None else 200
    asked = api_of_path(request.url) if request is not None else UNKNOWN
    if request is not None and not asked.judged and asked is not UNKNOWN:
        request = changed(request, url=DEFAULT.path, body=None)  # it was translated
    kind = "application/json" if stream.lstrip()[:1] == b"{" else "text/event-stream"
    head = ResponseHead(status, (("content-type", kind),))
    return analyze(Exchange(request=request, head=head, segments=(Segment(None, stream),))).findings
