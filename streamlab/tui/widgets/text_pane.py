"""A pane of text that scrolls: lines are made once, when the content changes or the pane gets another width."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.scroll_view import ScrollView
from textual.strip import Strip

from streamlab.tui.palette import mark_broken
from streamlab.tui.widgets.scrolling import set_line_count


class TextPane(ScrollView, can_focus=True):
    """Subclasses give `lines` for a width; they call `update_lines` when something changed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "scroll_down", "scroll down", show=False),
        Binding("k,up", "scroll_up", "scroll up", show=False),
        Binding("pagedown", "page_down", show=False),
        Binding("pageup", "page_up", show=False),
        Binding("home", "scroll_home", show=False),
        Binding("end", "scroll_end", show=False),
    ]

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._lines: list[Text] = []
        self._width = -1

    def lines(self, width: int) -> list[Text]:
        """The pane's lines, none wider than ``width``; everything in them has been made visible."""
        raise NotImplementedError

    def update_lines(self, *, top: bool = True) -> None:
        """The content changed; ``top`` begins again at its first line."""
        self._width = -1
        if top:
            self.scroll_to(y=0, animate=False, immediate=True)
        self._layout_lines()
        self.refresh()

    def on_resize(self) -> None:
        """Another width: the lines are made again."""
        self._layout_lines()

    def _layout_lines(self) -> None:
        width = self.scrollable_content_region.width
        if width <= 0 or not self.is_attached:
            return
        if width != self._width:
            self._width = width
            self._lines = [mark_broken(line) for line in self.lines(width)]
            set_line_count(self, len(self._lines))

    @property
    def needed(self) -> int:
        """How many lines there are to show."""
        self._layout_lines()
        return len(self._lines)

    def render_line(self, y: int) -> Strip:
        """One line."""
        width = self.scrollable_content_region.width
        self._layout_lines()
        at = self.scroll_offset.y + y
        style = self.rich_style
        if at >= len(self._lines):
            return Strip.blank(width, style)
        segments = [
            Segment(segment.text, style + segment.style if segment.style else style)
            for segment in self._lines[at].render(self.app.console, end="")
        ]
        return Strip(segments).adjust_cell_length(width, style)

    def wrapped(self, text: Text, width: int, indent: str = "") -> list[Text]:
        """A text broken at words into lines that fit; later lines are indented."""
        console = self.app.console
        if not indent:
            return list(text.wrap(console, max(1, width)))
        first, *rest = text.wrap(console, max(8, width - len(indent))) or [Text()]
        return [first, *(Text(indent) + line for line in rest)]
