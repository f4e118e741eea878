"""First sightings for people and for machines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.table import Table
from rich.text import Text

from streamlab.judging.trend import Sighting
from streamlab.report.styles import STYLES
from streamlab.rules.finding import Severity
from streamlab.wire.visible import visible


def table(seen: Sequence[Sighting]) -> Table:
    """A row for each rule and upstream."""
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("first seen", "exchange", "upstream", "rule", "severity", "after", "in", "last seen"):
        shown.add_column(name, justify="right" if name in ("exchange", "after", "in") else "left")
    for one in seen:
        severity = Severity(one.severity) if one.severity in list(Severity) else None
        shown.add_row(
            Text(_moment(one.first_at)),
            Text(str(one.first_id)),
            Text(visible(one.upstream, 60)),
            Text(one.rule),
            Text(visible(one.severity, 10), style=STYLES[severity] if severity is not None else ""),
            Text(f"{one.before} without"),
            Text(f"{one.count} of {one.total}"),
            Text(f"{_moment(one.last_at)} ({one.last_id})"),
        )
    return shown


def _moment(at: str | None) -> str:
    return (at or "–")[:19].replace("T", " ")


def as_json(seen: Sequence[Sighting]) -> list[dict[str, Any]]:
    """The same for machines."""
    return [asdict(one) for one in seen]
