"""What a rule says about one place in one exchange."""

from __future__ import annotations

from typing import Any

from streamlab.record import Record
from streamlab.rules.severity import Repairability as Repairability
from streamlab.rules.severity import Severity as Severity


class Finding(Record, frozen=True):
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
