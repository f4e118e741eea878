"""The answer to a query: a table, CSV or JSON. What is in it was captured, so it is shown harmless."""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from streamlab.report.documents import dump
from streamlab.report.plain_table import plain_table
from streamlab.report.trend import plain
from streamlab.wire.visible import visible

_WIDEST = 200


def table(columns: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> Table:
    """For people."""
    shown = plain_table()
    for name in columns:
        shown.add_column(Text(visible(name, 60)))
    for row in rows:
        shown.add_row(*(Text(visible(_text(value), _WIDEST)) for value in row))
    return shown


def as_text(columns: Sequence[str], rows: Iterable[tuple[Any, ...]], form: str) -> str:
    """As ``csv``, or as ``json``: a list of objects."""
    if form == "json":
        return dump([{name: _plain(value) for name, value in zip(columns, row, strict=True)} for row in rows], 1)
    made = io.StringIO()
    writer = csv.writer(made, lineterminator="\n")
    writer.writerow([plain(name) for name in columns])
    writer.writerows(
        [value if isinstance(value, int | float) else plain(_text(value)) for value in row] for row in rows
    )
    return made.getvalue()


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _plain(value: Any) -> Any:
    """What JSON has: bytes that are no text as base64, a time as text."""
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return base64.b64encode(value).decode()
    if isinstance(value, dict):
        return {str(key): _plain(member) for key, member in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(member) for member in value]
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)
