"""The whole stream in two lines: the waits as bars, the findings as letters below, and where the cursor is."""

from __future__ import annotations

from bisect import bisect_left
from math import sqrt
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.events import Click
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from streamlab.judging.event_index import EventIndex
from streamlab.rules.finding import Finding, Severity
from streamlab.tui.palette import BARS, DIM, GAP, LETTERS, SEVERITY, STALL


class Overview(Widget):
    """Each column stands for an equal share of the events. A click goes there."""

    HELP: ClassVar[str] = """\
The whole stream, left to right: the height of a bar is the longest wait there, the
longest of all being full, and the first bar the wait from the request on; the letters
below are findings. A click goes there."""

    class Clicked(Message):
        """A place was clicked: the number of the event."""

        def __init__(self, event: int) -> None:
            super().__init__()
            self.event = event

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._index: EventIndex | None = None
        self._worst: list[tuple[int, Severity]] = []
        self._cursor = 0
        self._stall_us = 1_000_000

    def show(self, index: EventIndex | None, stall_us: int) -> None:
        """More of the stream, or another one."""
        self._index, self._stall_us = index, stall_us
        self.refresh()

    def annotate(self, findings: tuple[Finding, ...]) -> None:
        """The findings to mark."""
        found = ((event, one.severity) for one in findings for event in one.events)
        self._worst = sorted(found, key=lambda one: (one[0], one[1].rank))
        self.refresh()

    def move(self, event: int) -> None:
        """The cursor is at another event."""
        self._cursor = event
        self.refresh()

    def _share(self, column: int, width: int) -> tuple[int, int]:
        events = self._index.events if self._index is not None else 0
        return column * events // width, max(column * events // width + 1, (column + 1) * events // width)

    def render_line(self, y: int) -> Strip:
        """Bars, then letters."""
        width, base = self.size.width, self.rich_style
        if self._index is None or not self._index.events or width <= 0:
            return Strip.blank(width, base)
        here = min(width - 1, -(-self._cursor * width // max(1, self._index.events)))
        segments = []
        for column in range(width):
            sign, style = self._bar(column, width) if y == 0 else self._letter(column, width)
            if column == here:
                style += Style(reverse=True) if y == 0 else Style(bold=True)
                sign = sign if y == 0 or sign.strip() else "▲"
            segments.append(Segment(sign, base + style))
        return Strip(segments)

    def _continues(self, column: int, width: int) -> bool:
        """Whether the column stands for the same event as the one before it."""
        return column > 0 and self._share(column, width)[0] == self._share(column - 1, width)[0]

    def _bar(self, column: int, width: int) -> tuple[str, Style]:
        assert self._index is not None
        if self._continues(column, width):
            return " ", GAP
        sketch = self._index.sketch
        start, stop = (event // sketch.stride for event in self._share(column, width))
        gap = max(sketch.gaps[start : max(stop, start + 1)], default=0)
        first = max(0, sketch.times[0])
        stalled = gap >= self._stall_us
        if column == 0:
            gap = max(gap, first)  # the wait from the request on
        # By the square root: a wait a hundred times as long is ten times as high, so that short ones are still seen.
        level = 0 if gap <= 0 else max(1, round(8 * sqrt(gap / max(1, self._index.longest[0], first))))
        return BARS[min(8, level)], STALL if stalled else GAP

    def _letter(self, column: int, width: int) -> tuple[str, Style]:
        if self._continues(column, width):
            return " ", DIM
        start, stop = self._share(column, width)
        at = bisect_left(self._worst, start, key=lambda one: one[0])
        worst: Severity | None = None
        for event, severity in self._worst[at : at + 256]:
            if event >= stop:
                break
            worst = severity if worst is None or severity.rank < worst.rank else worst
        return (LETTERS[worst], SEVERITY[worst]) if worst is not None else (" ", DIM)

    def on_click(self, event: Click) -> None:
        """Go to the event under the mouse."""
        if self._index is not None and self._index.events:
            column = event.get_content_offset_capture(self).x
            self.post_message(self.Clicked(self._share(column, max(1, self.size.width))[0]))
