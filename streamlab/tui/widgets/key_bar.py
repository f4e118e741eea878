"""The footer: at most eight keys, those that fit what has the focus."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.strip import Strip
from textual.widget import Widget

MOST = 8


class KeyBar(Widget):
    """One line of keys on the left, a notice on the right."""

    def __init__(self) -> None:
        super().__init__()
        self._keys: tuple[tuple[str, str], ...] = ()
        self._notice = ""

    def show(self, keys: Sequence[tuple[str, str]]) -> None:
        """Keys and what they do; more than eight are cut."""
        self._keys = tuple(keys)[:MOST]
        self.refresh()

    def notice(self, text: str) -> None:
        """What is going on, in a few words; "" for nothing. It has been made visible."""
        if text != self._notice:
            self._notice = text
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """The line."""
        width, base = self.size.width, self.rich_style
        line = Text(no_wrap=True)
        room = width - len(self._notice) - 2
        for key, what in self._keys:
            if line.cell_len + len(key) + len(what) + 4 > room:
                break
            line.append(f" {key}", "bold")
            line.append(f" {what} ", "dim")
        line.append(" " * max(0, width - line.cell_len - len(self._notice) - 1))
        line.append(self._notice[: max(0, width - 1)], "italic")
        return Strip(list(line.render(self.app.console, end=""))).apply_style(base).adjust_cell_length(width, base)
