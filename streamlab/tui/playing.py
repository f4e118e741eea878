"""Playing a stream: which event is due when. Knows no clock; the screen tells it how much time went by."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field

from streamlab.tui.events import Events

SPEEDS = (0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 50.0)
#: Events a second where arrival times are unknown.
_UNTIMED = 20
#: Events passed at most in one step, so that a burst does not hold the screen up.
_AT_ONCE = 500


@dataclass
class Breakpoints:
    """Where playing stops: at an event with a finding, before a gap of so many microseconds, at an event."""

    findings: bool = True
    gap_us: int | None = None
    event: int | None = None


@dataclass
class Player:
    """Plays from ``event`` on. ``running`` ends at the last event or a breakpoint; ``stopped`` says why."""

    events: Events
    event: int = 0
    speed: float = 1.0
    running: bool = False
    stopped: str = ""
    breaks: Breakpoints = field(default_factory=Breakpoints)
    _at_us: float = 0.0

    def start(self, event: int) -> None:
        """Begin, or go on, at an event."""
        self.event = event if event + 1 < len(self.events) else 0
        place = self.events.place(self.event)
        self._at_us = float((place.offset_us if place is not None else None) or 0)
        self.running, self.stopped = True, ""

    def stop(self, why: str = "") -> None:
        """Hold."""
        self.running, self.stopped = False, why

    def faster(self, step: int) -> None:
        """The next higher or lower speed."""
        at = SPEEDS.index(self.speed) if self.speed in SPEEDS else 3
        self.speed = SPEEDS[max(0, min(len(SPEEDS) - 1, at + step))]

    def advance(self, seconds: float, with_findings: Container[int]) -> int:
        """So much time went by: the event that is due now."""
        self._at_us += seconds * 1_000_000 * self.speed
        for _ in range(_AT_ONCE):
            place = self.events.place(self.event + 1)
            if place is None:
                if self.events.whole:
                    self.stop("the end")
                break
            due = place.offset_us
            if due is None:
                if self._at_us < 1_000_000 / _UNTIMED:
                    break
                self._at_us -= 1_000_000 / _UNTIMED
            elif due > self._at_us:
                break
            self.event += 1
            why = self._broken_at(self.event, place.gap_us, with_findings)
            if why:
                self.stop(why)
                break
        return self.event

    def _broken_at(self, event: int, gap_us: int | None, with_findings: Container[int]) -> str:
        if self.breaks.findings and event in with_findings:
            return "a finding"
        if self.breaks.gap_us is not None and (gap_us or 0) >= self.breaks.gap_us:
            return "a gap"
        return f"event {event}" if event == self.breaks.event else ""
