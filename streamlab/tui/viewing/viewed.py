"""The exchange on the screen, as far as it is known by now: its events, its findings, and which of them are where."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamlab.exchange import Exchange
from streamlab.rules.finding import Finding
from streamlab.tui import protocol
from streamlab.tui.drawing.layout import AT_ONCE

if TYPE_CHECKING:
    from streamlab.judging.report import Report
    from streamlab.rules.api import Api
    from streamlab.tui.watcher import Watcher

#: A wait this long is a stall however short the others are.
_STALL_US = 1_000_000


class Viewed:
    """One exchange. Its beginning is there at once; `extend` and `judge` take what the analyst says of the rest."""

    def __init__(self, watcher: Watcher, exchange_id: int, token: int) -> None:
        self._watcher = watcher
        self.id, self.token = exchange_id, token
        self.exchange: Exchange = watcher.exchange(exchange_id)
        self.events = watcher.events(self.exchange)
        self.events.start(AT_ONCE)
        self.report: Report | None = None
        self.is_judged = False
        self.is_growing = self.is_live
        self._is_fresh = True

    @property
    def is_live(self) -> bool:
        """Whether a recorder is still writing it."""
        return bool(self.exchange.notes.get("in_progress"))

    @property
    def ending(self) -> str | None:
        """How it ended; None as long as that is not known."""
        return str(self.exchange.ending) if self.events.whole and not self.is_live else None

    @property
    def marks(self) -> dict[int, str]:
        """Marked events and their notes; -1 stands for the exchange itself."""
        return self._watcher.marks(self.id)

    def look_again(self) -> None:
        """Somebody has written to the capture."""
        self.exchange = self._watcher.exchange(self.id)
        self.events.end_us = self.exchange.end_us

    def extend(self, answer: protocol.Indexed) -> None:
        """More of the index."""
        if self._is_fresh:
            # What this process indexed for the first screen is the beginning of what the analyst says in full.
            body, self._is_fresh = self.events.body, False
            self.events = self._watcher.events(self.exchange)
            self.events.body = body
        self.events.index.extend(answer.part)
        self.events.whole = answer.whole
        if answer.whole and self.is_live:
            self.look_again()

    def judge(self, answer: protocol.Analyzed) -> None:
        """The findings so far, or all of them."""
        self.report, self.is_judged = answer.report, answer.whole

    @property
    def api(self) -> Api | None:
        """Its API; None as long as that is not known."""
        return self.report.api if self.report is not None else None

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Those that are known."""
        return self.report.findings if self.report is not None else ()

    @property
    def stall_us(self) -> int:
        """The wait from which one speaks of a stall."""
        median = self.report.metrics.gap_p50_us if self.report is not None else None
        return _STALL_US if median is None else max(_STALL_US, 10 * median)

    @property
    def clean_note(self) -> str:
        """What to say where there is no finding: nothing good before all was judged."""
        if self.report is None or not self.is_judged:
            return "analysing …"
        return self.report.verdict

    def rows_of(self, finding: Finding) -> tuple[int, ...]:
        """The rows that a finding is about; what is about the whole stands at its end."""
        if finding.event is None:
            return (len(self.events),)
        return finding.events or (finding.event,)

    def findings_at(self, row: int, first: Finding | None = None) -> tuple[Finding, ...]:
        """The findings of a row, the gravest first, before them ``first`` where it is one of them."""
        at = (one for one in self.findings if row in self.rows_of(one))
        return tuple(sorted(at, key=lambda one: (one is not first, one.severity.rank)))
