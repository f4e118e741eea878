"""The time axis of a timeline: which stretch of time is on it, and each event's wait and arrival on that."""

from __future__ import annotations

from enum import Enum

from rich.text import Text

from streamlab.report.units import milliseconds
from streamlab.tui.events import EventPlace, Events
from streamlab.tui.palette import ARRIVAL, DIM, GAP, STALL, fit

_MIN_SPAN_US = 1_000
#: Screenfuls of events from which the whole stream on the axis would be a column of equal dots.
_CROWDED = 3


class Stretch(Enum):
    """What the axis shows."""

    SCREEN = "what is on the screen"  # where the whole would show nothing, else the whole
    WHOLE = "the whole stream"
    CHOSEN = "so much time around a moment"


class Axis:
    """Begins at the request, or with ``from_first`` at the first event."""

    def __init__(self) -> None:
        self.from_first = False
        self._events: Events | None = None
        self._end_us: int | None = None
        self._stretch = Stretch.SCREEN
        self._page = (0, 0)
        self._start_us = self._span_us = 0

    def show(self, events: Events | None, end_us: int | None) -> None:
        """Another exchange, or more of this one."""
        self._events, self._end_us = events, end_us

    def look(self, top: int, rows: int) -> bool:
        """These rows are on the screen; whether that changes the axis."""
        before = self.window
        self._page = (top, rows)
        return self.window != before

    # -- the stretch of time

    @property
    def _last(self) -> int:
        return max(self._end_us or 0, self._events.index.last_us if self._events is not None else 0, 1)

    def _at(self, event: int) -> int | None:
        place = self._events.place(event) if self._events is not None else None
        return place.offset_us if place is not None else None

    @property
    def _whole(self) -> tuple[int, int]:
        first = self._at(0) if self.from_first else None
        return min(first or 0, self._last - 1), self._last

    @property
    def window(self) -> tuple[int, int]:
        """From when to when, in microseconds since the request."""
        if self._stretch is Stretch.CHOSEN:
            return self._start_us, self._start_us + self._span_us
        crowded = len(self._events or ()) > _CROWDED * self._page[1] > 0
        return self._on_screen() if self._stretch is Stretch.SCREEN and crowded else self._whole

    def _on_screen(self) -> tuple[int, int]:
        top, rows = self._page
        last = min(top + rows, len(self._events or ())) - 1
        start, stop = self._at(top - 1) if top else self._whole[0], self._at(last)
        if start is None or stop is None:
            return self._whole
        return start, max(stop, start + _MIN_SPAN_US)

    def zoom(self, step: int, row: int) -> None:
        """Half (-1) or twice (1) the time, around a row; 0 for the whole, and again for what is on the screen."""
        if step == 0:
            self._stretch = Stretch.SCREEN if self._stretch is Stretch.WHOLE else Stretch.WHOLE
            return
        start, stop = self.window
        span = (stop - start) * 2 if step > 0 else (stop - start) // 2
        if span >= self._whole[1] - self._whole[0]:
            self._stretch = Stretch.WHOLE
            return
        self._stretch, self._span_us = Stretch.CHOSEN, max(_MIN_SPAN_US, span)
        self._centre(row)

    def _centre(self, row: int) -> None:
        at = self._at(row)
        at = self._end_us if at is None else at
        if at is not None:
            self._start_us = max(0, at - self._span_us // 2)

    def follow(self, row: int) -> bool:
        """Bring a row's moment onto the axis; whether that moved it."""
        at = self._at(row)
        start, stop = self.window
        if self._stretch is not Stretch.CHOSEN or at is None or start <= at <= stop:
            return False
        self._centre(row)
        return True

    # -- drawing

    def heading(self, width: int) -> str:
        """Its ends, and a line between marks, so that nobody takes it for columns."""
        if self._end_us is None and self._at(0) is None:
            return f"├{'─' * (width - 2)}┤"  # nobody knows when what came
        start, stop = self.window
        left, right = milliseconds(start) if start else "0", milliseconds(stop)
        room = width - len(left) - len(right) - 2
        if room >= 1:
            return f"├{left}{'─' * room}{right}┤"
        return fit(f"├{right}┤" if len(right) + 2 <= width else f"├{right}", width, right=True)

    def bar(self, place: EventPlace, width: int, stall_us: int) -> Text:
        """The wait as a line, the arrival as a dot; the wait from the request to the first event is dotted."""
        if place.offset_us is None:
            return Text(" " * width)
        start, stop = self.window
        scale = (width - 1) / max(1, stop - start)
        waited = place.offset_us if place.event == 0 else place.gap_us or 0
        at, since = int((place.offset_us - start) * scale), int((place.offset_us - waited - start) * scale)
        if at < 0:
            return Text("‹" + " " * (width - 1), DIM)
        if since >= width:
            return Text(" " * (width - 1) + "›", DIM)
        stalled = place.event > 0 and waited >= stall_us
        left, right = max(0, since), min(at, width)
        line = Text(" " * left)
        sign = "┄" if place.event == 0 else "━" if stalled else "─"
        line.append(sign * (right - left), STALL if stalled else GAP)
        line.append("●" if at < width else "", ARRIVAL)
        return line.append(" " * (width - line.cell_len))
