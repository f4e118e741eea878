"""When an event is taken for a template of runs: early at first, ever more seldom while no template serves."""

from __future__ import annotations

from enum import Enum, auto

from streamlab.wire.runs import Template

_SOON, _SELDOM = 1, 4096


class Runs(Enum):
    """Whether events that are like one before are taken as runs. What is said and repaired is the same."""

    USUAL = auto()
    OFF = auto()  # every event is read by itself
    EAGER = auto()  # every event that may serve as a template does


class Lessons:
    """Counts the events that may serve as templates, and says which of them do."""

    def __init__(self, runs: Runs = Runs.USUAL) -> None:
        self._runs = runs
        self._wait = 0  # events to let go by; none at first: live, each that is looked at holds up other streams
        self._pause = _SOON
        self._latest: Template | None = None
        self._served = False  # whether the latest did

    def due(self, anew: bool = False) -> bool:
        """Whether an event that may serve does; asked of each that may. With it another envelope may begin ``anew``, so
        that no template serves any longer: then it does where the latest served."""
        if self._runs is not Runs.USUAL:
            return self._runs is Runs.EAGER
        if anew and self._served:
            self._wait = 0
        self._wait -= 1
        return self._wait < 0

    def taken(self, template: Template | None) -> None:
        """An event was taken for a template, or could not be."""
        self._latest, self._served = template, False
        self._wait, self._pause = self._pause, min(2 * self._pause, _SELDOM)

    def served(self, template: Template) -> None:
        """Events like it came."""
        if template is self._latest:
            self._latest, self._served, self._pause = None, True, _SOON
            self._wait = min(self._wait, _SOON)
