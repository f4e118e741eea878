"""Many exchanges, a line each."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from rich.table import Table
from rich.text import Text

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
