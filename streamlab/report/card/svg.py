"""The timeline of an exchange as a picture: when each event came, how large it was, where something was found.

Places along the axis are in percent, so that the picture can be drawn as wide as one likes without its letters being
stretched. What it says is told in words too (``title``, ``desc``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from html import escape
from itertools import pairwise
from math import ceil, log10

from streamlab.report.card.card import Card
from streamlab.report.timeline import TimelineRow
from streamlab.report.units import counted, milliseconds

_WIDTH, _HEIGHT = 1000, 190
_TOP, _BASE, _FOUND = 24, 130, 150
#: Marks that are drawn at most; of more events several share one.
_MOST_MARKS = 1200
_STALL_US = 1_000_000
#: Where along the axis a row is, in percent.
Place = Callable[[TimelineRow], float]
_ORDER = ("error", "warning", "info")

STYLE = """
.sl-bar{fill:#3b78a8}.sl-tool{fill:#6f5bd0}.sl-end{fill:#2e7d32}.sl-bad{fill:#b3261e}.sl-quiet{fill:#8a8f98}
.sl-gap{fill:#a86700;fill-opacity:.14}.sl-axis{stroke:#6b7280;stroke-width:1}
.sl-text{fill:#3d4450;font:12px system-ui,sans-serif}
.sl-error{fill:#b3261e}.sl-warning{fill:#a86700}.sl-info{fill:#4b6b88}
@media (prefers-color-scheme:dark){.sl-bar{fill:#6fb1df}.sl-tool{fill:#a99af0}.sl-end{fill:#7bc47f}.sl-bad{fill:#ef6461}
.sl-quiet{fill:#8a8f98}.sl-gap{fill:#f2b134;fill-opacity:.18}.sl-axis{stroke:#8a93a0}.sl-text{fill:#c3cad3}
.sl-error{fill:#ef6461}.sl-warning{fill:#f2b134}.sl-info{fill:#8fb8de}}
""".strip()


def timeline_svg(card: Card, *, alone: bool = True) -> str:
    """The picture; with its style and as a document of its own when ``alone``."""
    rows = list(card.rows)
    timed = bool(rows or card.end_us) and all(row.offset_us is not None for row in rows)
    last_us = max([card.end_us or 0, *(row.offset_us or 0 for row in rows)], default=0)
    span = max(1, last_us) if timed else max(1, len(rows))

    def place(row: TimelineRow) -> float:
        return 98.5 * ((row.offset_us or 0) if timed else row.event) / span

    attributes = (
        f'xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}" viewBox="0 0 {_WIDTH} {_HEIGHT}"'
        if alone
        else f'width="100%" height="{_HEIGHT}"'
    )
    plural = "s" if len(rows) != 1 else ""
    parts = [
        f'<svg {attributes} role="img" aria-labelledby="sl-title sl-desc" class="sl-timeline">',
        f'<title id="sl-title">Timeline of {len(rows)} event{plural}</title>',
        f'<desc id="sl-desc">{escape(_told(card, timed, last_us))}</desc>',
        f"<style>{STYLE}</style>" if alone else "",
        *_gaps(rows, place, timed),
        *_bars(rows, place),
        f'<line class="sl-axis" x1="0" y1="{_BASE}" x2="100%" y2="{_BASE}"/>',
        *_axis(last_us if timed else len(rows), timed),
        *_found(card, rows, place),
        "</svg>\n",
    ]
    return "\n".join(part for part in parts if part)


def _told(card: Card, timed: bool, last_us: int) -> str:
    when = f"over {milliseconds(last_us)}" if timed else "at times that are not known, in order"
    longest = max((row.gap_us or 0 for row in card.rows), default=0)
    gap = f" The longest silence is {milliseconds(longest)}." if timed and longest else ""
    found = f" Something was found at {len(card.marks)} of them." if card.marks else ""
    return f"{counted(len(card.rows), 'event')} {when}.{gap}{found} {card.verdict}"


def _bars(rows: list[TimelineRow], place: Place) -> Iterator[str]:
    stride = max(1, ceil(len(rows) / _MOST_MARKS))
    for at in range(0, len(rows), stride):
        some = rows[at : at + stride]
        largest = max(row.size for row in some)
        height = min(_BASE - _TOP, 12 + 26 * log10(max(1, largest)))
        last = f" to {some[-1].event}" if len(some) > 1 else ""
        row = some[0]
        said = f"event {row.event}{last}: {row.kind}, {largest} bytes"
        if row.offset_us is not None:
            said += f", at {milliseconds(row.offset_us)}"
        yield (
            f'<rect class="{_class(row.kind)}" x="{place(row):.3f}%" y="{_BASE - height:.1f}" width="3"'
            f' height="{height:.1f}"><title>{escape(said)}</title></rect>'
        )


def _class(kind: str) -> str:
    if "error" in kind or kind == "not json":
        return "sl-bad"
    if "tool" in kind or "input_json" in kind or "arguments" in kind:
        return "sl-tool"
    if kind in ("done", "message_stop") or "finish" in kind or "completed" in kind:
        return "sl-end"
    return "sl-quiet" if kind in ("comment", "no data", "no event", "role", "ping") else "sl-bar"


def _gaps(rows: list[TimelineRow], place: Place, timed: bool) -> Iterator[str]:
    if not timed:
        return
    for before, row in pairwise(rows):
        if (row.gap_us or 0) >= _STALL_US:
            start, width = place(before), place(row) - place(before)
            yield (
                f'<rect class="sl-gap" x="{start:.3f}%" y="{_TOP}" width="{width:.3f}%" height="{_BASE - _TOP}">'
                f"<title>{escape(f'silence of {milliseconds(row.gap_us)}')}</title></rect>"
            )


def _axis(end: int, timed: bool) -> Iterator[str]:
    for step in range(5):
        anchor = "start" if step == 0 else "end" if step == 4 else "middle"
        label = milliseconds(end * step // 4) if timed else str(end * step // 4)
        where = f'x="{98.5 * step / 4:.3f}%" y="{_HEIGHT - 8}" text-anchor="{anchor}"'
        yield f'<text class="sl-text" {where}>{escape(label)}</text>'
    unit = "time since the request" if timed else "events, times unknown"
    yield f'<text class="sl-text" x="0" y="14">{unit}</text>'


def _found(card: Card, rows: list[TimelineRow], place: Place) -> Iterator[str]:
    stride = max(1, ceil(len(card.marks) / _MOST_MARKS))
    drawn = 0
    for row in rows:
        severity = card.marks.get(row.event)
        if severity is None:
            continue
        drawn += 1
        if (drawn - 1) % stride:
            continue
        y = _FOUND - 8 + 4 * _ORDER.index(severity)
        said = f"{severity} at event {row.event}"
        yield (
            f'<rect class="sl-{severity}" x="{place(row):.3f}%" y="{y}" width="6" height="8">'
            f"<title>{escape(said)}</title></rect>"
        )
