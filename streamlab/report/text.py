"""Findings for people. Everything that came off the wire is made visible first; nothing is said by colour alone."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from typing import Any

from rich.console import Console
from rich.text import Text

from streamlab.expectations.clients import CLIENTS, breaks
from streamlab.judging.metrics import Metrics
from streamlab.judging.report import Report
from streamlab.report.styles import STYLES
from streamlab.report.units import milliseconds, size
from streamlab.rules.finding import Finding, Mend, Severity
from streamlab.wire.visible import visible

_MENDS = {Mend.SAFE: "streamlab normalize", Mend.UNSAFE: "streamlab normalize --unsafe", Mend.NONE: "cannot be mended"}
_SHOWN_CLIENTS, _SHOWN_WAYS = 3, 2


def value(shown: Any, limit: int = 80) -> str:
    """A JSON value for people, on one line."""
    if isinstance(shown, str):
        text = shown or '""'
    else:
        try:
            text = json.dumps(shown, ensure_ascii=False)
        except (TypeError, ValueError):
            text = repr(shown)
    return visible(text, limit)


def head_line(source: str, report: Report, status: int | None, ending: str | None) -> Text:
    """One exchange in one line."""
    line = Text()
    line.append(visible(source), style="bold")
    facts = [str(report.api), *([f"dialect {report.dialect}"] if report.dialect else [])]
    if status is not None:
        facts.append(f"HTTP {status}")
    facts += [f"{report.metrics.events} events", size(report.metrics.bytes)]
    if report.metrics.ttft_us is not None:
        facts.append(f"first token {milliseconds(report.metrics.ttft_us)}")
    if ending is not None:
        facts.append(ending)
    line.append("  " + " · ".join(facts), style="dim")
    return line


def gravest_first(findings: Iterable[Finding]) -> list[Finding]:
    """For people: errors above warnings above remarks, each in the order of the stream."""
    return sorted(findings, key=lambda one: (one.severity.rank, one.event is None, one.event or 0))


def finding_lines(finding: Finding) -> Text:
    """A finding: what and where; for all but remarks also what OpenAI sends, who breaks, and how it is mended."""
    text = Text()
    text.append(f"{finding.severity:<8}", style="dim" if finding.known else STYLES[finding.severity])
    text.append(finding.rule, style="dim" if finding.known else "bold")
    text.append(f"  {_where(finding)}", style="dim")
    text.append("  (known of this dialect)\n" if finding.known else "\n", style="dim")
    text.append(f"        {visible(finding.message, 400)}")
    if finding.severity is Severity.INFO:
        return text
    if finding.expected is not None or finding.actual is not None:
        text.append("\n        OpenAI: ", style="dim")
        text.append(value(finding.expected), style="green")
        text.append("  here: ", style="dim")
        text.append(value(finding.actual), style="red")
    for line in breaking_lines(finding.rule, finding.variants):
        text.append("\n        breaks: ", style="dim")
        text.append(line)
    text.append("\n        mend: ", style="dim")
    text.append(_MENDS[finding.repair])
    return text


def breaking_lines(rule: str, variants: Collection[str] = ()) -> list[str]:
    """Who breaks, a line for each thing that happens, what needs no further condition first.

    ``variants`` are those of the finding (`Finding.variants`); without them everybody is named who breaks on some.
    """
    by_harm: dict[str, list[str]] = {}
    for one in sorted(breaks(rule, variants), key=lambda one: bool(one.conditions)):
        by_harm.setdefault(one.how, []).append(CLIENTS[one.client].what)
    lines = []
    for how, names in list(by_harm.items())[:_SHOWN_WAYS]:
        more = f" and {len(names) - _SHOWN_CLIENTS} more" if len(names) > _SHOWN_CLIENTS else ""
        lines.append(visible(f"{'; '.join(names[:_SHOWN_CLIENTS])}{more}: {how}", 300))
    if len(by_harm) > _SHOWN_WAYS:
        lines[-1] += f"  (+{len(by_harm) - _SHOWN_WAYS} more ways: streamlab rule {rule})"
    return lines


def _where(finding: Finding) -> str:
    if finding.event is None:
        return "whole stream" if finding.span is None else f"bytes {finding.span[0]}–{finding.span[1]}"
    where = f"event {finding.event}"
    if finding.span is not None:
        where += f", bytes {finding.span[0]}–{finding.span[1]}"
    if finding.path:
        where += f", {visible(finding.path, 80)}"
    if finding.offset_us is not None:
        where += f", at {milliseconds(finding.offset_us)}"
    if finding.count > 1:
        where += f"  ×{finding.count}"
    return where


def print_report(console: Console, source: str, report: Report, status: int | None, ending: str | None) -> None:
    """A head line and the findings below it."""
    console.print(head_line(source, report, status, ending), soft_wrap=True)
    if not report.findings:
        console.print(Text("  ✓ as OpenAI sends it", style="green"))
    for finding in gravest_first(report.findings):
        console.print(finding_lines(finding), soft_wrap=True)


def metric_rows(metrics: Metrics) -> list[tuple[str, str]]:
    """The numbers of an exchange as label and value; unknown is shown as unknown."""
    return [
        ("events", str(metrics.events)),
        ("bytes", size(metrics.bytes)),
        ("reads", str(metrics.segments)),
        ("first byte", milliseconds(metrics.ttfb_us)),
        ("first token", milliseconds(metrics.ttft_us)),
        ("first reasoning", milliseconds(metrics.ttfr_us)),
        ("first answer", milliseconds(metrics.ttfa_us)),
        ("duration", milliseconds(metrics.duration_us)),
        ("gap p50", milliseconds(metrics.gap_p50_us)),
        ("gap p95", milliseconds(metrics.gap_p95_us)),
        ("gap p99", milliseconds(metrics.gap_p99_us)),
        ("gap max", milliseconds(metrics.gap_max_us)),
        ("stalls", "–" if metrics.stalls is None else str(metrics.stalls)),
        ("bursts", "–" if metrics.bursts is None else str(metrics.bursts)),
        ("prompt tokens", "–" if metrics.prompt_tokens is None else str(metrics.prompt_tokens)),
        ("completion tokens", "–" if metrics.completion_tokens is None else str(metrics.completion_tokens)),
    ]


def summary_line(exchanges: int, counts: dict[str, int]) -> Text:
    """What a check over several exchanges comes to."""
    line = Text(f"\n{exchanges} exchange{'s' if exchanges != 1 else ''}: ", style="bold")
    for severity in Severity:
        number = counts[str(severity)]
        line.append(f"{number} {severity}{'s' if number != 1 and severity is not Severity.INFO else ''}  ")
    return line
