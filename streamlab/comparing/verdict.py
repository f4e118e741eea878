"""Who did it: what rules say of both sides of a hop, and what the hop did, in one line with its proof."""

from __future__ import annotations

from collections.abc import Sequence

from streamlab.comparing.carried import BothAnswers, fact_of, facts_of, is_carried
from streamlab.comparing.comparison import Blame, Difference, Kind, Verdict
from streamlab.judging.report import Report
from streamlab.rules.finding import Finding, Severity

#: A hop that does this hides what went wrong behind it, and did not break the stream itself.
_HIDES = frozenset({Kind.DONE_ADDED, Kind.CUT_MASKED})
#: A hop that does this, where it is information, tells its client what went wrong behind it.
_REPORTS = frozenset({Kind.ERROR_REPORTED, Kind.ERROR_ADDED, Kind.STATUS_CHANGED})
_LOSES = frozenset(
    {
        Kind.ALL_LOST,
        Kind.CUT_SHORT,
        Kind.TEXT_LOST,
        Kind.TEXT_CHANGED,
        Kind.EVENT_LOST,
        Kind.ERROR_SWALLOWED,
        Kind.HUNG_UP_EARLY,
        Kind.EVENT_GARBLED,
        Kind.FINISH_REASON_CHANGED,
        Kind.CALL_LOST,
        Kind.CALL_CHANGED,
        Kind.CALLS_MERGED,
        Kind.STATUS_CHANGED,
    }
)
_SHOWN = 3


def verdict(
    a: str, b: str, differences: Sequence[Difference], report_a: Report, report_b: Report, answers: BothAnswers
) -> Verdict:
    """The verdict about the hop called ``b``, whose upstream is called ``a``."""
    faults_a, faults_b = faults(report_a), faults(report_b)
    facts_a, facts_b = facts_of(faults_a), facts_of(faults_b)
    carried = tuple(one for one in faults_b if one not in faults_a and is_carried(one, facts_a, answers))
    told_before = tuple(one for one in faults_a if one in faults_b or fact_of(one) in facts_b)
    passed_on = (*told_before, *(one for one in carried if fact_of(one) not in facts_a))
    introduced = tuple(one for one in faults_b if one not in faults_a and one not in carried)
    repaired = tuple(one for one in faults_a if one not in told_before)
    did = [one for one in differences if one.severity is not Severity.INFO]
    hides = [one for one in did if one.kind in _HIDES]
    breaks = [one for one in did if one.kind not in _HIDES]
    loses = any(one.kind in _LOSES for one in did)
    broke_behind = [one for one in faults_a if one in passed_on or (not loses and _grave(faults_a[one]))]
    broke_behind += [one for one in passed_on if one not in faults_a]
    behind = bool(broke_behind) or any(one.kind is Kind.CUT_MASKED for one in hides)
    if behind:  # a slow hop does not break what was broken
        breaks = [one for one in breaks if one.kind not in (Kind.DELAYED, Kind.READS_MERGED)]
    origin = _origin(behind=behind, here=bool(breaks) or (bool(introduced) and not behind and not hides))
    hides += [one for one in differences if one.severity is Severity.INFO and one.kind in _REPORTS]
    line = _line(origin, a, b, broke_behind, breaks, hides, introduced, bool(differences))
    details = tuple(f"{b} {one.message}" for one in differences)
    worst = min((faults_b[one].severity for one in introduced), key=lambda one: one.rank, default=None)
    return Verdict(origin, line, details, introduced, passed_on, repaired, worst)


def _origin(*, behind: bool, here: bool) -> Blame:
    if behind:
        return Blame.BOTH if here else Blame.A
    return Blame.B if here else Blame.NOBODY


def faults(report: Report) -> dict[str, Finding]:
    """The first finding of each rule that is more than information, the gravest first."""
    found: dict[str, Finding] = {}
    for finding in sorted(report.findings, key=lambda one: one.severity.rank):
        if finding.severity is not Severity.INFO:
            found.setdefault(finding.rule, finding)
    return found


def _grave(finding: Finding) -> bool:
    return finding.severity is Severity.ERROR


def _line(
    origin: Blame,
    a: str,
    b: str,
    behind: list[str],
    breaks: list[Difference],
    hides: list[Difference],
    introduced: tuple[str, ...],
    differs: bool,
) -> str:
    did = _listed([one.message for one in breaks])
    hid = " and ".join(one.message for one in hides)
    rules = f" ({_listed(behind)})" if behind else ""
    if origin is Blame.NOBODY:
        harmless = f"{b} changed nothing that matters" + (f", and {hid}" if hid else "")
        return harmless if differs else f"{b} passed on faithfully what {a} sent"
    if origin is Blame.A:
        what = f"{a} sent it already{rules}" if behind else f"{a} broke off"
        return f"{what}: {b} {hid}" if hid else f"{what}: {b} passed it on"
    if origin is Blame.B:
        did = did or f"made a stream that breaks {_listed(list(introduced))}"
        return f"introduced between {a} and {b}: {b} {did}"
    what = f"{a} sent faults of its own{rules}" if behind else f"{a} broke off"
    return f"{what}, and {b} made it worse: {b} {_listed([one.message for one in (*breaks, *hides)])}"


def _listed(parts: Sequence[str]) -> str:
    more = f" and {len(parts) - _SHOWN} more" if len(parts) > _SHOWN else ""
    return "; ".join(parts[:_SHOWN]) + more
