"""Findings for people. Everything that came off the wire is made visible first; nothing is said by colour alone."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any

from streamlab.judging.metrics import Metrics
from streamlab.judging.ranking import First, worst_first
from streamlab.judging.report import Report
from streamlab.report.promises import promise_of
from streamlab.report.styles import STYLES
from streamlab.report.units import counted, milliseconds, size
from streamlab.rules.finding import Finding, Repairability, Severity
from streamlab.wire.visible import visible

if TYPE_CHECKING:
    from rich.text import Text

    from streamlab.report.harmless_console import HarmlessConsole

_NOT_SAFE = {
    Repairability.UNSAFE: "streamlab normalize --unsafe",
    Repairability.TOLD: "cannot be had back; streamlab normalize ends the stream with an error event that says so",
    Repairability.NONE: "cannot be mended",
}
_IN_SENDING = ", or replay --normalize: it is about how the body is sent"
_SHOWN_CLIENTS, _SHOWN_WAYS = 3, 2
_INDENT = 8
#: Characters of what a vendor sends, and of what came instead.
_SIDE = 160


def mended_by(finding: Finding) -> str:
    """What mends a finding, for people."""
    if finding.repairability is not Repairability.SAFE:
        return _NOT_SAFE[finding.repairability]
    command, in_sending = _mending(finding.rule)
    return command + _IN_SENDING if in_sending else command


def _mending(rule: str) -> tuple[str, bool]:
    """The command that mends what a rule finds, where that is safe; whether it is about how the body is sent."""
    from streamlab.repairing.engine_rules import MENDED_IN_SENDING  # deferred: of findings alone

    in_sending = rule in MENDED_IN_SENDING
    return ("streamlab record --normalize" if in_sending else "streamlab normalize"), in_sending


def value(shown: Any, limit: int = 80) -> str:
    """A JSON value for people, on one line."""
    if isinstance(shown, str):
        text = shown or '""'
    else:
        import json  # deferred, as below: a stream without findings has nothing to show

        try:
            text = json.dumps(shown, ensure_ascii=False)
        except (TypeError, ValueError):
            text = repr(shown)
    return visible(text, limit)


def print_head(console: HarmlessConsole, source: str, report: Report, status: int | None, ending: str | None) -> None:
    """One exchange: its source, and what came."""
    facts: list[str | Text] = [console.text.assemble((visible(source), "bold"), f"  {report.api}")]
    facts += [f"dialect {report.dialect}"] if report.dialect else []
    if status is not None:
        facts.append(f"HTTP {status}")
    facts += [counted(report.metrics.events, "event"), size(report.metrics.bytes)]
    if report.metrics.ttft_us is not None:
        facts.append(f"TTFT {milliseconds(report.metrics.ttft_us)}")
    if ending is not None:
        facts.append(ending)
    console.facts(facts, 0, 2, style="dim")


def gravest_first(findings: Iterable[Finding]) -> list[Finding]:
    """For people: errors above warnings above remarks, each by how many clients it hurts."""
    return worst_first(findings)


def print_finding(console: HarmlessConsole, finding: Finding, vendor: str = "OpenAI") -> None:
    """A finding: what and where; for all but remarks also what the vendor sends, who breaks, and how it is mended.

    Wrapped at words, what belongs to a line below it.
    """
    head = console.text()
    head.append(f"{finding.severity:<8}", style="dim" if finding.known else STYLES[finding.severity])
    head.append(finding.rule, style="dim" if finding.known else "bold")
    head.append(f"  {where(finding)}", style="dim")
    head.append("  (known of this dialect)" if finding.known else "", style="dim")
    console.hanging(head, 0, _INDENT)
    console.hanging(console.text(visible(finding.message, 400)), _INDENT, _INDENT)
    if finding.severity is Severity.INFO:
        return
    from streamlab.clients.table import breaks  # deferred: for all that is judged, but said of few

    sides = _sides(console, finding, vendor)
    if sides:
        console.hanging(sides, _INDENT, _INDENT + 2)
    for line in breaking_lines(finding.rule, finding.variants, finding.api, finding.strict):
        console.hanging(console.text.assemble(("breaks: ", "dim"), line), _INDENT, _INDENT + 2)
    if finding.severity is Severity.ERROR and not breaks(finding.rule, finding.variants, finding.api, finding.strict):
        promise = promise_of(finding.rule, finding.api)
        if promise is not None:
            console.hanging(console.text.assemble(("promised: ", "dim"), promise), _INDENT, _INDENT + 2)
    console.hanging(console.text.assemble(("mend: ", "dim"), mended_by(finding)), _INDENT, _INDENT + 2)


def _sides(console: HarmlessConsole, finding: Finding, vendor: str) -> Text:
    """What the vendor sends, and what came, as far as the rule says: None may be null, nothing, or not looked at."""
    expected, actual = finding.expected, finding.actual
    if expected is not None and value(expected, _SIDE) == value(actual, _SIDE):
        if isinstance(expected, str) == isinstance(actual, str):  # they differ behind what is shown
            return console.text()
        import json

        expected, actual = (json.dumps(side) if isinstance(side, str) else side for side in (expected, actual))
    told = ((vendor, expected, "green"), ("here", actual, "red"))
    sides = console.text(style="dim")
    for name, shown, style in ((name, value(side, _SIDE), style) for name, side, style in told if side is not None):
        sides.append("  " if sides else "").append(f"{name}: ").append(shown, style=f"not dim {style}")
    return sides


def breaking_lines(
    rule: str, variants: Collection[str] | None = None, api: str = "", strict: bool | None = None
) -> list[str]:
    """Who breaks, a line for each thing that happens, what needs no further condition first.

    ``variants``, ``api`` and ``strict`` are those of the finding; without them everybody is named who breaks on some,
    in any API.
    """
    from streamlab.clients.table import breaks, clients

    by_harm: dict[str, dict[str, None]] = {}
    for one in sorted(breaks(rule, variants, api, strict), key=lambda one: bool(one.conditions)):
        by_harm.setdefault(one.how, {})[clients()[one.client].name] = None
    lines = []
    for how, named in list(by_harm.items())[:_SHOWN_WAYS]:
        names = list(named)
        more = f" and {len(names) - _SHOWN_CLIENTS} more" if len(names) > _SHOWN_CLIENTS else ""
        lines.append(visible(f"{'; '.join(names[:_SHOWN_CLIENTS])}{more}: {how}", 300))
    if len(by_harm) > _SHOWN_WAYS:
        lines[-1] += f"  (+{len(by_harm) - _SHOWN_WAYS} more ways: streamlab rule {rule})"
    return lines


def where(finding: Finding) -> str:
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


def print_report(console: HarmlessConsole, source: str, report: Report, status: int | None, ending: str | None) -> None:
    """A head line and the findings below it."""
    print_head(console, source, report, status, ending)
    if not report.findings or not report.judged:
        print_verdict(console, report, 2)
    for finding in gravest_first(report.findings):
        print_finding(console, finding, report.api.vendor or "OpenAI")


def print_recovered(console: HarmlessConsole, findings: Iterable[Finding]) -> None:
    """The rules that speak of events which no client could read before their framing was repaired, without a value."""
    rules = [f"{one.rule} ({one.severity})" for one in gravest_first(findings)]
    if rules:
        console.hanging(console.text(f"after repair: {', '.join(rules)}", style="dim"), 2, 4)


def print_verdict(console: HarmlessConsole, report: Report, indent: int = 0) -> None:
    """The line of an exchange without findings, or that was not judged."""
    style = "green" if report.judged and not report.left_out else "dim"
    console.hanging(console.text(visible(report.verdict, 300), style=style), indent, indent + 2)


def metric_rows(metrics: Metrics) -> list[tuple[str, str]]:
    """The numbers of an exchange as label and value; unknown is shown as unknown."""
    return [
        ("events", str(metrics.events)),
        ("bytes", size(metrics.bytes)),
        ("reads", str(metrics.segments)),
        ("TTFB", milliseconds(metrics.ttfb_us)),
        ("TTFT", milliseconds(metrics.ttft_us)),
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


def first_line(console: HarmlessConsole, first: First, exchanges: int) -> Text:
    """One sentence: what to fix first, and why."""
    where = f", in {first.exchanges} of {exchanges} exchanges" if exchanges > 1 else ""
    said = f"{first.rule}{where} ({first.severity}): {first.why}; {_mending_all(first)}."
    return console.text.assemble(("Fix first: ", "bold"), said)


def _mending_all(first: First) -> str:
    """What mends all that a rule found; where nothing does, where there is more to read."""
    if first.on_request:
        return f"{_mending(first.rule)[0] if first.repairable else _NOT_SAFE[Repairability.UNSAFE]} mends it"
    return f"streamlab rule {first.rule} says more"


def summary_line(console: HarmlessConsole, exchanges: int, counts: dict[str, int]) -> Text:
    """What a check over several exchanges comes to."""
    line = console.text(f"\n{exchanges} exchange{'s' if exchanges != 1 else ''}: ", style="bold")
    numbers = ((counts[str(one)], one) for one in Severity)
    plural = (f"{number} {one}{'s' if number != 1 and one is not Severity.INFO else ''}" for number, one in numbers)
    line.append("  ".join(plural))
    return line
