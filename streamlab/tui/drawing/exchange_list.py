"""The rows of the list of exchanges: which columns have room, and what stands in them."""

from __future__ import annotations

from functools import cache
from urllib.parse import urlsplit

from rich.style import Style
from rich.text import Text

from streamlab.exchange import Ending
from streamlab.report.units import milliseconds, size
from streamlab.rules.finding import Severity
from streamlab.storage.browsing import ListRow
from streamlab.tui.palette import BARS, BOLD, DIM, GAP, GOOD, LETTERS, SEVERITY, fit


def heading(width: int) -> Text:
    """The names of the columns."""
    line = Text()
    for name, cells, right in _columns(width):
        line.append(fit(name, cells, right=right) + " ")
    return line


def row(found: ListRow | None, width: int) -> Text:
    """One exchange; an empty row where it has gone."""
    line = Text(no_wrap=True)
    for name, cells, right in _columns(width):
        text, style = ("", Style()) if found is None else _CELLS[name](found)
        line.append(fit(text, cells, right=right) if name != "waits" else text.ljust(cells), style)
        line.append(" ")
    return line


#: name -> (cells, right-aligned), in the order on the screen.
_COLUMNS = {
    " ": (2, False),
    "id": (5, True),
    "time": (8, False),
    "label": (18, False),
    "model": (13, False),
    "dialect": (9, False),
    "status": (6, True),
    "events": (7, True),
    "bytes": (8, True),
    "TTFT": (8, True),
    "duration": (8, True),
    "waits": (16, False),
    "ending": (12, False),
    "finding": (18, False),
}
#: Which columns are there first when there is not room for all.
_FIRST = (
    " ", "id", "label", "status", "ending", "finding", "time", "model", "events", "TTFT", "duration", "dialect",
    "waits", "bytes",
)  # fmt: skip
#: Columns that take what room is left, and their shares.
_GROWING = {"label": 2, "model": 1, "finding": 3}


@cache
def _columns(width: int) -> list[tuple[str, int, bool]]:
    """The columns that have room, as (name, cells, right-aligned)."""
    room, chosen = width, set()
    for name in _FIRST:
        if _COLUMNS[name][0] + 1 <= room:
            room -= _COLUMNS[name][0] + 1
            chosen.add(name)
    shares = sum(share for name, share in _GROWING.items() if name in chosen) or 1
    return [
        (name, cells + room * _GROWING.get(name, 0) // shares, right)
        for name, (cells, right) in _COLUMNS.items()
        if name in chosen
    ]


def _sign(one: ListRow) -> tuple[str, Style]:
    worst = one.summary.worst if one.summary is not None else None
    letter = LETTERS[Severity(worst)] if worst else "·" if one.summary is None else "✓"
    style = SEVERITY[Severity(worst)] if worst else GOOD if one.summary is not None else DIM
    return ("▶" if one.overview.in_progress else letter) + ("*" if one.marks else " "), style


def _label(one: ListRow) -> tuple[str, Style]:
    overview = one.overview
    name = "/".join(part for part in (overview.tap, overview.label) if part)
    return name or (urlsplit(overview.url).path if overview.url else "–"), BOLD if name else Style()


def _status(one: ListRow) -> tuple[str, Style]:
    status = one.overview.status
    good = status is not None and status < 400
    return ("–" if status is None else str(status)), Style() if good else SEVERITY[Severity.ERROR]


def _ending(one: ListRow) -> tuple[str, Style]:
    if one.overview.in_progress:
        return "recording …", BOLD
    good = one.overview.ending is Ending.COMPLETE
    return str(one.overview.ending), DIM if good else SEVERITY[Severity.ERROR]


def _finding(one: ListRow) -> tuple[str, Style]:
    if one.summary is None:
        return ("" if one.overview.in_progress else "…"), DIM
    if one.summary.worst is None:
        return "as OpenAI", GOOD
    rules = [rule for rule, severity in one.summary.rules.items() if severity == one.summary.worst]
    more = f" +{len(one.summary.rules) - 1}" if len(one.summary.rules) > 1 else ""
    return (rules[0] if rules else "") + more, SEVERITY[Severity(one.summary.worst)]


def _waits(one: ListRow) -> tuple[str, Style]:
    gaps = one.summary.gaps if one.summary is not None else b""
    return "".join(BARS[min(8, level)] for level in gaps[:16]), GAP


_CELLS = {
    " ": _sign,
    "id": lambda one: (str(one.overview.id), DIM),
    "time": lambda one: ((one.overview.started_at or "–")[11:19] or "–", Style()),
    "label": _label,
    "model": lambda one: (
        one.overview.model or (one.summary.model if one.summary is not None else None) or "–",
        Style(),
    ),
    "dialect": lambda one: ((one.summary.dialect if one.summary is not None else None) or "–", Style()),
    "status": _status,
    "events": lambda one: (f"{one.summary.events:,}" if one.summary is not None else "–", Style()),
    "bytes": lambda one: (size(one.overview.bytes), Style()),
    "TTFT": lambda one: (
        milliseconds(one.summary.ttft_us if one.summary is not None else one.overview.first_us),
        Style(),
    ),
    "duration": lambda one: (milliseconds(one.overview.end_us), Style()),
    "waits": _waits,
    "ending": _ending,
    "finding": _finding,
}
