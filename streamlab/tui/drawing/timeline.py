"""The rows of a timeline: arrival, the gap before it as a bar, size, reads and chunks, kind, preview."""

from __future__ import annotations

from rich.style import Style
from rich.text import Text

from streamlab.exchange import Ending
from streamlab.report.timeline import kind, preview
from streamlab.report.units import milliseconds, size
from streamlab.rules.finding import Finding
from streamlab.tui.events import Events, Place
from streamlab.tui.palette import ARRIVAL, BOLD, DIM, GAP, GOOD, GRAVE, LETTERS, SEVERITY, STALL, fit, kind_style

_MIN_SPAN_US = 1_000


class TimelineRows:
    """The events of one exchange as rows on a time axis; the last row is how it ended.

    ``stall_us`` is the wait from which a gap counts as a stall. The axis shows the whole stream, or a stretch of it
    around one moment (`zoom`).
    """

    def __init__(self) -> None:
        self.events: Events | None = None
        self.ending: str | None = None
        self.end_us: int | None = None
        self.findings: dict[int, Finding] = {}  # gravest one by event
        self.whole_findings: list[Finding] = []
        self.marks: dict[int, str] = {}
        self.stall_us = 1_000_000
        self._span_us: int | None = None
        self._from_us = 0

    def show(self, events: Events | None, ending: str | None, end_us: int | None) -> None:
        """Another exchange, or more of this one."""
        if events is not self.events:
            self._span_us, self._from_us = None, 0
        self.events, self.ending, self.end_us = events, ending, end_us

    def annotate(self, findings: tuple[Finding, ...], marks: dict[int, str]) -> None:
        """Findings, and what somebody marked."""
        self.findings, self.whole_findings, self.marks = {}, [], marks
        for one in sorted(findings, key=lambda one: (one.severity.rank, one.known), reverse=True):
            if one.event is None:
                self.whole_findings.append(one)
            for event in one.events or (() if one.event is None else (one.event,)):
                self.findings[event] = one

    @property
    def count(self) -> int:
        """How many rows there are."""
        return (len(self.events) if self.events is not None else 0) + (self.ending is not None)

    # -- the axis

    @property
    def _whole(self) -> int:
        return max(self.end_us or 0, self.events.index.last_us if self.events is not None else 0, 1)

    @property
    def window(self) -> tuple[int, int]:
        """The stretch of time on the axis, in microseconds."""
        if self._span_us is None or self._span_us >= self._whole:
            return 0, self._whole
        return self._from_us, self._from_us + self._span_us

    def zoom(self, step: int, row: int) -> None:
        """Half (-1) or twice (1) the time on the axis, around a row; 0 for everything."""
        start, stop = self.window
        span = self._whole if step == 0 else (stop - start) * 2 if step > 0 else (stop - start) // 2
        self._span_us = None if span >= self._whole else max(_MIN_SPAN_US, span)
        self._centre(row)

    def _centre(self, row: int) -> None:
        place = self.events.place(row) if self.events is not None else None
        at = place.offset_us if place is not None else self.end_us
        if self._span_us is not None and at is not None:
            self._from_us = max(0, at - self._span_us // 2)

    def follow(self, row: int) -> bool:
        """Bring a row's moment onto the axis; whether that moved it."""
        if self._span_us is None or self.events is None:
            return False
        place = self.events.place(row)
        start, stop = self.window
        if place is None or place.offset_us is None or start <= place.offset_us <= stop:
            return False
        self._centre(row)
        return True

    # -- drawing

    def _columns(self, width: int) -> tuple[int, int, bool, bool]:
        """Widths of the number and the axis; whether size and gap have room."""
        digits = max(3, len(str(max(0, self.count - 1))))
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
        place = self.events.place(number) if self.events is not None else None
        return self._event(place, width) if place is not None else self._end(width)

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
        line.append(f"■ {self.ending}", GOOD if good else GRAVE)
        if self.whole_findings:
            names = ", ".join(one.rule for one in reversed(self.whole_findings))
            line.append(f"  {fit(names, max(0, width - line.cell_len - 2)).rstrip()}")
        return line


def _boundary(opens: bool, cuts: tuple[int, ...]) -> str:
    if cuts:
        return str(len(cuts) + 1) if len(cuts) < 9 else "+"
    return "▪" if opens else "·"
