"""All findings of an exchange, the gravest first, and among those the ones that most clients break on."""

from __future__ import annotations

from typing import ClassVar

from rich.style import Style
from rich.text import Text

from streamlab.judging.ranking import worst_first
from streamlab.rules.finding import Finding
from streamlab.tui.palette import BOLD, DIM, badge, fit
from streamlab.tui.widgets.rows import Rows

#: A rule's name is cut at so many cells where there is little room.
_NAME = 38


class FindingsPane(Rows):
    """A click or Enter goes to a finding's event and bytes; o opens its rule."""

    HELP: ClassVar[str] = """\
Everything that departs from what OpenAI promises: E error, W warning, i info; dimmed where
the server's dialect is known for it. The worst come first; among equals those on which most
clients break. A click or Enter goes to the event, o explains the rule."""
    CHOOSES_ON_CLICK: ClassVar[bool] = True

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id)
        self.set_classes(classes or "")
        self.findings: list[Finding] = []
        self.empty = "analysing …"

    def show(self, findings: tuple[Finding, ...], none: str) -> None:
        """The findings so far; ``none`` is what to say where there are none."""
        before = self.findings[self.cursor].rule if self.cursor < len(self.findings) else None
        self.findings = worst_first(findings)
        self.empty = none
        self.row_count = len(self.findings)
        if before is not None:
            self.cursor = next((at for at, one in enumerate(self.findings) if one.rule == before), self.cursor)
        self.refresh_rows()

    @property
    def current(self) -> Finding | None:
        """The finding under the cursor."""
        return self.findings[self.cursor] if self.cursor < len(self.findings) else None

    def heading(self, width: int) -> Text:
        """Names of the columns."""
        return Text(f"  {fit('rule', self._name_cells(width))} event   times  what")

    def _name_cells(self, width: int) -> int:
        longest = max((len(one.rule) for one in self.findings), default=4)
        return max(4, min(longest, _NAME, width // 2))

    def row(self, number: int, width: int) -> Text:
        """One finding."""
        one = self.findings[number]
        line = badge(one)
        line.append(" ")
        style = DIM if one.known else BOLD
        line.append(fit(one.rule, self._name_cells(width)), style)
        where = "whole" if one.event is None else f"{one.event:,}"
        line.append(f" {where:<7} ", Style())
        line.append(f"{f'×{one.count}' if one.count > 1 else '':<6} ", DIM)
        line.append(fit(one.message, max(0, width - line.cell_len)), DIM)
        return line
