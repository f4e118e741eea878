"""Many exchanges, a line each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from streamlab.exchange import Ending
from streamlab.report.harmless_console import HarmlessConsole
from streamlab.report.styles import STYLES
from streamlab.report.units import milliseconds, size
from streamlab.rules.finding import Severity
from streamlab.storage.browsing import ListRow
from streamlab.storage.capture_db import Overview
from streamlab.wire.visible import visible

_GAP = 2


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


def listed_json(row: ListRow) -> dict[str, Any]:
    """One line of the list as `ls` has it: what was recorded, and what a check came to (null where none was made)."""
    found = row.summary
    return {
        **row_json(row.overview),
        "worst": found.worst if found is not None else None,
        "rules": list(found.rules) if found is not None else None,
        "ttft_us": found.ttft_us if found is not None else None,
    }


# -- for people --------------------------------------------------------------------------------------------------------


class _Column(NamedTuple):
    """One column: what stands in it, how it is cut, and how few cells it makes do with where room is short."""

    name: str
    cell: Callable[[ListRow], str]
    least: int
    right: bool = False


def _label(row: ListRow) -> str:
    return "/".join(part for part in (row.overview.tap, row.overview.label) if part) or "–"


def _request(row: ListRow) -> str:
    return f"{row.overview.method or ''} {urlsplit(row.overview.url).path if row.overview.url else '–'}".strip()


def _ending(row: ListRow) -> str:
    overview = row.overview
    if overview.in_progress:
        return "recording …"
    plain = overview.ending is Ending.COMPLETE or not overview.ending_reason
    return str(overview.ending) if plain else f"{overview.ending} ({overview.ending_reason})"


def _worst(row: ListRow) -> str:
    """The gravest finding, and how many rules spoke besides."""
    found = row.summary
    if found is None:
        return "" if row.overview.in_progress else "not checked"
    if not found.rules:
        return "–"
    more = f" +{len(found.rules) - 1}" if len(found.rules) > 1 else ""
    rules = [rule for rule, severity in found.rules.items() if severity == found.worst] or list(found.rules)
    return f"{found.worst} {rules[0]}{more}"


def _model(row: ListRow) -> str:
    return row.overview.model or (row.summary.model if row.summary is not None else None) or "–"


#: In the order of the screen.
_COLUMNS = (
    _Column("id", lambda row: str(row.overview.id), 20, right=True),
    _Column("started", lambda row: str(row.overview.started_at or "–")[:19].replace("T", " "), 19),
    _Column("label", _label, 14),
    _Column("request", _request, 30),
    _Column("model", _model, 12),
    _Column("status", lambda row: "–" if row.overview.status is None else str(row.overview.status), 6, right=True),
    _Column("bytes", lambda row: size(row.overview.bytes), 7, right=True),
    _Column("TTFT", lambda row: milliseconds(row.summary.ttft_us if row.summary else None), 7, right=True),
    _Column("duration", lambda row: milliseconds(row.overview.end_us), 8, right=True),
    _Column("ending", _ending, 12),
    _Column("worst finding", _worst, 40),
)
#: Which there is room for first; the first three are always there.
_FIRST = (
    "id", "worst finding", "label", "status", "ending", "started", "model", "bytes", "TTFT", "duration", "request",
)  # fmt: skip
_ALWAYS = 3


def print_list(console: HarmlessConsole, rows: Sequence[ListRow]) -> None:
    """The list, newest last, so that it stands above the next prompt; what has no room is left out."""
    cells = {one.name: [visible(one.cell(row), 200) for row in rows] for one in _COLUMNS}
    widths = _widths({name: max(map(cell_len, (name, *column))) for name, column in cells.items()}, console.width)
    columns = [one for one in _COLUMNS if one.name in widths]
    heading = [_fitted(one.name, widths[one.name], one.right) for one in columns]
    _print_line(console, [Text(text, style="bold") for text in heading])
    for at, row in enumerate(rows):
        line = [Text(_fitted(cells[one.name][at], widths[one.name], one.right)) for one in columns]
        if row.summary is not None and row.summary.worst in STYLES:
            line[-1].stylize(STYLES[Severity(row.summary.worst)])
        _print_line(console, line)


def _widths(wanted: dict[str, int], room: int) -> dict[str, int]:
    """How wide each column is that has room: at first the least it makes do with, then what it would like to have."""
    least = {one.name: min(one.least, wanted[one.name]) for one in _COLUMNS}
    widths: dict[str, int] = {}
    for at, name in enumerate(_FIRST):
        if at < _ALWAYS or least[name] + _GAP <= room:
            widths[name] = least[name]
            room -= least[name] + _GAP
    for name in ("label", "worst finding"):  # these give where even the columns that are always there are too wide
        given = min(max(0, -room - _GAP), widths[name] - 8)
        widths[name] -= max(0, given)
        room += max(0, given)
    for name in _FIRST:
        if name in widths:
            more = max(0, min(room + _GAP, wanted[name] - widths[name]))
            widths[name] += more
            room -= more
    return widths


def _fitted(text: str, cells: int, right: bool) -> str:
    """The text in so many cells, shortened in the middle: names differ at both ends."""
    if cell_len(text) > cells:
        head = (cells - 1) // 2
        tail = text
        while cell_len(tail) > cells - 1 - head:
            tail = tail[1:]
        text = f"{set_cell_size(text, head)}…{tail}"
    return " " * (cells - cell_len(text)) + text if right else set_cell_size(text, cells)


def _print_line(console: HarmlessConsole, cells: list[Text]) -> None:
    line = Text(" " * _GAP).join(cells)
    line.rstrip()
    console.print(line, no_wrap=True, overflow="ignore", crop=False)
