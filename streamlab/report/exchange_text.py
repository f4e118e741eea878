"""One exchange in full: for people as `streamlab show` prints it, and for machines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from rich.text import Text

from streamlab.comparing.parity import answer_of
from streamlab.exchange import Exchange
from streamlab.judging.report import Report
from streamlab.report.documents import Streamed, dump
from streamlab.report.harmless_console import HarmlessConsole
from streamlab.report.json import report_json
from streamlab.report.text import gravest_first, metric_rows, print_finding, print_verdict
from streamlab.report.timeline import timeline_rows
from streamlab.report.timeline_table import print_timeline
from streamlab.rules.finding import Finding
from streamlab.wire.visible import visible


def exchange_json(source: str, exchange: Exchange, report: Report) -> dict[str, Any]:
    """One exchange in full: what was recorded, its timeline, its report; the long lists `Streamed`."""
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
        "segments": Streamed([segment.offset_us, len(segment.data)] for segment in exchange.segments),
        "http_chunks": None if exchange.http_chunks is None else list(exchange.http_chunks),
        "ending": str(exchange.ending),
        "end_us": exchange.end_us,
        "notes": exchange.notes,
        "timeline": Streamed(row._asdict() for row in timeline_rows(exchange)),
        **report_json(source, exchange.id, report),
        "completion": completion_of(exchange, report),
    }


def _request_body(body: bytes | None) -> Any:
    if body is None:
        return None
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return body.decode("utf-8", "replace")


def print_exchange(console: HarmlessConsole, exchange: Exchange, report: Report) -> None:
    """One exchange for people: head, timeline, findings, numbers, and what a client would hold."""
    _print_head(console, exchange, report)
    print_timeline(console, exchange, marks_of(report.findings))
    console.print(Text("\nfindings", style="bold"))
    for finding in gravest_first(report.findings):
        print_finding(console, finding, report.api.vendor or "OpenAI")
    if not report.findings or not report.judged:
        print_verdict(console, report)
    console.print(Text("\nnumbers", style="bold"))
    console.facts(f"{name} {value}" for name, value in metric_rows(report.metrics))
    _print_completion(console, exchange, report)


def _print_head(console: HarmlessConsole, exchange: Exchange, report: Report) -> None:
    request, head = exchange.request, exchange.head
    name = f"exchange {exchange.id}" if exchange.id is not None else "exchange"
    title = "  ".join(part for part in (name, exchange.known_as, exchange.started_at) if part)
    console.hanging(Text(visible(title), style="bold"), 0, 2)
    if request is not None:
        console.hanging(Text(f"→ {visible(request.method)} {visible(request.url)}"), 0, 2)
        console.hanging(Text(visible((request.body or b"").decode("utf-8", "replace"), 300), style="dim"), 2, 2)
    status = "no response" if head is None else f"HTTP {head.status} {visible(head.header('content-type') or '')}"
    reason = exchange.notes.get("ending_reason")
    ended = f"{exchange.ending}" + (f" ({visible(str(reason), 120)})" if reason else "")
    console.facts((f"← {status}", str(report.api), f"dialect {report.dialect or 'unknown'}", f"ended: {ended}"), 0, 2)
    if report.dialect_reasons:
        why = "; ".join(visible(one) for one in report.dialect_reasons)
        console.hanging(Text(f"why {report.dialect}: {why}", style="dim"), 2, 4)


# -- timeline ----------------------------------------------------------------------------------------------------------


def marks_of(findings: Iterable[Finding]) -> dict[int, list[str]]:
    """What to say beside which event: each rule once for a run of neighbours, with the event the run goes to."""
    marks: dict[int, list[str]] = {}
    for finding in findings:
        for first, last in _runs(finding.events):
            marks.setdefault(first, []).append(finding.rule if first == last else f"{finding.rule}…{last}")
    return marks


def _runs(events: Iterable[int]) -> Iterator[tuple[int, int]]:
    first = last = None
    for event in events:
        if first is None or last is None:
            first = event
        elif event != last + 1:
            yield first, last
            first = event
        last = event
    if first is not None and last is not None:
        yield first, last


# -- what a client holds -----------------------------------------------------------------------------------------------


def completion_of(exchange: Exchange, report: Report) -> dict[str, Any]:
    """What a client holds at the end, of an answer that came whole too, which no stream is folded for."""
    if any(value not in (None, "", []) for value in report.completion.values()):
        return report.completion
    return answer_of(exchange).completion


def _print_completion(console: HarmlessConsole, exchange: Exchange, report: Report) -> None:
    """The same members in the same order for a streamed and a whole answer, so that they compare by eye."""
    console.print(Text("\nwhat a client would hold at the end", style="bold"))
    for key, value in completion_of(exchange, report).items():
        if value in (None, "", []) and key not in ("content", "finish_reason"):
            continue
        if key == "blocks" and isinstance(value, list):
            console.print(Text(f"{key}:"))
            for number, block in enumerate(value):
                console.hanging(Text(f"  {number} {visible(_block_line(block), 2000)}"), 0, 4)
            continue
        shown = value if isinstance(value, str) else dump(value)
        console.hanging(Text(f"{key}: {visible(shown, 2000)}"), 0, 2)


def _block_line(block: Any) -> str:
    """One block of an answer: its type, and what it holds."""
    if not isinstance(block, dict):
        return dump(block)
    rest = {key: value for key, value in block.items() if key != "type"}
    return f"{block.get('type')} {dump(rest)}"
