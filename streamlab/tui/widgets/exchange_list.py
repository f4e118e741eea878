"""The list of exchanges, newest first: a page of rows is read when it is looked at."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text

from streamlab.tui.drawing.exchange_list import heading, row
from streamlab.tui.watcher import ListRow, Watcher
from streamlab.tui.widgets.rows import Rows

_AHEAD = 40


class ExchangeList(Rows):
    """Rows come from the watcher; they are kept until something was written."""

    HELP: ClassVar[str] = """\
Every exchange of the capture, newest first; it grows while a recorder writes.

/ filters:  model:glm  ending:cut  rule:tool-call-*  label:x  status:>399  ttft:>500
            is:live  is:marked  is:clean  -dialect:openai  "words the model said"
s sorts by another column, S backwards through them
m marks, N adds a note, d deletes (u brings it back until you leave)

waits     how the waits between events were spread over the stream"""

    def __init__(self, watcher: Watcher, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._watcher = watcher
        self._rows: dict[int, ListRow] = {}
        self._anchor: int | None = None  # the exchange somebody moved the cursor to; None while it rests on the top

    def moved(self, row: int) -> None:
        """Remember the exchange, so that the cursor stays on it when others come."""
        self._anchor = self.current if row else None

    def reload(self, *, anew: bool = True) -> None:
        """Ids or rows changed: what is on the screen is read again; the cursor stays on its exchange."""
        if anew:
            self._rows.clear()
        self.row_count = len(self._watcher.ids)
        if self._anchor is not None and self._anchor != self.current and self._anchor in self._watcher.ids:
            before, self.cursor = self.cursor, self._watcher.ids.index(self._anchor)
            self.scroll_now(self.scroll_offset.y + self.cursor - before)
        self.refresh_rows()

    @property
    def current(self) -> int | None:
        """The exchange under the cursor."""
        ids = self._watcher.ids
        return ids[self.cursor] if self.cursor < len(ids) else None

    @property
    def on_screen(self) -> list[int]:
        """The exchanges that can be seen."""
        top = self.scroll_offset.y
        return list(self._watcher.ids[top : top + self.page_rows])

    def row_of(self, exchange_id: int, at: int) -> ListRow | None:
        """A row's data, read with its neighbours when it is not there."""
        if exchange_id not in self._rows:
            if len(self._rows) > 2_000:
                self._rows.clear()
            start = max(0, at - _AHEAD)
            self._rows.update(self._watcher.rows(list(self._watcher.ids[start : at + _AHEAD])))
        return self._rows.get(exchange_id)

    def heading(self, width: int) -> Text:
        """Names of the columns."""
        return heading(width)

    def row(self, number: int, width: int) -> Text:
        """One exchange."""
        return row(self.row_of(self._watcher.ids[number], number), width)
