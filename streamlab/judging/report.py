"""What an analysis says: a `Report`."""

from __future__ import annotations

from typing import Any

from streamlab.judging.metrics import Metrics
from streamlab.record import Record
from streamlab.rules.api import Api
from streamlab.rules.finding import Finding, Severity


class Report(Record, frozen=True):
    """Findings in the order of the stream, numbers, and what a client would hold.

    ``judged`` is False where no rules of the API ran over an answer, and ``why`` says why, in a phrase.
    ``recovered`` are findings about events that no client could read before their framing was repaired: without
    numbers and bytes, and in no count. ``left_out`` is how many findings there are that were not asked for.
    ``dialect`` is the vendor or server the exchange betrays, ``dialect_reasons`` why; None and () when none does.
    """

    api: Api
    findings: tuple[Finding, ...]
    metrics: Metrics
    completion: dict[str, Any]
    dialect: str | None = None
    dialect_reasons: tuple[str, ...] = ()
    judged: bool = True
    why: str | None = None
    recovered: tuple[Finding, ...] = ()
    left_out: int = 0

    @property
    def worst(self) -> Severity | None:
        """The gravest severity among the findings; None when there are none."""
        return min((finding.severity for finding in self.findings), key=lambda one: one.rank, default=None)

    @property
    def verdict(self) -> str:
        """What is said where there is no finding."""
        if not self.judged:
            return f"not judged: {self.why}"
        if self.left_out:
            return f"nothing that was asked for; findings left out: {self.left_out}"
        return f"✓ as {self.api.vendor} sends it"

    def count(self, severity: Severity) -> int:
        """How many findings have this severity."""
        return sum(finding.severity is severity for finding in self.findings)
