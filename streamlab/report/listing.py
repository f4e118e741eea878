"""Many exchanges, a line each; and one exchange in full."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from rich.console import Console
from rich.table import Table
from rich.text import Text

from streamlab.exchange import Exchange
from streamlab.judging.report import Report
from streamlab.report.json import dump, report_json
from streamlab.report.text import finding_lines, gravest_first, metric_rows
from streamlab.report.timeline import timeline_rows
from streamlab.report.units import milliseconds, size
from streamlab.storage.capture_db import Overview
from streamlab.wire.visible import visible


def row_json(row: Overview) -> dict[str, Any]:
    """One line of the list as a JSON object."""
    return {
        "id": row.id,
        "started_at": row.started_at,
        "label": row.label,
        "tap": row.tap,
        "method": row.method,
        "url": row.url,
        "model": row.model,
        "status": row.status,
        "ending": str(row.ending),
        "ending_reason": row.ending_reason,
        "in_progress": row.in_progress,
        "bytes": row.bytes,
        "segments": row.segments,
        "head_us": row.head_us,
        "ttfb_us": row.first_us,
        "end_us": row.end_us,
    }


def as_json(rows: list[Overview]) -> str:
    """The list as JSON."""
    return dump([row_json(row) for row in rows], indent=1)


def table(rows: list[Overview]) -> Table:
    """The list for people, newest last, so that it stands above the next prompt."""
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("id", "started", "label", "request", "model", "status", "bytes", "TTFB", "duration", "ending"):
        right = name in ("id", "status", "bytes", "TTFB", "duration")
        shown.add_column(name, justify="right" if right else "left", no_wrap=name not in ("request", "ending"))
    for row in rows:
        label = "/".join(part for part in (row.tap, row.label) if part)
        path = urlsplit(row.url).path if row.url else "–"
        cells = (
            str(row.id),
            (row.started_at or "–")[:19].replace("T", " "),
            visible(label or "–", 24),
            visible(f"{row.method or ''} {path}", 60),
            visible(row.model or "–", 32),
            "–" if row.status is None else str(row.status),
            size(row.bytes),
            milliseconds(row.first_us),
            milliseconds(row.end_us),
            "recording …" if row.in_progress else f"{row.ending} ({visible(row.ending_reason or '–', 60)})",
        )
        shown.add_row(*(Text(cell) for cell in cells))
    return shown


def exchange_json(source: str, exchange: Exchange, report: Report) -> dict[str, Any]:
    """One exchange in full: what was recorded, its timeline, its report."""
    request, head = exchange.request, exchange.head
    return {
        "id": exchange.id,
        "label": exchange.label,
        "tap": exchange.tap,
        "started_at": exchange.started_at,
        "request": None
        if request is None
        else {
            "method": request.method,
            "url": request.url,
            "headers": [list(header) for header in request.headers],
            "body": _request_body(request.body),
        },
        "response": None
        if head is None
        else {"status": head.status, "headers": [list(header) for header in head.headers], "head_us": head.offset_us},
        "segments": [[segment.offset_us, len(segment.data)] for segment in exchange.segments],
        "http_chunks": None if exchange.http_chunks is None else list(exchange.http_chunks),
        "ending": str(exchange.ending),
        "end_us": exchange.end_us,
        "notes": exchange.notes,
        "timeline": [row._asdict() for row in timeline_rows(exchange)],
        **report_json(source, exchange.id, report),
    }


def _request_body(body: bytes | None) -> Any:
    if body is None:
        return None
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return body.decode("utf-8", "replace")


def print_exchange(console: Console, exchange: Exchange, report: Report) -> None:
    """One exchange for people: head, timeline, findings, numbers, and what a client would hold."""
    _print_head(console, exchange, report)
    _print_timeline(console, exchange, report)
    console.print(Text("\nfindings", style="bold"))
    for finding in gravest_first(report.findings):
        console.print(finding_lines(finding))
    if not report.findings:
        console.print(Text("✓ as OpenAI sends it", style="green"))
    console.print(Text("\nnumbers", style="bold"))
    console.print(Text(" · ".join(f"{name} {value}" for name, value in metric_rows(report.metrics))))
    _print_completion(console, report.completion)


def _print_head(console: Console, exchange: Exchange, report: Report) -> None:
    request, head = exchange.request, exchange.head
    name = f"exchange {exchange.id}" if exchange.id is not None else "exchange"
    label = "/".join(part for part in (exchange.tap, exchange.label) if part)
    console.print(Text(f"{name}  {visible(label)}  {exchange.started_at or ''}".rstrip(), style="bold"))
    if request is not None:
        console.print(Text(f"→ {visible(request.method)} {visible(request.url)}"))
        console.print(Text(f"  {visible((request.body or b'').decode('utf-8', 'replace'), 300)}", style="dim"))
    status = "no response" if head is None else f"HTTP {head.status} {visible(head.header('content-type') or '')}"
    reason = exchange.notes.get("ending_reason")
    ended = f"{exchange.ending}" + (f" ({visible(str(reason), 120)})" if reason else "")
    console.print(Text(f"← {status} · {report.api} · dialect {report.dialect or 'unknown'} · ended: {ended}"))
    for why in report.dialect_reasons:
        console.print(Text(f"    {visible(why)}", style="dim"))


def _print_timeline(console: Console, exchange: Exchange, report: Report) -> None:
    marks: dict[int, list[str]] = {}
    for finding in report.findings:
        for event in finding.events:
            marks.setdefault(event, []).append(finding.rule)
    rows = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("event", "at", "gap", "bytes", "kind", "preview", "findings"):
        rows.add_column(heading, justify="right" if heading in ("event", "at", "gap", "bytes") else "left")
    for row in timeline_rows(exchange):
        at = milliseconds(row.offset_us)
        found = ", ".join(marks.get(row.event, ()))
        cells = (str(row.event), at, milliseconds(row.gap_us), str(row.size), row.kind, row.preview, found)
        rows.add_row(*(Text(cell) for cell in cells))
    console.print(rows)


def _print_completion(console: Console, completion: dict[str, Any]) -> None:
    console.print(Text("\nwhat a client would hold at the end", style="bold"))
    for key, held in completion.items():
        if held in (None, "", []) and key not in ("content", "finish_reason"):
            continue
        shown = held if isinstance(held, str) else dump(held)
        console.print(Text(f"{key}: {visible(shown, 2000)}"))
