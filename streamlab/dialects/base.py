"""What a dialect is: a vendor's or server's list of known deviations, and what it betrays itself by. Data, no code."""

from __future__ import annotations

from streamlab.dialects.shown import CERTAIN as CERTAIN
from streamlab.dialects.shown import LEAD as LEAD
from streamlab.dialects.shown import REGULAR as REGULAR
from streamlab.dialects.shown import Hints as Hints
from streamlab.dialects.shown import Kind as Kind
from streamlab.dialects.shown import Trait as Trait
from streamlab.record import Record


class Sign(Record, frozen=True):
    """One thing a dialect betrays itself by, and how many points it is worth (`CERTAIN` alone decides).

    ``pattern`` by kind: HOST a domain, with all below it; HEADER a name, ``name=beginning of its value``, or
    ``beginning-*`` of a name; the keys a key; ORDER keys with commas, from the first on; ID, CALL_ID, MODEL and
    FINGERPRINT a regular expression for the whole; COMMENT the beginning of one; TRAIT one of `Trait`.
    """

    kind: Kind
    pattern: str
    weight: int = CERTAIN


class Dialect(Record, frozen=True):
    """A vendor or server.

    ``outer``: a gateway that passes the streams of others on and leaves its own marks on them; it is named before
    whoever is behind it. ``deviations`` are names of rules, seen in its streams; ``reported`` are further ones that its
    issue tracker tells of, for some version. ``evidence`` says what was read; with ``witnessed`` False there were no
    bytes, only words.
    """

    name: str
    title: str
    signs: tuple[Sign, ...]
    deviations: tuple[str, ...] = ()
    reported: tuple[str, ...] = ()
    evidence: str = ""
    witnessed: bool = True
    outer: bool = False


def host(*domains: str) -> tuple[Sign, ...]:
    """Signs of a vendor's own domains."""
    return tuple(Sign(Kind.HOST, domain) for domain in domains)
