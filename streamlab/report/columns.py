"""The columns of a list of exchanges: what stands in each, in which style; for `ls` and for the workbench's list."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

import streamlab.apis as apis
from streamlab.apis.vendors import VENDORS
from streamlab.outline import Ending, known_as
from streamlab.report.cells import cell_len, set_cell_size
from streamlab.report.styles import STYLES
from streamlab.report.units import milliseconds, size
from streamlab.rules.severity import Severity
from streamlab.storage.browsing import AnalysisSummary, ListRow
from streamlab.wire.visible import visible

_TICK = "as {} sends it"
_LETTERS = {"error": "E", "warning": "W", "info": "i"}
_BARS = " ▁▂▃▄▅▆▇█"
_BAD, _GOOD = STYLES[Severity.ERROR], "green"
#: Characters of one cell, at most.
_MOST = 200


class Cell(NamedTuple):
    """What stands in a cell, made visible, and its style in Rich's words."""

    text: str
    style: str = ""


class Column(NamedTuple):
    """``least`` is how few cells it makes do with where room is short, ``grows`` its share of what room is left.

    What has no room is shortened in the middle, since names differ at both ends; with ``cut`` at its end.
    """

    name: str
    said: Callable[[ListRow], tuple[str, str]]
    least: int
    right: bool = False
    grows: int = 0
    cut: bool = False

    def cell(self, row: ListRow) -> Cell:
        """The cell of one exchange."""
        text, style = self.said(row)
        return Cell(visible(text, _MOST), style)

    def fitted(self, text: str, cells: int) -> str:
        """The text in so many cells."""
        if cell_len(text) > cells:
            head = max(0, cells - 1 if self.cut else (cells - 1) // 2)
            tail = "" if self.cut else text
            while tail and cell_len(tail) > cells - 1 - head:
                tail = tail[1:]
            text = f"{set_cell_size(text, head)}…{tail}" if cells > 0 else ""
        return " " * (cells - cell_len(text)) + text if self.right else set_cell_size(text, cells)


def told_apart(column: Column, texts: Sequence[str], cells: int) -> list[str]:
    """The texts in so many cells: those that would look alike there without what they begin with alike."""
    alike: dict[str, set[str]] = {}
    for text in texts:
        alike.setdefault(column.fitted(text, cells), set()).add(text)
    shortened = {}
    for fitted, group in alike.items():
        begin = _alike_up_to(min(group), max(group)) if len(group) > 1 else 0
        for text in group:
            shortened[text] = column.fitted(f"…{text[begin:]}", cells) if begin > 1 else fitted
    return [shortened[text] for text in texts]


def _alike_up_to(one: str, other: str) -> int:
    return next((at for at, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), len(one))


def _sign(row: ListRow) -> tuple[str, str]:
    """The gravest severity as a letter, and * for marked."""
    found = row.summary
    if found is None:
        letter, style = "·", "dim"
    elif found.worst in _LETTERS:
        letter, style = _LETTERS[found.worst], STYLES[Severity(found.worst)]
    else:
        letter, style = ("✓", _GOOD) if _held_to(found) else ("–", "dim")
    return ("▶" if row.overview.in_progress else letter) + ("*" if row.marks else ""), style


def _held_to(found: AnalysisSummary) -> str | None:
    """Whose promises it was held to; None where it was not judged, or by a version that knew an API more."""
    if not found.judged or found.api is None:
        return None
    if found.api in VENDORS:
        return VENDORS[found.api]
    api = apis.api_named(found.api)
    return api.vendor if api is not None and api.judged else None


def _label(row: ListRow) -> tuple[str, str]:
    """Tap and label; the path where there are none."""
    overview = row.overview
    name = known_as(overview.tap, overview.label)
    return name or (urlsplit(overview.url).path if overview.url else "–"), "bold" if name else ""


def _request(row: ListRow) -> tuple[str, str]:
    overview = row.overview
    return f"{overview.method or ''} {urlsplit(overview.url).path if overview.url else '–'}".strip(), ""


def _model(row: ListRow) -> tuple[str, str]:
    return row.overview.model or (row.summary.model if row.summary is not None else None) or "–", ""


def _status(row: ListRow) -> tuple[str, str]:
    status = row.overview.status
    good = status is not None and status < 400
    return ("–" if status is None else str(status)), "" if good else _BAD


def _ending(row: ListRow) -> tuple[str, str]:
    overview = row.overview
    if overview.in_progress:
        return "recording …", "bold"
    good = overview.ending is Ending.COMPLETE
    reason = f" ({overview.ending_reason})" if overview.ending_reason and not good else ""
    return f"{overview.ending}{reason}", "dim" if good else _BAD


def _finding(row: ListRow) -> tuple[str, str]:
    """The gravest finding's rule, and how many rules spoke besides."""
    found = row.summary
    if found is None:
        return ("" if row.overview.in_progress else "not checked"), "dim"
    if found.worst is None or not found.rules:
        vendor = _held_to(found)
        return (_TICK.format(vendor), _GOOD) if vendor else ("not judged", "dim")
    rules = [rule for rule, severity in found.rules.items() if severity == found.worst] or list(found.rules)
    more = f" +{len(found.rules) - 1}" if len(found.rules) > 1 else ""
    return f"{rules[0]}{more}", STYLES[Severity(found.worst)] if found.worst in _LETTERS else ""


def _worst(row: ListRow) -> tuple[str, str]:
    """The same with its severity in a word, for where no letter stands in front."""
    text, style = _finding(row)
    worst = row.summary.worst if row.summary is not None else None
    return (f"{worst} {text}" if worst in _LETTERS else text), style


def _waits(row: ListRow) -> tuple[str, str]:
    """How the waits between events were spread over the stream."""
    gaps = row.summary.gaps if row.summary is not None else b""
    return "".join(_BARS[min(8, level)] for level in gaps[:16]), "#4f8fbf"


def _dialect(row: ListRow) -> tuple[str, str]:
    return (row.summary.dialect if row.summary is not None else None) or "–", ""


def _events(row: ListRow) -> tuple[str, str]:
    return f"{row.summary.events:,}" if row.summary is not None else "–", ""


def _ttft(row: ListRow) -> tuple[str, str]:
    return milliseconds(row.summary.ttft_us if row.summary is not None else None), ""


#: All there are, in the order in which they stand.
COLUMNS = {
    one.name: one
    for one in (
        Column(" ", _sign, 2),
        Column("id", lambda row: (str(row.overview.id), "dim"), 5, right=True),
        Column("started", lambda row: (str(row.overview.started_at or "–")[:19].replace("T", " "), ""), 19),
        Column("time", lambda row: (str(row.overview.started_at or "–")[11:19] or "–", ""), 8),
        Column("label", _label, 14, grows=2),
        Column("request", _request, 30),
        Column("model", _model, 12, grows=1),
        Column("dialect", _dialect, 9),
        Column("status", _status, 6, right=True),
        Column("events", _events, 7, right=True),
        Column("bytes", lambda row: (size(row.overview.bytes), ""), 8, right=True),
        Column("TTFT", _ttft, 8, right=True),
        Column("duration", lambda row: (milliseconds(row.overview.end_us), ""), 8, right=True),
        Column("waits", _waits, 16),
        Column("ending", _ending, 13, cut=True),
        Column("finding", _finding, 24, grows=3),
        Column("worst finding", _worst, 30, grows=3),
    )
}
