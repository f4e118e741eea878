"""What a card says of an exchange, before anybody draws it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

from streamlab import __version__
from streamlab.clients.table import breaks, clients
from streamlab.comparing.event_diff import explained_diffs
from streamlab.comparing.event_outcomes import EventDiff, How
from streamlab.exchange import Exchange
from streamlab.judging.analyzer import analyze
from streamlab.judging.ranking import Tally, worst_first
from streamlab.judging.report import Report
from streamlab.report.diff_text import runs, title_of
from streamlab.report.text import value, where
from streamlab.report.timeline import TimelineRow, timeline_rows
from streamlab.report.units import milliseconds, size
from streamlab.rules.finding import Finding, Severity
from streamlab.wire.stream import StreamDecoder
from streamlab.wire.visible import visible

#: How much of what there may be much of is shown.
MOST_FINDINGS, MOST_EVENTS, MOST_BYTES, MOST_ROWS = 40, 12, 1200, 400
_MOST_FIELDS = 40


@dataclass(frozen=True, slots=True)
class ShownFinding:
    """A finding in words. ``breaks`` are (clients, what happens to them)."""

    rule: str
    severity: str
    message: str
    where: str
    expected: str | None
    actual: str | None
    repair: str
    breaks: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ShownEvent:
    """An event beside what would have been sent: bytes on both sides, and the members that differ."""

    title: str
    came: str
    sent: str
    fields: tuple[tuple[str, str, str, str], ...]  # how, path, here, there
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Card:
    """Everything a card says; all of it is safe to be shown, and none of it is markup."""

    title: str
    verdict: str
    worst: str
    vendor: str
    facts: tuple[tuple[str, str], ...]
    findings: tuple[ShownFinding, ...]
    more_findings: int
    events: tuple[ShownEvent, ...]
    more_events: int
    rows: tuple[TimelineRow, ...]
    marks: dict[int, str]  # event -> the gravest severity of what was found there
    end_us: int | None
    version: str = __version__


def card_of(exchange: Exchange) -> Card:
    """The card of an exchange that is fit to be shown."""
    report = analyze(exchange)
    ranked = worst_first(report.findings)
    events, more = _events(exchange, report)
    rows = tuple(timeline_rows(exchange))
    return Card(
        title=_title(exchange, report),
        verdict=verdict(report),
        worst=str(ranked[0].severity) if ranked else "clean" if report.judged else "unjudged",
        vendor=report.api.vendor or "OpenAI",
        facts=tuple(_facts(exchange, report)),
        findings=tuple(map(_finding, ranked[:MOST_FINDINGS])),
        more_findings=max(0, len(ranked) - MOST_FINDINGS),
        events=events,
        more_events=more,
        rows=rows,
        marks=_marks(ranked),
        end_us=exchange.end_us,
    )


def verdict(report: Report) -> str:
    """What is the matter, in one sentence."""
    if not report.judged:
        return visible(report.verdict, 300)
    tally = Tally()
    tally.add(report)
    first = tally.first()
    if first is None:
        count = len(report.findings)
        remarks = f"; {count} remark{'s' * (count > 1)}" if count else ""
        return f"This stream is as {report.api.vendor or 'OpenAI'} sends it{remarks}."
    said = next(one.message for one in worst_first(report.findings) if one.rule == first.rule)
    others = len({one.rule for one in report.findings if one.severity is not Severity.INFO}) - 1
    also = f" ({others} more finding{'s' if others != 1 else ''})" if others else ""
    return visible(f"{said[:1].upper()}{said[1:]}: {first.why}{also}.", 400)


def _title(exchange: Exchange, report: Report) -> str:
    server = f" from {report.dialect}" if report.dialect else ""
    return visible(f"{exchange.known_as or report.api.title or report.api.name}{server}", 120)


def _facts(exchange: Exchange, report: Report) -> Iterator[tuple[str, str]]:
    head, request, metrics = exchange.head, exchange.request, report.metrics
    yield "API", str(report.api)
    if request is not None:
        yield "asked", visible(f"{request.method} {request.url}", 200)
    if head is not None:
        yield "answered", visible(f"HTTP {head.status} {head.header('content-type') or ''}".strip(), 120)
    yield "ended", str(exchange.ending)
    yield "events", f"{metrics.events:,} in {size(metrics.bytes)}"
    if metrics.ttft_us is not None:
        yield "TTFT", milliseconds(metrics.ttft_us)
    if metrics.duration_us is not None:
        yield "took", milliseconds(metrics.duration_us)
    if report.dialect:
        yield "dialect", report.dialect
    if exchange.started_at:
        yield "recorded", visible(exchange.started_at, 40)


def _finding(one: Finding) -> ShownFinding:
    shown = one.expected is not None or one.actual is not None
    return ShownFinding(
        rule=one.rule,
        severity=str(one.severity),
        message=visible(one.message, 400),
        where=where(one),
        expected=value(one.expected, 200) if shown and one.expected is not None else None,
        actual=value(one.actual, 200) if shown and one.actual is not None else None,
        repair=str(one.repairability),
        breaks=tuple(_breaking(one)),
    )


def _breaking(one: Finding) -> Iterator[tuple[str, str]]:
    by_harm: dict[str, list[str]] = {}
    for broken in breaks(one.rule, one.variants, one.api, one.strict):
        by_harm.setdefault(broken.how, []).append(clients()[broken.client].name)
    for how, names in by_harm.items():
        yield visible("; ".join(dict.fromkeys(names)), 400), visible(how, 200)


def _marks(findings: Iterable[Finding]) -> dict[int, str]:
    marks: dict[int, str] = {}
    for one in findings:
        for event in one.events or (() if one.event is None else (one.event,)):
            marks.setdefault(event, str(one.severity))
    return marks


# -- events --------------------------------------------------------------------------------------------------------


def _events(exchange: Exchange, report: Report) -> tuple[tuple[ShownEvent, ...], int]:
    diffs = explained_diffs(exchange, report.findings)
    listed = list(runs(diffs))
    wanted = {diff.event for _, _, diff in listed[:MOST_EVENTS]}
    raw = _raw_events(exchange, wanted)
    vendor = report.api.vendor or "OpenAI"
    shown = (
        _event(title_of(first, last, diff).format(vendor=vendor), diff, raw.get(diff.event, b""))
        for first, last, diff in listed[:MOST_EVENTS]
    )
    return tuple(shown), max(0, len(listed) - MOST_EVENTS)


def _raw_events(exchange: Exchange, wanted: set[int]) -> dict[int, bytes]:
    decoder = StreamDecoder(exchange.head.header("content-encoding") if exchange.head is not None else None)
    pieces = (decoder.feed(segment.data) for segment in exchange.segments)
    events = enumerate(chain(chain.from_iterable(pieces), _last(decoder)))
    return {number: event.sse.raw for number, event in events if number in wanted and event.sse is not None}


def _last(decoder: StreamDecoder) -> Iterator[Any]:
    yield from decoder.finish()


def _event(title: str, diff: EventDiff, raw: bytes) -> ShownEvent:
    fields = [
        (
            str(field.how),
            visible(field.path, 120),
            value(field.here, 200) if field.has_here else "",
            value(field.there, 200) if field.has_there else "",
        )
        for field in (*(one for output in diff.outputs for one in output.fields), *diff.broken)
        if field.how is not How.SAME
    ]
    sent = b"".join(output.raw for output in diff.outputs)
    added = str(diff.outcome) == "added"
    return ShownEvent(
        title=visible(title, 200),
        came="" if added else shown_bytes(raw),
        sent=shown_bytes(sent),
        fields=tuple(fields[:_MOST_FIELDS]),
        rules=tuple(diff.rules),
    )


def shown_bytes(raw: bytes) -> str:
    """Bytes with everything invisible shown, a line feed also as the end of a line."""
    text = visible(raw[:MOST_BYTES].decode("utf-8", "backslashreplace"))
    more = f"… ({len(raw) - MOST_BYTES:,} more bytes)" if len(raw) > MOST_BYTES else ""
    return text.replace("␊", "␊\n") + more
