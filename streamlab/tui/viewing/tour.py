"""Goes from finding to finding, the worst first."""

from __future__ import annotations

from collections.abc import Sequence

from streamlab.rules.finding import Finding


class Tour:
    """``finding`` is the one that was gone to. Steps asked for before there are findings are made when they come."""

    def __init__(self) -> None:
        self.finding: Finding | None = None
        self._has_begun = False
        self._asked = 0

    @property
    def is_waiting(self) -> bool:
        """Whether somebody asked before there were any."""
        return self._asked != 0

    def wait(self, step: int) -> None:
        """There are none yet."""
        self._asked += step

    def steps_asked(self) -> int:
        """The steps that were asked for meanwhile; they are made once."""
        asked, self._asked = self._asked, 0
        return asked

    def after(self, findings: Sequence[Finding], row: int, step: int) -> int:
        """Which of the findings comes next; ``row`` is where the cursor of their list is. It goes round."""
        at = next((at for at, one in enumerate(findings) if one == self.finding), None)
        if at is None:
            at = row - step if self._has_begun else (-1 if step > 0 else 0)
        self._has_begun = True
        return (at + step) % len(findings)
