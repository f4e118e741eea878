"""The rows of the list of exchanges: which columns (report/columns.py) have room, and how wide they are."""

from __future__ import annotations

from functools import cache

from rich.text import Text

from streamlab.report.columns import COLUMNS, Column
from streamlab.storage.browsing import ListRow
from streamlab.tui.palette import ink

#: Which columns are there first when there is not room for all.
_FIRST = (
    " ", "id", "finding", "label", "status", "ending", "model", "TTFT", "events", "time", "duration", "dialect",
    "waits", "bytes",
)  # fmt: skip
_WIDEST = {"label": 40, "model": 28}
#: Where the list is as wide as a usual terminal with its scroll bar, other columns come only after a label that can be
#: read, beside which status and ending have room; in a wider one, after a label that most need not be cut for.
_WIDE, _ROOMY, _OTHERS = 78, 24, 56
_WIDER, _ROOMIER = 110, 34


def heading(width: int) -> Text:
    """The names of the columns."""
    line = Text()
    for column, cells in _columns(width):
        line.append(column.fitted(column.name, cells) + " ")
    return line


def row(found: ListRow | None, width: int) -> Text:
    """One exchange; an empty row where it has gone."""
    line = Text(no_wrap=True)
    for column, cells in _columns(width):
        if found is None:
            line.append(" " * (cells + 1))
            continue
        said = column.cell(found)
        line.append(column.fitted(said.text, cells), ink(said.style))
        line.append(" ")
    return line


@cache
def _columns(width: int) -> list[tuple[Column, int]]:
    """The columns that have room, and their cells."""
    room, chosen = width, set()
    least = {name: COLUMNS[name].least for name in _FIRST}
    if width >= _WIDE:
        least["label"] = min(_ROOMY if width < _WIDER else _ROOMIER, width - _OTHERS)
    for name in _FIRST:
        if least[name] + 1 <= room:
            room -= least[name] + 1
            chosen.add(name)
    columns = [column for name, column in COLUMNS.items() if name in chosen]
    shares = sum(column.grows for column in columns) or 1
    widths = {column.name: least[column.name] + room * column.grows // shares for column in columns}
    for name, most in _WIDEST.items():
        if widths.get(name, 0) > most:
            widths["finding"] += widths[name] - most
            widths[name] = most
    return [(column, widths[column.name]) for column in columns]
