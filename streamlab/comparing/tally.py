"""Many exchanges of two sides counted: how many were right, which rules spoke how often, what hops did.

What users build by hand ("11 of 11 direct, 0 of 13 through the gateway"), from reports and comparisons.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from streamlab.comparing.comparison import Comparison, Kind
from streamlab.exchange import Ending
from streamlab.judging.report import Report
from streamlab.rules.finding import Severity


@dataclass(slots=True)
class TalliedSide:
    """One side: exchanges, those that were judged, those of them without an error that came to their end, and in how
    many exchanges each rule spoke."""

    name: str
    exchanges: int = 0
    judged: int = 0
    right: int = 0
    rules: Counter[str] = field(default_factory=Counter)

    def add(self, report: Report, ending: Ending) -> None:
        """One more exchange."""
        self.exchanges += 1
        self.judged += report.judged
        errors = any(one.severity is Severity.ERROR for one in report.findings)
        self.right += report.judged and not errors and ending is Ending.COMPLETE
        self.rules.update({one.rule for one in report.findings})


@dataclass(frozen=True, slots=True)
class TalliedRule:
    """A rule, its gravest severity, and in how many exchanges of each side it spoke."""

    rule: str
    severity: Severity
    a: int
    b: int


@dataclass(frozen=True, slots=True)
class TalliedDifference:
    """What hops did, in how many pairs; ``message`` is the first one's."""

    kind: Kind
    severity: Severity
    pairs: int
    message: str


@dataclass(slots=True)
class FolderTally:
    """Two sides and the pairs among them, counted."""

    a: TalliedSide
    b: TalliedSide
    pairs: int = 0
    unpaired: list[str] = field(default_factory=list)
    _severities: dict[str, Severity] = field(default_factory=dict)
    _differences: dict[Kind, TalliedDifference] = field(default_factory=dict)

    def add(self, side: TalliedSide, report: Report, ending: Ending) -> None:
        """One more exchange of a side."""
        side.add(report, ending)
        for one in report.findings:
            old = self._severities.get(one.rule)
            if old is None or one.severity.rank < old.rank:
                self._severities[one.rule] = one.severity

    def add_pair(self, comparison: Comparison) -> None:
        """One more pair."""
        self.pairs += 1
        for kind, first in _first_of_each(comparison).items():
            old = self._differences.get(kind)
            self._differences[kind] = TalliedDifference(
                kind,
                first.severity if old is None else min(first.severity, old.severity, key=lambda one: one.rank),
                1 if old is None else old.pairs + 1,
                first.message if old is None else old.message,
            )

    @property
    def rules(self) -> Sequence[TalliedRule]:
        """Where the sides differ most first; then by severity and name."""
        listed = (
            TalliedRule(rule, severity, self.a.rules[rule], self.b.rules[rule])
            for rule, severity in self._severities.items()
        )
        return sorted(listed, key=lambda one: (-abs(self._share(one)), one.severity.rank, one.rule))

    def _share(self, one: TalliedRule) -> float:
        return one.b / max(1, self.b.exchanges) - one.a / max(1, self.a.exchanges)

    @property
    def differences(self) -> Sequence[TalliedDifference]:
        """The most frequent first."""
        return sorted(self._differences.values(), key=lambda one: (-one.pairs, one.severity.rank, one.kind))


def _first_of_each(comparison: Comparison) -> dict[Kind, TalliedDifference]:
    found: dict[Kind, TalliedDifference] = {}
    for one in comparison.differences:
        found.setdefault(one.kind, TalliedDifference(one.kind, one.severity, 1, one.message))
    return found


def pair_up(a: Sequence[tuple[str, object]], b: Sequence[tuple[str, object]]) -> Iterable[tuple[int, int]]:
    """Indexes of exchanges that belong together: those of the same name, else those that were asked the same, in order.

    Each is a (name, what was asked) pair; what was asked is None where it is unknown.
    """
    names = {name: at for at, (name, _) in enumerate(b)}
    taken: set[int] = set()
    waiting = []
    for at, (name, _) in enumerate(a):
        other = names.get(name)
        if other is not None and other not in taken:
            taken.add(other)
            yield at, other
        else:
            waiting.append(at)
    for at in waiting:
        asked = a[at][1]
        if asked is None:
            continue
        for other, (_, theirs) in enumerate(b):
            if other not in taken and theirs == asked:
                taken.add(other)
                yield at, other
                break
