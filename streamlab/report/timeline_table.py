"""The timeline of an exchange as a table, of which no more than some rows are in memory at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from streamlab.exchange import Exchange
from streamlab.report.harmless_console import HarmlessConsole
from streamlab.report.plain_table import plain_table
from streamlab.report.timeline import TimelineRow, timeline_rows
from streamlab.report.units import milliseconds

_NUMBERS = ("event", "at", "gap", "bytes")
_NARROW_KIND = 16
_NARROW_PREVIEW = 14
#: Rows that are laid out and printed together.
_AT_ONCE = 100

#: event -> the rules to name beside it
Marks = Mapping[int, Sequence[str]]


@dataclass(slots=True)
class _ColumnWidths:
    """How wide the widest of each column is, which takes a reading of the stream of its own."""

    numbers: list[int] = field(default_factory=lambda: [len(name) for name in _NUMBERS])
    kind: int = len("kind")
    preview: int = 0
    rows: int = 0

    def take(self, row: TimelineRow) -> None:
        self.numbers = [max(had, len(one)) for had, one in zip(self.numbers, _numbers(row), strict=True)]
        self.kind, self.preview = max(self.kind, cell_len(row.kind)), max(self.preview, cell_len(row.preview))
        self.rows += 1


class _TimelineLayout:
    """The columns: numbers stand whole at any width; rules that find no room beside the preview go below it."""

    def __init__(self, widths: _ColumnWidths, marks: Marks, width: int) -> None:
        said = [f"{one}," for marked in marks.values() for one in marked]
        self._heading = "findings (…N: to N)" if any("…" in one for one in said) else "findings"
        room = width - 2 * (len(_NUMBERS) + 1) - sum(widths.numbers)
        names = max(cell_len(one) for one in (self._heading, *said))
        self.beside = room - widths.kind - names - 2 >= _NARROW_PREVIEW
        self.kind = widths.kind if self.beside else min(widths.kind, max(_NARROW_KIND, room - names))
        self.preview = max(_NARROW_PREVIEW, room - self.kind - (names + 2 if self.beside else 0))
        self._numbers = widths.numbers
        self._shown = min(self.preview, max(widths.preview, len("preview")))

    def table(self, *, first: bool) -> Table:
        """An empty one; only the first has headings."""
        rows = plain_table(headings=first)
        for heading, widest in zip(_NUMBERS, self._numbers, strict=True):
            rows.add_column(heading, justify="right", no_wrap=True, min_width=widest)
        rows.add_column("kind", no_wrap=True, min_width=self.kind)
        if self.beside:
            rows.add_column("preview", overflow="fold", no_wrap=True, min_width=self._shown, max_width=self.preview)
            rows.add_column(self._heading)
        else:
            rows.add_column(f"preview, ↳{self._heading}", overflow="fold", max_width=self.preview)
        return rows


def print_timeline(console: HarmlessConsole, exchange: Exchange, marks: Marks) -> None:
    """A row an event; ``marks`` are the rules beside it."""
    widths = _ColumnWidths()
    for row in timeline_rows(exchange):
        widths.take(row)
    if not widths.rows:
        return
    layout = _TimelineLayout(widths, marks, console.width)
    rows = timeline_rows(exchange)
    for begun in range(0, widths.rows, _AT_ONCE):
        table = layout.table(first=not begun)
        for row in islice(rows, _AT_ONCE):
            _add(table, layout, row, marks.get(row.event, ()))
        console.print(table)


def _numbers(row: TimelineRow) -> tuple[str, str, str, str]:
    return str(row.event), milliseconds(row.offset_us), milliseconds(row.gap_us), str(row.size)


def _add(table: Table, layout: _TimelineLayout, row: TimelineRow, marked: Sequence[str]) -> None:
    found, shown = [Text(one) for one in marked], Text(row.preview)
    shown.truncate(layout.preview, overflow="ellipsis")
    below = [Text("\n").join([*([shown] if shown else []), *(Text("↳") + one for one in found)])]
    kind = Text(row.kind if cell_len(row.kind) <= layout.kind else "…" + row.kind[1 - layout.kind :])
    table.add_row(*map(Text, _numbers(row)), kind, *([shown, Text(", ").join(found)] if layout.beside else below))
