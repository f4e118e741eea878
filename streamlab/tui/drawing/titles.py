"""The lines above a list and above an exchange."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from rich.cells import cell_len
from rich.text import Text

from streamlab.exchange import Exchange
from streamlab.report.units import counted, milliseconds, size
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
    title.append(f"  {counted(count, 'exchange')}", "dim")
    title.append(f"  by {sort}" if sort != "newest" else "", "dim")
    return title


def exchange_title(exchange: Exchange, report: Report | None, cursor: int, events: int, width: int) -> Text:
    """Which exchange this is, what was found in it, and on the right where the cursor is; a long name gives way.

    ``cursor`` counts from 0, as events do everywhere; behind the last of them is the ending.
    """
    title = Text(no_wrap=True)
    title.append(f"{exchange.id}  ", "dim")
    title.append(visible(exchange.known_as or "exchange"), "bold")
    if exchange.request is not None:
        path = urlsplit(exchange.request.url).path if "//" in exchange.request.url else exchange.request.url
        title.append(f"  {visible(exchange.request.method, 12)} {visible(path, 80)}", "dim")
    found = Text()
    if report is not None and report.worst is not None:
        worst = next(one for one in report.findings if one.severity is report.worst)
        found.append("  ").append_text(badge(worst))
        found.append(f" {len(report.findings)} finding{'s' if len(report.findings) > 1 else ''}", "dim")
    where = f"  event {cursor:,} of {events:,}" if cursor < events else f"  end of {events:,}" if events else ""
    title.truncate(max(0, width - found.cell_len - len(where)), overflow="ellipsis")
    title.append_text(found)
    title.truncate(max(0, width - len(where)), overflow="ellipsis", pad=True)
    return title.append(where, "dim")


#: Which facts come where there is room for them, the first that is asked for first; the others are always there.
_WITH_ROOM = ("duration", "TTFT", "api", "dialect", "stalls", "size")


def exchange_facts(exchange: Exchange, events: Events, report: Report | None, note: str | None, width: int) -> Text:
    """Status, events, times, ending, and what somebody noted; what finds no room in ``width`` cells is left out."""
    facts = _facts(exchange, events, report)
    if note:
        facts["note"] = f"“{visible(note, 60)}”"
    shown = [name for name in facts if name not in _WITH_ROOM]
    for name in _WITH_ROOM:
        if name in facts and cell_len(" · ".join(facts[one] for one in (*shown, name))) <= width:
            shown.append(name)
    return Text(" · ".join(facts[name] for name in facts if name in shown), no_wrap=True, overflow="ellipsis")


def _facts(exchange: Exchange, events: Events, report: Report | None) -> dict[str, str]:
    live = bool(exchange.notes.get("in_progress"))
    facts = {"live": "● recording"} if live else {}
    facts["status"] = "no response" if exchange.head is None else f"HTTP {exchange.head.status}"
    if report is not None:
        facts |= {"api": str(report.api), "dialect": f"dialect {report.dialect or '–'}"}
    facts["events"] = counted(len(events), "event") if events.whole else f"{len(events):,}+ events"
    if report is not None:
        facts["size"] = size(report.metrics.bytes)
        facts["TTFT"] = f"TTFT {milliseconds(report.metrics.ttft_us)}"
        facts["stalls"] = f"stalls {report.metrics.stalls if report.metrics.stalls is not None else '–'}"
    if exchange.end_us is not None:
        facts["duration"] = milliseconds(exchange.end_us)
    if not live:
        facts["ending"] = str(exchange.ending)
    return facts
