"""By which written promise something is an error, where no client is named."""

from __future__ import annotations

from streamlab.apis.registry import rule_named


def promise_of(rule: str) -> str | None:
    """The document and the place in it; None where it is written nowhere, or where there is no such rule any more."""
    found = rule_named(rule)
    return str(found.source) if found is not None and found.source.is_written else None
