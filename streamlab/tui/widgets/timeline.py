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
Every row is one event; the last says how the exchange ended.

mark      the gravest finding at this event: E error, W warning,
          i info; * marked by you. A rule that nearly every event
          breaks stands in the frame below instead
at, gap   when its last byte came, and how long after the one before
├ axis ┤  the wait as a line (the one from the request on is dotted),
          the arrival as a dot; of a long stream, the stretch of time
          that is on the screen
R C       reads and HTTP chunks: ▪ begins one, · shares it with the
          event before, a number says of how many it is made
kind      what it is; its bytes; the telling part of its content"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("plus,equals_sign", "zoom(-1)", "zoom in", show=False),
        Binding("minus", "zoom(1)", "zoom out", show=False),
        Binding("0", "zoom(0)", "the whole stream, or what is on the screen", show=False),
        Binding("z", "begin", "axis from the first event, or the request", show=False),
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
        self.drawing.axis.look(self.scroll_offset.y, self.page_rows)
        self._redraw()

    def annotate(self, findings: tuple[Finding, ...], marks: dict[int, str]) -> None:
        """Findings, and what somebody marked; what nearly every row has stands in the frame."""
        self.drawing.annotate(findings, marks)
        self.border_subtitle = self.drawing.folded_note.plain
        self._redraw()

    def point_at(self, text: str) -> None:
        """Show where a text is that was searched for."""
        self.drawing.searched = text
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
        if self.drawing.axis.follow(row):
            self._drawn.clear()
        self.post_message(CursorMoved(row))

    def action_zoom(self, step: int) -> None:
        """Half or twice the time on the axis, around the cursor; 0 for everything."""
        self.drawing.axis.zoom(step, self.cursor)
        self._redraw()

    def action_begin(self) -> None:
        """Let the axis begin at the first event, or at the request again."""
        self.drawing.axis.from_first = not self.drawing.axis.from_first
        self._redraw()

    def _look(self) -> None:
        if self.drawing.axis.look(self.scroll_offset.y, self.page_rows):
            self._redraw()

    def watch_scroll_y(self, before: float, now: float) -> None:
        """Other rows are on the screen, and with them another stretch of time."""
        super().watch_scroll_y(before, now)
        self._look()

    def on_resize(self) -> None:
        """More rows, or fewer."""
        super().on_resize()
        self._look()

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
