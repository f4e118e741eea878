"""Every event as a row on a time axis: arrival, the gap before it as a bar, size, reads and chunks, kind, preview."""

from __future__ import annotations

from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual.binding import Binding, BindingType

from streamlab.exchange import Ending
from streamlab.report.text import milliseconds, size
from streamlab.report.timeline import kind, preview
from streamlab.rules.finding import Finding
from streamlab.tui.events import Events, Place
from streamlab.tui.messages import CursorMoved
from streamlab.tui.palette import ARRIVAL, BOLD, DIM, GAP, LETTERS, SEVERITY, STALL, fit, kind_style
from streamlab.tui.widgets.rows import Rows

_MIN_SPAN_US = 1_000
#: Rows are kept as drawn until something about them changes.
_KEPT_ROWS = 128


class Timeline(Rows):
    """The events of one exchange; the last row is how it ended."""

    HELP: ClassVar[str] = """\
Every row is one event of the stream; the last row says how the exchange ended.

mark      gravest finding at this event: E error, W warning, i info; * marked by you
at, gap   when its last byte came, and how long after the event before
axis      the wait as a line, the arrival as a dot; + and - zoom from the whole
          stream down to one millisecond, 0 shows the whole stream
R C       reads and HTTP chunks: ▪ begins one, · shares it with the event before,
          a number says of how many it is made
kind      what the event is; bytes; the telling part of its content"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("plus,equals_sign", "zoom(-1)", "zoom in", show=False),
        Binding("minus", "zoom(1)", "zoom out", show=False),
        Binding("0", "zoom(0)", "whole stream", show=False),
    ]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.events: Events | None = None
        self.ending: str | None = None
        self.findings: dict[int, Finding] = {}  # gravest one by event
        self.whole_findings: list[Finding] = []
        self.marks: dict[int, str] = {}
        self.end_us: int | None = None
        self.stall_us = 1_000_000
        self._span_us: int | None = None
        self._from_us = 0
        self._drawn: dict[tuple[int, int], Text] = {}
        self.empty = "waiting for the first event …"

    # -- content

    def show(self, events: Events | None, ending: str | None, end_us: int | None) -> None:
        """Another exchange, or more of this one."""
        if events is not self.events:
            self._span_us, self._from_us = None, 0
        self.events, self.ending, self.end_us = events, ending, end_us
        self._drawn.clear()
        self.row_count = (len(events) if events is not None else 0) + (ending is not None)
        self.refresh_rows()

    def annotate(self, findings: tuple[Finding, ...], marks: dict[int, str]) -> None:
        """Findings, and what somebody marked."""
        self.findings, self.whole_findings, self.marks = {}, [], marks
        for one in sorted(findings, key=lambda one: (one.severity.rank, one.known), reverse=True):
            if one.event is None:
                self.whole_findings.append(one)
            for event in one.events or (() if one.event is None else (one.event,)):
                self.findings[event] = one
        self._drawn.clear()
        self.refresh_rows()

    @property
    def end_row(self) -> int:
        """The row of the ending."""
        return len(self.events) if self.events is not None else 0

    def moved(self, row: int) -> None:
        """Tell the other parts; keep the cursor's moment on the axis."""
        self._follow()
        self.post_message(CursorMoved(row))

    # -- the axis

    @property
    def window(self) -> tuple[int, int]:
        """The stretch of time on the axis."""
        whole = max(self.end_us or 0, self.events.index.last_us if self.events is not None else 0, 1)
        if self._span_us is None or self._span_us >= whole:
            return 0, whole
        return self._from_us, self._from_us + self._span_us

    def action_zoom(self, step: int) -> None:
        """Half or twice the time on the axis, around the cursor; 0 for everything."""
        start, stop = self.window
        whole = max(self.end_us or 0, self.events.index.last_us if self.events is not None else 0, 1)
        span = whole if step == 0 else (stop - start) * 2 if step > 0 else (stop - start) // 2
        self._span_us = None if span >= whole else max(_MIN_SPAN_US, span)
        self._centre()
        self._drawn.clear()
        self.refresh_rows()

    def _centre(self) -> None:
        place = self.events.place(self.cursor) if self.events is not None else None
        at = place.offset_us if place is not None else self.end_us
        if self._span_us is not None and at is not None:
            self._from_us = max(0, at - self._span_us // 2)

    def _follow(self) -> None:
        if self._span_us is None or self.events is None:
            return
        place = self.events.place(self.cursor)
        start, stop = self.window
        if place is not None and place.offset_us is not None and not start <= place.offset_us <= stop:
            self._centre()
            self._drawn.clear()

    # -- drawing

    def _columns(self, width: int) -> tuple[int, int, bool, bool]:
        """Widths of the number and the axis; whether size and gap have room."""
        digits = max(3, len(str(max(0, self.row_count - 1))))
        axis = max(10, min(48, (width - 60) // 2)) if width >= 76 else max(0, min(12, width - 54))
        return digits, axis, width >= 64, width >= 44

    def heading(self, width: int) -> Text:
        """Names of the columns, and the ends of the axis."""
        digits, axis, sized, gapped = self._columns(width)
        line = f"   {'#':>{digits}} {'at':>8} " + (f"{'gap':>8} " if gapped else "")
        if axis >= 8:
            start, stop = self.window
            left, right = milliseconds(start) if start else "0", milliseconds(stop)
            room = axis - len(left) - len(right)
            line += (left + " " * room + right if room >= 1 else fit(right, axis, right=True)) + " "
        line += (f"{'size':>7} " if sized else "") + "RC kind     preview"
        return Text(line)

    def row(self, number: int, width: int) -> Text:
        """One event, or the ending."""
        key = number, width
        drawn = self._drawn.get(key)
        if drawn is None:
            place = self.events.place(number) if self.events is not None else None
            drawn = self._event(place, width) if place is not None else self._end(width)
            if len(self._drawn) >= _KEPT_ROWS:
                self._drawn.clear()
            self._drawn[key] = drawn
        return drawn

    def _event(self, place: Place, width: int) -> Text:
        digits, axis, sized, gapped = self._columns(width)
        meaning = place.meaning
        what = kind(meaning)
        line = Text(no_wrap=True)
        finding = self.findings.get(place.event)
        if finding is not None:
            line.append(LETTERS[finding.severity], SEVERITY[finding.severity])
        else:
            line.append(" ")
        line.append("*" if place.event in self.marks else " ", BOLD)
        line.append(f" {place.event:>{digits}} ", DIM)
        line.append(f"{milliseconds(place.offset_us):>8} ")
        if gapped:
            line.append(f"{milliseconds(place.gap_us):>8} ", self._gap_style(place.gap_us))
        if axis >= 8:
            line.append_text(self._axis(place, axis))
            line.append(" ")
        if sized:
            line.append(f"{size(len(place.sse.raw)):>7} ", DIM)
        line.append(_boundary(place.opens_read, place.cuts), GAP)
        line.append(_boundary(place.opens_chunk, place.chunk_cuts) if place.chunked else " ", DIM)
        line.append(f" {fit(what, 8)} ", kind_style(what))
        line.append(fit(preview(meaning), max(0, width - line.cell_len)))
        return line

    def _gap_style(self, gap_us: int | None) -> Style:
        return STALL if gap_us is not None and gap_us >= self.stall_us else DIM

    def _axis(self, place: Place, width: int) -> Text:
        if place.offset_us is None:
            return Text(" " * width)
        start, stop = self.window
        scale = (width - 1) / max(1, stop - start)
        at = int((place.offset_us - start) * scale)
        since = int((place.offset_us - (place.gap_us or 0) - start) * scale)
        stalled = (place.gap_us or 0) >= self.stall_us
        if at < 0:
            return Text("‹" + " " * (width - 1), DIM)
        if since >= width:
            return Text(" " * (width - 1) + "›", DIM)
        line = Text()
        left, right = max(0, since), min(at, width)
        line.append(" " * left)
        line.append(("━" if stalled else "─") * (right - left), STALL if stalled else GAP)
        line.append("●" if at < width else "", ARRIVAL)
        line.append(" " * (width - line.cell_len))
        return line

    def _end(self, width: int) -> Text:
        digits, _, _, _ = self._columns(width)
        line = Text(no_wrap=True)
        worst = self.whole_findings[-1] if self.whole_findings else None
        line.append(LETTERS[worst.severity] if worst else " ", SEVERITY[worst.severity] if worst else Style())
        line.append(f"  {'end':>{digits}} ", DIM)
        line.append(f"{milliseconds(self.end_us):>8} ")
        good = self.ending == Ending.COMPLETE
        line.append(f"■ {self.ending}", Style(color="green" if good else "red", bold=not good))
        if self.whole_findings:
            names = ", ".join(one.rule for one in reversed(self.whole_findings))
            line.append(f"  {fit(names, max(0, width - line.cell_len - 2)).rstrip()}")
        return line


def _boundary(opens: bool, cuts: tuple[int, ...]) -> str:
    if cuts:
        return str(len(cuts) + 1) if len(cuts) < 9 else "+"
    return "▪" if opens else "·"
