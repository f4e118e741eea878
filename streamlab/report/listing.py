"""Many exchanges, a line each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from streamlab.report.cells import cell_len
from streamlab.report.columns import COLUMNS, told_apart
from streamlab.report.terminal import data, is_bare, piped_width, say
from streamlab.storage.browsing import ListRow
from streamlab.storage.rows import ExchangeOverview

_GAP = 2


def row_json(row: ExchangeOverview) -> dict[str, Any]:
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
        "worst": found.worst if found is not None and found.judged else None,
        "judged": found.judged if found is not None else None,
        "rules": list(found.rules) if found is not None else None,
        "ttft_us": found.ttft_us if found is not None else None,
    }


# -- for people --------------------------------------------------------------------------------------------------------


#: Which of the columns (report/columns.py) stand here.
_COLUMNS = tuple(
    COLUMNS[name]
    for name in (
        "id", "started", "label", "request", "model", "status", "bytes", "TTFT", "duration", "ending", "worst finding",
    )
)  # fmt: skip
#: Which there is room for first; the first three are always there.
_FIRST = (
    "id", "worst finding", "label", "status", "ending", "started", "model", "bytes", "TTFT", "duration", "request",
)  # fmt: skip
_ALWAYS = 3


#: A line: a text for each column, with the style of each.
_Line = list[tuple[str, str]]


def print_list(rows: Sequence[ListRow]) -> None:
    """The list, newest last, so that it stands above the next prompt; what has no room is left out."""
    if is_bare():
        say(*[(" " * _GAP).join(text for text, _ in line).rstrip() for line in _lines(rows, piped_width())])
        return
    from rich.text import Text

    console = data()
    for one in _lines(rows, console.width):
        line = Text(" " * _GAP).join(Text(text, style) for text, style in one)
        line.rstrip()
        console.whole(line)


def _lines(rows: Sequence[ListRow], width: int) -> Iterator[_Line]:
    """The heading and a line for each."""
    cells = {one.name: [one.cell(row) for row in rows] for one in _COLUMNS}
    texts = {name: [cell.text for cell in column] for name, column in cells.items()}
    names = {one.name: one.name for one in _COLUMNS}
    if _wanted(texts, names)["label"] > _widths(_wanted(texts, names), width)["label"]:
        names["label"], texts["label"] = _without_shared_end("label", texts["label"])
    widths = _widths(_wanted(texts, names), width)
    texts["label"] = told_apart(COLUMNS["label"], texts["label"], widths["label"])
    columns = [one for one in _COLUMNS if one.name in widths]
    yield [(one.fitted(names[one.name], widths[one.name]), "bold") for one in columns]
    for at in range(len(rows)):
        line = [(one.fitted(texts[one.name][at], widths[one.name]), "") for one in columns]
        line[-1] = line[-1][0], cells[columns[-1].name][at].style
        yield line


def _wanted(texts: dict[str, list[str]], names: dict[str, str]) -> dict[str, int]:
    """How wide each column would like to be."""
    return {name: max(map(cell_len, (names[name], *column))) for name, column in texts.items()}


def _without_shared_end(heading: str, texts: list[str]) -> tuple[str, list[str]]:
    """What all end in, from a slash on, stands in the heading alone."""
    end = "/" + texts[0].rpartition("/")[2] if texts else ""
    if len(set(texts)) < 2 or not all(one.endswith(end) and len(one) > len(end) for one in texts):
        return heading, texts
    return f"{heading} (…{end})", [one.removesuffix(end) for one in texts]


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
