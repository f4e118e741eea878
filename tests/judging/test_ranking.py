"""What matters most stands first: the gravest, then what breaks most clients, each counted once."""

from __future__ import annotations

from itertools import permutations

from streamlab.clients.table import asked, breaks, rule_names
from streamlab.judging.ranking import worst_first
from streamlab.rules.finding import Finding, Severity

CHAT = "chat.completions"


def _told(finding: Finding) -> tuple[int, int]:
    """How many clients break on it, and in how many ways."""
    found = breaks(finding.rule, finding.variants, finding.api, finding.strict)
    return len({one.client for one in found}), len(found)


def _findings() -> list[Finding]:
    """One of each form that clients were asked, where it is not known whether a tool is strict."""
    forms = {(rule, one.form) for rule in rule_names() for one in asked(rule, CHAT)}
    return [
        Finding(rule, Severity.ERROR, "", api=CHAT, variants=(form,) if form else ()) for rule, form in sorted(forms)
    ]


def test_a_client_that_does_two_things_is_counted_once():
    told = [(one, *_told(one)) for one in _findings()]
    pairs = [
        (other[0], one[0])
        for one, other in permutations(told, 2)
        if one[1] < other[1] and one[2] > other[2]  # more ways, and fewer clients
    ]
    assert pairs
    for more, fewer in pairs:
        assert worst_first([fewer, more]) == [more, fewer]


def test_the_gravest_stands_first_whoever_breaks_on_the_others():
    harmless, grave = (
        Finding("tool-call-arguments-duplicated", Severity.WARNING, "", api=CHAT),
        Finding("no-such-rule", Severity.ERROR, "", api=CHAT),
    )
    assert worst_first([harmless, grave, harmless]) == [grave, harmless, harmless]
