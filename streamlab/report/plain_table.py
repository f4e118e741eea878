"""The table of all reports: no lines, bold headings, two blanks between columns."""

from __future__ import annotations

from rich.table import Table


def plain_table(*, headings: bool = True) -> Table:
    """An empty one. Blanks stand behind each cell: rich before 15 puts its usual ones in front of the first, too."""
    return Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold", show_header=headings)
