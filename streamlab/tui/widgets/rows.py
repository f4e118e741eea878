"""A list of any length, drawn line by line: only rows on the screen are ever looked at."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.events import Click
from textual.geometry import Region
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from streamlab.tui.messages import Chosen
from streamlab.tui.palette import mark_broken
from streamlab.tui.widgets.scrolling import set_line_count


class Rows(ScrollView, can_focus=True):
    """A cursor over ``row_count`` rows below one fixed heading. Subclasses draw with `heading` and `row`."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"rows--cursor", "rows--heading", "rows--blurred"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", "down", show=False),
        Binding("k,up", "move(-1)", "up", show=False),
        Binding("ctrl+d,pagedown", "page(1)", "page down", show=False),
        Binding("ctrl+u,pageup", "page(-1)", "page up", show=False),
        Binding("g,home", "first", "first", show=False),
        Binding("G,end", "last", "last", show=False),
        Binding("enter", "choose", "open", show=False),
    ]

    cursor: reactive[int] = reactive(0, always_update=False, repaint=False)
    row_count: reactive[int] = reactive(0, repaint=False)

    #: Whether one click opens a row, where two are needed otherwise.
    CHOOSES_ON_CLICK: ClassVar[bool] = False

    #: The line that says what to do when there is nothing to show.
    empty: str = ""

    def heading(self, width: int) -> Text:
        """The heading's line."""
        raise NotImplementedError

    def row(self, number: int, width: int) -> Text:
        """One row's line; everything in it has been made visible."""
        raise NotImplementedError

    # -- drawing

    def render_line(self, y: int) -> Strip:
        """One line of the widget."""
        width = self.scrollable_content_region.width
        background = self.rich_style
        if y == 0:
            style = background + self.get_component_rich_style("rows--heading")
            return self._strip(self.heading(width), width, style)
        number = self.scroll_offset.y + y - 1
        if number >= self.row_count:
            text = Text(self.empty, "dim") if number == 1 and self.row_count == 0 else Text()
            return self._strip(text, width, background)
        style = background
        if number == self.cursor:
            style += self.get_component_rich_style("rows--cursor" if self.has_focus else "rows--blurred")
        return self._strip(mark_broken(self.row(number, width)), width, style)

    def _strip(self, text: Text, width: int, style: Style) -> Strip:
        segments = [
            Segment(segment.text, style + segment.style if segment.style else style)
            for segment in text.render(self.app.console, end="")
        ]
        return Strip(segments).adjust_cell_length(width, style)

    # -- the cursor

    def watch_row_count(self, count: int) -> None:
        """More or fewer rows."""
        set_line_count(self, count + 1)
        if self.cursor >= count:
            self.cursor = max(0, count - 1)
        self.refresh()

    def validate_cursor(self, cursor: int) -> int:
        """Inside the rows."""
        return max(0, min(cursor, self.row_count - 1))

    def watch_cursor(self, before: int, now: int) -> None:
        """The cursor moved: keep it on the screen, tell whoever listens."""
        top = self.scroll_offset.y
        self.scroll_to_cursor()
        if self.scroll_offset.y == top:
            width = self.size.width
            self.refresh(*(Region(0, row - top + 1, width, 1) for row in (before, now)))
        else:
            self.refresh()
        self.moved(now)

    def moved(self, row: int) -> None:
        """Called after the cursor moved."""

    @property
    def page_rows(self) -> int:
        """Rows that fit below the heading."""
        return max(1, self.scrollable_content_region.height - 1)

    #: The first row on the screen as somebody left it, and as the height made it.
    _top = _fitted = 0

    def scroll_to_cursor(self) -> None:
        """Bring the cursor's row onto the screen, at once."""
        self._top = self._fitted = self._fit(self.scroll_offset.y)

    def scroll_now(self, top: int) -> None:
        """Make ``top`` the first row on the screen. Forced: with the first row too many there is no scrollbar yet, and
        a view without one would not scroll."""
        self.scroll_to(y=top, animate=False, immediate=True, force=True)

    def _fit(self, top: int) -> int:
        rows = self.page_rows
        if self.cursor < top:
            top = self.cursor
        elif self.cursor >= top + rows:
            top = self.cursor - rows + 1
        if top != self.scroll_offset.y:
            self.scroll_now(top)
        return top

    def on_resize(self) -> None:
        """The cursor stays in sight when the terminal shrinks; when it grows again, everything is where it was."""
        # A taller widget is scrolled less far than a shorter one can be; anything else was somebody's wheel.
        if self.scroll_offset.y != min(self._fitted, self.max_scroll_y):
            self._top = self.scroll_offset.y
        self._fitted = self._fit(self._top)

    def show_row(self, row: int) -> None:
        """Move the cursor with some room around it."""
        row = self.validate_cursor(row)
        top, rows = self.scroll_offset.y, self.page_rows
        if not top <= row < top + rows:
            self.scroll_now(max(0, row - rows // 3))
        self.cursor = row

    def action_move(self, step: int) -> None:
        """Some rows down or up."""
        self.cursor += step

    def action_page(self, step: int) -> None:
        """A page down or up."""
        self.cursor += step * max(1, self.page_rows - 1)

    def action_first(self) -> None:
        """The first row."""
        self.cursor = 0

    def action_last(self) -> None:
        """The last row."""
        self.cursor = self.row_count - 1

    def action_choose(self) -> None:
        """Open the row."""
        if self.row_count:
            self.post_message(Chosen(self.cursor))

    def on_click(self, event: Click) -> None:
        """A click moves the cursor, a double click opens; where `CHOOSES_ON_CLICK` says so, one is enough."""
        row = self.scroll_offset.y + event.get_content_offset_capture(self).y - 1
        if 0 <= row < self.row_count:
            self.cursor = row
            if event.chain == (1 if self.CHOOSES_ON_CLICK else 2):
                self.action_choose()

    def refresh_rows(self) -> None:
        """Draw again what is on the screen."""
        self.refresh(Region(0, 0, self.size.width, self.size.height))
