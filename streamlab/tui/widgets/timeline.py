"""Every event as a row on a time axis: the widget; how the rows look is in drawing/timeline.py."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType

from streamlab.rules.finding import Finding
from streamlab.tui.drawing.timeline import TimelineRows
from streamlab.tui.events import Events
from streamlab.tui.messages import CursorMoved
from streamlab.tui.widgets.rows import Rows

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
        self.drawing = TimelineRows()
        self._drawn: dict[tuple[int, int], Text] = {}
        self.empty = "waiting for the first event …"

    # -- content

    def show(self, events: Events | None, ending: str | None, end_us: int | None) -> None:
        """Another exchange, or more of this one."""
        self.drawing.show(events, ending, end_us)
        self.row_count = self.drawing.count
        self._redraw()

    def annotate(self, findings: tuple[Finding, ...], marks: dict[int, str]) -> None:
        """Findings, and what somebody marked."""
        self.drawing.annotate(findings, marks)
        self._redraw()

    @property
    def findings(self) -> dict[int, Finding]:
        """The gravest finding at each event that has one."""
        return self.drawing.findings

    def _redraw(self) -> None:
        self._drawn.clear()
        self.refresh_rows()

    def moved(self, row: int) -> None:
        """Tell the other parts; keep the cursor's moment on the axis."""
        if self.drawing.follow(row):
            self._drawn.clear()
        self.post_message(CursorMoved(row))

    def action_zoom(self, step: int) -> None:
        """Half or twice the time on the axis, around the cursor; 0 for everything."""
        self.drawing.zoom(step, self.cursor)
        self._redraw()

    # -- drawing

    def heading(self, width: int) -> Text:
        """Names of the columns, and the ends of the axis."""
        return self.drawing.heading(width)

    def row(self, number: int, width: int) -> Text:
        """One event, or the ending."""
        key = number, width
        drawn = self._drawn.get(key)
        if drawn is None:
            drawn = self.drawing.row(number, width)
            if len(self._drawn) >= _KEPT_ROWS:
                self._drawn.clear()
            self._drawn[key] = drawn
        return drawn
