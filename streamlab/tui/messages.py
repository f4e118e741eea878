"""What travels between the parts of the workbench."""

from __future__ import annotations

from textual.message import Message


class AnalystAnswer(Message):
    """The analyst process said something: one of `protocol`."""

    def __init__(self, content: object) -> None:
        super().__init__()
        self.content = content


class CursorMoved(Message):
    """Another event is looked at."""

    def __init__(self, event: int) -> None:
        super().__init__()
        self.event = event


class Chosen(Message):
    """Enter, or a double click, on a row."""

    def __init__(self, row: int) -> None:
        super().__init__()
        self.row = row
