"""How grave a finding is, and whether what it tells of can be repaired."""

from __future__ import annotations

from enum import StrEnum


class Severity(StrEnum):
    """Defined by consequence, see docs/architecture.md section 8."""

    ERROR = "error"  # an official or mainstream client raises, hangs, or ends up with wrong or lost content
    WARNING = "warning"  # a written promise is broken; only some clients or metrics suffer
    INFO = "info"  # legal, or by design, but known to bite

    @property
    def rank(self) -> int:
        """0 for the worst."""
        return _RANKS[self]


_RANKS = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2}


class Repairability(StrEnum):
    """Whether streamlab can repair a deviation: without a guess, only with one, or not at all; what is lost for good
    can be told, by an error event at the end of the mended stream."""

    SAFE = "safe"
    UNSAFE = "unsafe"
    TOLD = "told"
    NONE = "none"

    @property
    def mends(self) -> bool:
        """Whether the deviation is gone from the mended stream, and nothing lost."""
        return self in (Repairability.SAFE, Repairability.UNSAFE)
