"""Which finding matters most: the order in which people should look at them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from streamlab.apis.registry import rule_named
from streamlab.clients.table import breaks
from streamlab.judging.report import Report
from streamlab.rules.finding import Finding, Repairability, Severity


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """By severity, then by how many clients break on it, then in the order of the stream."""
    return sorted(findings, key=lambda one: (one.severity.rank, -len(breaks(one.rule, one.variants, one.api))))


class First(NamedTuple):
    """What to fix first: a rule, how grave it is, in how many exchanges it was found, and how many clients it hurts."""

    rule: str
    severity: Severity
    exchanges: int
    clients: int
    repairable: bool

    @property
    def why(self) -> str:
        """Why it is worth fixing, in a phrase."""
        if not self.clients:
            rule = rule_named(self.rule)
            written = rule is not None and rule.source.is_written
            return "a written promise is broken" if written else "it is not what was observed"
        return f"{self.clients} client{'s break' if self.clients != 1 else ' breaks'} on it"


class Tally:
    """Counts over reports whom each rule's findings hurt."""

    def __init__(self) -> None:
        self._rules: dict[str, tuple[int, int, set[str], bool]] = {}  # rank, exchanges, clients, repaired by safe means

    def add(self, report: Report) -> None:
        """Count one report."""
        seen: set[str] = set()
        for one in report.findings:
            rank, exchanges, clients, repairable = self._rules.get(one.rule, (one.severity.rank, 0, set(), True))
            clients |= {broken.client for broken in breaks(one.rule, one.variants, one.api)}
            more = 0 if one.rule in seen else 1
            safe = repairable and one.repairability is Repairability.SAFE
            self._rules[one.rule] = (min(rank, one.severity.rank), exchanges + more, clients, safe)
            seen.add(one.rule)

    def first(self) -> First | None:
        """The gravest, of equals what hurts most clients, then the most frequent; None where all are remarks."""
        best = min(self._rules.items(), key=lambda one: (one[1][0], -len(one[1][2]), -one[1][1]), default=None)
        if best is None or best[1][0] >= Severity.INFO.rank:
            return None
        rule, (rank, exchanges, clients, repairable) = best
        severity = next(one for one in Severity if one.rank == rank)
        return First(rule, severity, exchanges, len(clients), repairable)
