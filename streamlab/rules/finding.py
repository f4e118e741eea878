"""What a rule says about one place in one exchange."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


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


@dataclass(frozen=True, slots=True)
class Finding:
    """One deviation at its first place; ``count`` and ``events`` say where else it stands.

    ``event`` counts server-sent events from 0, ``span`` is a byte range of the body (end exclusive); both are None
    where the finding is about the whole. ``path`` names a JSON member (``choices[0].delta.role``). ``known`` means
    that the dialect lists the rule. ``variants`` names the forms of the deviation that were seen, as `Rule.variants`
    words them; () when the rule cannot tell them apart. ``api`` is the name of the API whose clients read it: only who
    was asked in that one is said to break on it; "" when it is not known. ``strict`` says whether a tool of the
    request is: some clients break only where one is; None when it is not known.
    """

    rule: str
    severity: Severity
    message: str
    event: int | None = None
    span: tuple[int, int] | None = None
    path: str | None = None
    offset_us: int | None = None
    expected: Any = None
    actual: Any = None
    repairability: Repairability = Repairability.NONE
    known: bool = False
    count: int = 1
    events: tuple[int, ...] = ()
    variants: tuple[str, ...] = ()
    api: str = ""
    strict: bool | None = None
