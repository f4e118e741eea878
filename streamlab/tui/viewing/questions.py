"""Asks the analyst about the event at the cursor: at most one question of a kind is on its way."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from streamlab.tui import protocol

if TYPE_CHECKING:
    from textual.timer import Timer

    from streamlab.tui.screens.exchange import ExchangeScreen

#: Seconds from one drawing of the parts to the next, where a recorder moves the cursor.
PACE_SECONDS = 0.5
_AGAIN_SECONDS = 0.1


class Questions:
    """What is asked, and what has still to be. An answer asks again where the cursor has gone on."""

    def __init__(self, screen: ExchangeScreen) -> None:
        self._screen = screen
        self._underway: set[str] = set()
        self._is_open = False
        self._again: Timer | None = None
        self._drawn_at = 0.0
        self.is_due = False

    @property
    def is_idle(self) -> bool:
        """Whether nothing is asked, and nothing waits to be."""
        return self._is_open and not self._underway

    def begin(self) -> None:
        """Another exchange: no question about it may go before word of it."""
        self._underway.clear()
        self._is_open = False

    def open(self) -> None:
        """Tell the analyst which exchange it is."""
        screen = self._screen
        screen.app.ask(protocol.Open(screen.viewed.token, str(screen.app.watcher.path), screen.viewed.id))
        self._is_open = True
        self.ask()

    def ask(self) -> None:
        """About the event at the cursor."""
        if not self._is_open:
            return
        screen = self._screen
        for name, question in (("state", protocol.AskState), ("diff", protocol.AskDiff)):
            if name not in self._underway:
                self._underway.add(name)
                screen.app.ask(question(screen.viewed.token, self.event_for(name)))

    def event_for(self, name: str) -> int:
        """The event that a question is about."""
        event = min(self._screen.cursor, len(self._screen.viewed.events) - 1)
        return self._screen.client.event_held(self._screen.viewed, event) if name == "state" else event

    def answered(self, name: str, event: int, *, waiting: bool) -> None:
        """One answer; where the cursor has gone on, or the answer is not known yet, it is asked again."""
        self._underway.discard(name)
        if waiting:
            if self._again is None and not self.is_due:
                self._again = self._screen.set_timer(_AGAIN_SECONDS, self._once_more)
        elif event != self.event_for(name) and not self.is_due:
            self.ask()

    def _once_more(self) -> None:
        self._again = None
        self.ask()

    def may_draw(self, *, following: bool) -> bool:
        """Whether the parts are drawn now: nobody reads them at the pace of a stream; the cores are left to others."""
        self.is_due = following and monotonic() < self._drawn_at + PACE_SECONDS
        if not self.is_due:
            self._drawn_at = monotonic()
        return not self.is_due
