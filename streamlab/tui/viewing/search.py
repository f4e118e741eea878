"""Looks for text in the bytes of an exchange: forwards or backwards, and round the end."""

from __future__ import annotations

from streamlab.tui import protocol
from streamlab.wire.visible import visible


class SearchState:
    """``text`` is what was searched for last; "" for nothing yet."""

    def __init__(self) -> None:
        self.text = ""

    def question(self, token: int, event: int, step: int) -> protocol.Search | None:
        """What to ask the analyst; None where nothing was searched for."""
        return protocol.Search(token, self.text, event, step) if self.text else None

    @staticmethod
    def outcome(answer: protocol.SearchResult) -> str:
        """What to tell people, "" for nothing."""
        shown = repr(visible(answer.text, 40))
        if answer.event is None:
            return f"{shown} is nowhere in this exchange"
        return f"{shown}: went on round the end" if answer.wrapped else ""
