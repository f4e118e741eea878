"""Which finding matters most: the order in which people should look at them."""

from __future__ import annotations

from collections.abc import Iterable

from streamlab.clients.table import breaks
from streamlab.rules.finding import Finding


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """By severity, then by how many clients break on it, then in the order of the stream."""
    return sorted(findings, key=lambda one: (one.severity.rank, -len(breaks(one.rule, one.variants))))
