"""How much there is to scroll over."""

from __future__ import annotations

from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.widget import Widget


def set_line_count(view: ScrollView, lines: int) -> None:
    """Say how many lines a view has.

    For a new size Textual lays out and draws the whole screen. Where the view has its scrollbar before and after, or
    has none before and after, nothing but the scrollbar can look different, and a stream that grows is spared that.
    """
    size = Size(0, lines)
    room = view.container_size.height
    if size == view.virtual_size:
        return
    if room and view.show_vertical_scrollbar == (lines > room):
        view.set_reactive(Widget.virtual_size, size)
        if view.show_vertical_scrollbar:
            view.vertical_scrollbar.window_virtual_size = lines
        view.scroll_y = view.validate_scroll_y(view.scroll_y)
        view.refresh()
    else:
        view.virtual_size = size
