"""The lines above a list and above an exchange."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from rich.text import Text

from streamlab.exchange import Exchange
from streamlab.report.units import milliseconds, size
from streamlab.tui.events import Events
from streamlab.tui.palette import badge
from streamlab.wire.visible import visible

if TYPE_CHECKING:
    from streamlab.judging.report import Report


def list_title(capture: str, count: int, sort: str) -> Text:
    """What is being looked at, how many exchanges there are, and in which order."""
    title = Text(no_wrap=True)
    title.append("streamlab", "bold")
    title.append(f"  {visible(capture)}", "")
    title.append(f"  {count:,} exchange{'s' if count != 1 else ''}", "dim")
    title.append(f"  by {sort}" if sort != "newest" else "", "dim")
    return title


def exchange_title(exchange: Exchange, report: Report | None, cursor: int, rows: int, width: int) -> Text:
    """Which exchange this is, what was found in it, and on the right where the cursor is."""
    title = Text(no_wrap=True)
    title.append(f"{exchange.id}  ", "dim")
    label = "/".join(part for part in (exchange.tap, exchange.label) if part)
    title.append(visible(label or "exchange"), "bold")
    if exchange.request is not None:
        path = urlsplit(exchange.request.url).path if "//" in exchange.request.url else exchange.request.url
        title.append(f"  {visible(exchange.request.method, 12)} {visible(path, 80)}", "dim")
    if report is not None and report.worst is not None:
        worst = next(one for one in report.findings if one.severity is report.worst)
        title.append("  ")
        title.append_text(badge(worst))
        title.append(f" {len(report.findings)} finding{'s' if len(report.findings) > 1 else ''}", "dim")
    where = f"  {cursor + 1:,} of {rows:,}" if rows else ""
    title.truncate(max(0, width - len(where)), overflow="ellipsis", pad=True)
    return title.append(where, "dim")


def exchange_facts(exchange: Exchange, events: Events, report: Report | None, note: str | None) -> Text:
    """Status, events, times, ending, and what somebody noted."""
    live = bool(exchange.notes.get("in_progress"))
    facts = ["● recording"] if live else []
    facts.append("no response" if exchange.head is None else f"HTTP {exchange.head.status}")
    if report is not None:
        facts += [str(report.api), f"dialect {report.dialect or '–'}"]
    facts.append(f"{len(events):,}{'' if events.whole else '+'} events")
    if report is not None:
        facts.append(size(report.metrics.bytes))
        facts.append(f"first token {milliseconds(report.metrics.ttft_us)}")
        facts.append(f"stalls {report.metrics.stalls if report.metrics.stalls is not None else '–'}")
    if exchange.end_us is not None:
        facts.append(milliseconds(exchange.end_us))
    if not live:
        facts.append(str(exchange.ending))
    if note:
        facts.append(f"“{visible(note, 60)}”")
    return Text(" · ".join(facts), no_wrap=True, overflow="ellipsis")
