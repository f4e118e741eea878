"""Plays the stream: a clock for `playing.Player`, which knows none."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from streamlab.tui.events import Events
from streamlab.tui.playing import Player

if TYPE_CHECKING:
    from textual.timer import Timer

    from streamlab.tui.screens.exchange import ExchangeScreen

_FRAME = 1 / 30


class Play:
    """Moves the cursor of a screen while the player runs."""

    def __init__(self, screen: ExchangeScreen, events: Events) -> None:
        self._screen = screen
        self.player = Player(events)
        self._timer: Timer | None = None
        self._last_tick = 0.0

    @property
    def said(self) -> str:
        """What it does, in a few words; "" for nothing."""
        player = self.player
        if player.running:
            return f"▶ ×{player.speed:g}"
        return f"■ stopped at {player.stopped}" if player.stopped else ""

    def toggle(self) -> None:
        """Play, or hold."""
        if self.player.running:
            self.hold()
            return
        self.player.start(self._screen.cursor)
        self._screen.go(self.player.event)
        self._last_tick = monotonic()
        if self._timer is None:
            self._timer = self._screen.set_interval(_FRAME, self._tick)
        else:
            self._timer.resume()
        self._screen.show_notice()

    def hold(self, why: str = "") -> None:
        """Stop where it is."""
        self.player.stop(why)
        if self._timer is not None:
            self._timer.pause()
        self._screen.show_notice()

    def _tick(self) -> None:
        if not self.player.running:
            return
        now = monotonic()
        event = self.player.advance(now - self._last_tick, self._screen.timeline.findings.keys())
        self._last_tick = now
        if event != self._screen.cursor:
            self._screen.go(event)
        if self.player.stopped:
            self.hold(self.player.stopped)
