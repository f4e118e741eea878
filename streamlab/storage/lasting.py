"""Whether what is said of an exchange holds for good."""

from __future__ import annotations

from streamlab.exchange import Exchange


def may_be_kept(exchange: Exchange) -> bool:
    """Whether what is said of it now holds for good: it has ended, and nobody can go on with it."""
    return not exchange.notes.get("in_progress") and exchange.notes.get("ending_reason") != "recorder-gone"
