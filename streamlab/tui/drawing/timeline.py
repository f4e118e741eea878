"""The rows of a timeline: arrival, the gap before it as a bar, size, reads and chunks, kind, preview."""

from __future__ import annotations

from typing import NamedTuple

from rich.style import Style
from rich.text import Text

from streamlab.exchange import Ending
from streamlab.report.timeline import kind, preview
from streamlab.report.units import milliseconds, size
from streamlab.rules.finding import Finding
from streamlab.tui.drawing.axis import Axis
from streamlab.tui.events import EventPlace, Events
from streamlab.tui.palette import BOLD, DIM, FOUND, GAP, GOOD, GRAVE, LETTERS, SEVERITY, STALL, fit, kind_style

#: A rule is folded when it speaks of at least so many events, and of so large a part of all.
_FOLDED_EVENTS, _FOLDED_PART = 5, 0.8
#: Kinds of chunks are no longer than role+content: longer are names of events, which are told apart by their ends.
_CHAT_KIND = 12


class _Widths(NamedTuple):
    """Cells of the number, the axis and the kind; whether size and gap have room."""

    digits: int
    axis: int
    sized: bool
    gapped: bool
    kind: int


class TimelineRows:
    """The events of one exchange as rows on a time axis; the last row is how it ended.

    ``stall_us`` is the wait from which a gap counts as a stall, ``searched`` a text to point at. ``folded`` are the
    findings that nearly every row has: they are left out of the marker column, so that rows which differ stand out.
    """

    def __init__(self) -> None:
        self.events: Events | None = None
        self.ending: str | None = None
        self.end_us: int | None = None
        self.axis = Axis()
        self.findings: dict[int, Finding] = {}  # gravest one by event
        self.whole_findings: list[Finding] = []
        self.folded: list[Finding] = []
        self.marks: dict[int, str] = {}
        self.stall_us = 1_000_000
        self.searched = ""
        self._marked: dict[int, Finding] = {}
        self._long: bool | None = None

    def show(self, events: Events | None, ending: str | None, end_us: int | None) -> None:
        """Another exchange, or more of this one."""
        if events is not self.events:
            self.axis, self._long = Axis(), None
        self.events, self.ending, self.end_us = events, ending, end_us
        self.axis.show(events, end_us)

    def follow(self, events: Events) -> None:
        """The same exchange under another index, which keeps the axis as it is."""
        if self.events is not None and events.body is self.events.body:
            self.events = events

    def annotate(self, findings: tuple[Finding, ...], marks: dict[int, str]) -> None:
        """Findings, and what somebody marked."""
        self.findings, self.whole_findings, self.marks, self._marked = {}, [], marks, {}
        self.folded = [one for one in findings if self._is_everywhere(one)]
        for one in sorted(findings, key=lambda one: (one.severity.rank, one.known), reverse=True):
            if one.event is None:
                self.whole_findings.append(one)
            for event in one.events or (() if one.event is None else (one.event,)):
                self.findings[event] = one
                if one not in self.folded:
                    self._marked[event] = one

    def _is_everywhere(self, finding: Finding) -> bool:
        events = len(self.events) if self.events is not None else 0
        return finding.count >= max(_FOLDED_EVENTS, _FOLDED_PART * events)

    @property
    def folded_note(self) -> Text:
        """The folded findings in a line; empty without any."""
        note = Text("on nearly every event: ", DIM) if self.folded else Text()
        for at, one in enumerate(sorted(self.folded, key=lambda one: one.severity.rank)):
            note.append("  " if at else "").append(LETTERS[one.severity], SEVERITY[one.severity])
            note.append(f" {one.rule}", DIM)
        return note

    @property
    def count(self) -> int:
        """How many rows there are."""
        return (len(self.events) if self.events is not None else 0) + (self.ending is not None)

    # -- drawing

    def _widths(self, width: int) -> _Widths:
        """The preview has what is left, and most of it where there is much."""
        digits = max(3, len(str(max(0, self.count - 1))))
        kinds = 8 if width < 70 or not self._long_kinds() else 13 if width < 100 else 20  # 20: content_block_delta
        rest = width - (kinds - 8)
        axis = max(8, min(48, (rest - 58) // 3)) if width >= 64 else max(0, min(12, width - 54))
        return _Widths(digits, axis, width >= 90, width >= 44, kinds)

    def _long_kinds(self) -> bool:
        """Whether the first events have the long names of Messages and Responses."""
        if self._long is None and self.events is not None and len(self.events):
            self._long = any(len(kind(place.meaning)) > _CHAT_KIND for place in self.events.places(0, 3))
        return bool(self._long)

    def heading(self, width: int) -> Text:
        """Names of the columns, and the ends of the axis as a line between marks."""
        digits, axis, sized, gapped, kinds = self._widths(width)
        line = f"   {'#':>{digits}} {'at':>8} " + (f"{'gap':>8} " if gapped else "")
        if axis >= 8:
            line += f"{self.axis.heading(axis)} "
        return Text(line + (f"{'size':>7} " if sized else "") + f"RC {'kind':{kinds}} preview")

    def row(self, number: int, width: int) -> Text:
        """One event, or the ending."""
        place = self.events.place(number) if self.events is not None else None
        return self._event(place, width) if place is not None else self._end(width)

    def _event(self, place: EventPlace, width: int) -> Text:
        digits, axis, sized, gapped, kinds = self._widths(width)
        what = kind(place.meaning)
        line = Text(no_wrap=True)
        finding = self._marked.get(place.event)
        line.append(LETTERS[finding.severity] if finding else " ", SEVERITY[finding.severity] if finding else Style())
        line.append("*" if place.event in self.marks else " ", BOLD)
        line.append(f" {place.event:>{digits}} ", DIM)
        line.append(f"{milliseconds(place.offset_us):>8} ")
        if gapped:
            line.append(f"{milliseconds(place.gap_us):>8} ", self._gap_style(place.gap_us))
        if axis >= 8:
            line.append_text(self.axis.bar(place, axis, self.stall_us)).append(" ")
        if sized:
            line.append(f"{size(len(place.sse.raw)):>7} ", DIM)
        line.append(_boundary(place.opens_read, place.cuts), GAP)
        line.append(_boundary(place.opens_chunk, place.chunk_cuts) if place.chunked else " ", DIM)
        line.append(f" {_tail(what, kinds)} ", kind_style(what))
        before = len(line)
        line.append(fit(preview(place.meaning), max(0, width - line.cell_len)))
        self._point_at_searched(line, before)
        return line

    def _point_at_searched(self, line: Text, start: int) -> None:
        needle, shown = self.searched.lower(), line.plain.lower()
        at = shown.find(needle, start) if needle else -1
        while at >= 0:
            line.stylize(FOUND, at, at + len(needle))
            at = shown.find(needle, at + len(needle))

    def _gap_style(self, gap_us: int | None) -> Style:
        return STALL if gap_us is not None and gap_us >= self.stall_us else DIM

    def _end(self, width: int) -> Text:
        digits = self._widths(width).digits
        line = Text(no_wrap=True)
        worst = self.whole_findings[-1] if self.whole_findings else None
        line.append(LETTERS[worst.severity] if worst else " ", SEVERITY[worst.severity] if worst else Style())
        line.append(f"  {'end':>{digits}} ", DIM)
        line.append(f"{milliseconds(self.end_us):>8} ")
        good = self.ending == Ending.COMPLETE
        line.append(f"■ {self.ending}", GOOD if good else GRAVE)
        if self.whole_findings:
            names = ", ".join(one.rule for one in reversed(self.whole_findings))
            line.append(f"  {fit(names, max(0, width - line.cell_len - 2)).rstrip()}")
        return line


def _tail(kind: str, width: int) -> str:
    """A kind in so many cells: of a long name that has no room its end, since the names of events begin alike."""
    return fit("…" + kind[1 - width :] if len(kind) > max(width, _CHAT_KIND) else kind, width)


def _boundary(opens: bool, cuts: tuple[int, ...]) -> str:
    if cuts:
        return str(len(cuts) + 1) if len(cuts) < 9 else "+"
    return "▪" if opens else "·"
