"""Which finding matters most: the order in which people should look at them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from streamlab.apis.registry import rule_named
from streamlab.judging.report import Report
from streamlab.record import Record
from streamlab.rules.finding import Finding, Repairability, Severity


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """By severity, then by how many clients break on it, then in the order of the stream.

    Clients that were measured come before any number of those that issue trackers alone tell of.
    """
    found = list(findings)
    if len({one.severity for one in found}) == len(found):  # nobody has to be counted
        return sorted(found, key=lambda one: one.severity.rank)
    return sorted(found, key=lambda one: (one.severity.rank, _order((one.variants, one.api, one.strict), one.rule)))


#: What decides who breaks on a finding: its forms, its API, and whether a tool is strict.
_Form = tuple[tuple[str, ...], str, bool | None]


@lru_cache(1024)
def _order(form: _Form, rule: str) -> tuple[int, int]:
    """Less for what hurts more clients."""
    measured, reported = _hurt(rule, (form,))
    return -measured, -reported


def _hurt(rule: str, forms: Iterable[_Form]) -> tuple[int, int]:
    """How many clients: those measured, and those only reported. One that does two things is one."""
    from streamlab.clients.table import breaks  # deferred: most streams have few findings or none

    found = [broken for form in forms for broken in breaks(rule, *form)]
    measured = {broken.client for broken in found if broken.measured}
    return len(measured), len({broken.client for broken in found} - measured)


class First(Record, frozen=True):
    """What to fix first: a rule, how grave it is, in how many exchanges it was found, and how many clients it hurts.

    ``clients`` are those that were measured, ``reported`` others that issue trackers alone tell of. ``repairable``:
    all of it is repaired by safe means; ``on_request``: all of it is, some by a guess that has to be asked for.
    """

    rule: str
    severity: Severity
    exchanges: int
    clients: int
    reported: int
    repairable: bool
    on_request: bool

    @property
    def why(self) -> str:
        """Why it is worth fixing, in a phrase."""
        broken = f"{self.clients} client{'s break' if self.clients != 1 else ' breaks'} on it" * bool(self.clients)
        if self.reported:
            said = f"{'are' if self.reported != 1 else 'is'} reported to"
            if broken:
                return f"{broken}, {self.reported} more {said}"
            return f"{self.reported} client{'s' * (self.reported != 1)} {said} break on it"
        if broken:
            return broken
        rule = rule_named(self.rule)
        written = rule is not None and rule.source.is_written
        return "a written promise is broken" if written else "it is not what was observed"


class Tally:
    """Counts over reports whom each rule's findings hurt."""

    def __init__(self) -> None:
        self._rules: dict[str, tuple[int, int, set[_Form], set[Repairability]]] = {}
        # rank, exchanges, forms of its findings, and how they are repaired

    def add(self, report: Report) -> None:
        """Count one report."""
        seen: set[str] = set()
        for one in report.findings:
            rank, exchanges, forms, repairs = self._rules.get(one.rule, (one.severity.rank, 0, set(), set()))
            forms.add((tuple(one.variants), one.api, one.strict))
            repairs.add(one.repairability)
            more = 0 if one.rule in seen else 1
            self._rules[one.rule] = (min(rank, one.severity.rank), exchanges + more, forms, repairs)
            seen.add(one.rule)

    def first(self) -> First | None:
        """The gravest, of equals what hurts most clients, then the most frequent; None where all are remarks."""
        gravest = min((rank for rank, *_ in self._rules.values()), default=Severity.INFO.rank)
        if gravest >= Severity.INFO.rank:
            return None
        hurt = {rule: _hurt(rule, forms) for rule, (rank, _, forms, _) in self._rules.items() if rank == gravest}
        rule = max(hurt, key=lambda one: (*hurt[one], self._rules[one][1]))
        _, exchanges, _, repairs = self._rules[rule]
        severity = next(one for one in Severity if one.rank == gravest)
        asked = repairs <= {Repairability.SAFE, Repairability.UNSAFE}
        return First(rule, severity, exchanges, *hurt[rule], repairs == {Repairability.SAFE}, asked)
