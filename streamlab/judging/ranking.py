"""Which finding matters most: the order in which people should look at them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from streamlab.apis.registry import rule_named
from streamlab.judging.report import Report
from streamlab.record import Record
from streamlab.rules.finding import Finding, Repairability, Severity


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """By severity, then by how many clients break on it, then in the order of the stream."""
    found = list(findings)
    if len({one.severity for one in found}) == len(found):  # nobody has to be counted
        return sorted(found, key=lambda one: one.severity.rank)
    return sorted(found, key=lambda one: (one.severity.rank, -_hurt(one.rule, one.variants, one.api, one.strict)))


@lru_cache(1024)
def _hurt(rule: str, variants: tuple[str, ...], api: str, strict: bool | None) -> int:
    """How many clients: one that does two things, each where tools are strict or are not, is one."""
    from streamlab.clients.table import breaks  # deferred: most streams have few findings or none

    return len({broken.client for broken in breaks(rule, variants, api, strict)})


class First(Record, frozen=True):
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
        self._rules: dict[str, tuple[int, int, set[tuple[tuple[str, ...], str, bool | None]], bool]] = {}
        # rank, exchanges, forms, APIs and tools of its findings, repaired by safe means

    def add(self, report: Report) -> None:
        """Count one report."""
        seen: set[str] = set()
        for one in report.findings:
            rank, exchanges, forms, repairable = self._rules.get(one.rule, (one.severity.rank, 0, set(), True))
            forms.add((tuple(one.variants), one.api, one.strict))
            more = 0 if one.rule in seen else 1
            safe = repairable and one.repairability is Repairability.SAFE
            self._rules[one.rule] = (min(rank, one.severity.rank), exchanges + more, forms, safe)
            seen.add(one.rule)

    def first(self) -> First | None:
        """The gravest, of equals what hurts most clients, then the most frequent; None where all are remarks."""
        gravest = min((rank for rank, *_ in self._rules.values()), default=Severity.INFO.rank)
        if gravest >= Severity.INFO.rank:
            return None
        from streamlab.clients.table import breaks

        hurt = {
            rule: len({broken.client for form in forms for broken in breaks(rule, *form)})
            for rule, (rank, _, forms, _) in self._rules.items()
            if rank == gravest
        }
        rule = min(hurt, key=lambda one: (-hurt[one], -self._rules[one][1]))
        _, exchanges, _, repairable = self._rules[rule]
        severity = next(one for one in Severity if one.rank == gravest)
        return First(rule, severity, exchanges, hurt[rule], repairable)
