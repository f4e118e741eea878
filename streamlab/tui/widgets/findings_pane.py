"""All findings of an exchange, the gravest first, and among those the ones that most clients break on."""

from __future__ import annotations

from typing import ClassVar

from rich.style import Style
from rich.text import Text

from streamlab.judging.ranking import worst_first
from streamlab.report.units import milliseconds
from streamlab.rules.finding import Finding
from streamlab.tui.palette import BOLD, DIM, badge, fit
from streamlab.tui.widgets.rows import Rows


class FindingsPane(Rows):
    """Enter goes to a finding's event and bytes; o opens its rule."""

    HELP: ClassVar[str] = """\
Everything that departs from what OpenAI promises: E error, W warning, i info; dimmed where
the server's dialect is known for it. The worst come first; among equals those on which most
clients break. Enter goes to the event, o explains the rule."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id)
        self.set_classes(classes or "")
        self.findings: list[Finding] = []
        self.empty = "no findings yet"

    def show(self, findings: tuple[Finding, ...], *, whole: bool) -> None:
        """The findings so far, or all of them."""
        before = self.findings[self.cursor].rule if self.cursor < len(self.findings) else None
        self.findings = worst_first(findings)
        self.empty = "✓ as OpenAI sends it" if whole else "no findings yet"
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
        return Text(f"  {fit('rule', min(34, width // 2))} event     at       times")

    def row(self, number: int, width: int) -> Text:
        """One finding."""
        one = self.findings[number]
        line = badge(one)
        line.append(" ")
        style = DIM if one.known else BOLD
        line.append(fit(one.rule, min(34, width // 2)), style)
        where = "whole" if one.event is None else str(one.event)
        line.append(f" {where:<7} {milliseconds(one.offset_us):>8}", Style())
        line.append(f" {f'×{one.count}' if one.count > 1 else '':<6} ", DIM)
        line.append(fit(one.message, max(0, width - line.cell_len)), DIM)
        return line
