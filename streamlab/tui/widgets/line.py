"""One line of text, cut where it does not fit."""

from __future__ import annotations

from rich.segment import Segment
from rich.text import Text
from textual.strip import Strip
from textual.widget import Widget


class OneLine(Widget):
    """Shows one line; what is put into it has been made visible."""

    def __init__(self, text: Text | None = None, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._text = text or Text()

    def update(self, text: Text) -> None:
        """Another line."""
        if text != self._text or text.spans != self._text.spans:
            self._text = text
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """The line, with an ellipsis where it is cut."""
        width, base = self.size.width, self.rich_style
        if y:
            return Strip.blank(width, base)
        line = self._text.copy()
        line.truncate(width, overflow="ellipsis")
        segments = [
            Segment(segment.text, base + segment.style if segment.style else base)
            for segment in line.render(self.app.console, end="")
        ]
        return Strip(segments).adjust_cell_length(width, base)
