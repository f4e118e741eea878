"""What a dialect is: a vendor's or server's list of known deviations, and what it betrays itself by. Data, no code."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

#: Points that make a dialect certain. One sign that nobody else gives is worth as much; weak signs have to add up.
CERTAIN = 10
#: How far ahead of the next the best must be.
LEAD = 3


@dataclass(frozen=True, slots=True)
class Hints:
    """What an exchange shows of who sent it. All text is lower case except ids, fingerprints and comments."""

    host: str = ""
    headers: tuple[tuple[str, str], ...] = ()  # of the response, in order
    chunk_keys: frozenset[str] = frozenset()  # top-level keys of the first chunks
    choice_keys: frozenset[str] = frozenset()
    delta_keys: frozenset[str] = frozenset()
    usage_keys: frozenset[str] = frozenset()
    order: tuple[str, ...] = ()  # top-level keys of the first chunk with a choice, as they stand in it
    ids: tuple[str, ...] = ()  # of the first chunks, without repetition
    call_ids: tuple[str, ...] = ()  # of the first tool calls
    model: str = ""
    fingerprints: tuple[str, ...] = ()
    comments: tuple[str, ...] = ()
    traits: frozenset[str] = frozenset()  # see Trait


class Trait:
    """Marks that are neither a key nor a value."""

    CRLF = "lines end in CRLF"
    NO_SPACE = "no space after data:"
    NO_ID = "chunks have no id"
    EMPTY_ID = "the chunk id is empty"
    IDS_CHANGE = "every chunk has its own id"
    NO_OBJECT = "chunks have no object"
    TEXT_OBJECT = "object is text_completion in a chat stream"
    NO_FINGERPRINT = "chunks have no system_fingerprint"
    NULL_FINGERPRINT = "system_fingerprint is null"
    FINGERPRINT_IS_MODEL = "system_fingerprint repeats the model"
    NULL_FUNCTION_CALL = "deltas have function_call: null"


class Kind(StrEnum):
    """Where a sign is looked for."""

    HOST = "host"
    HEADER = "response header"
    CHUNK_KEY = "chunk key"
    CHOICE_KEY = "choice key"
    DELTA_KEY = "delta key"
    USAGE_KEY = "usage key"
    ORDER = "key order"
    ID = "chunk id"
    CALL_ID = "tool call id"
    MODEL = "model"
    FINGERPRINT = "fingerprint"
    COMMENT = "comment"
    TRAIT = "trait"


@dataclass(frozen=True, slots=True)
class Sign:
    """One thing a dialect betrays itself by, and how many points it is worth (`CERTAIN` alone decides).

    ``pattern`` by kind: HOST a domain, with all below it; HEADER a name, ``name=beginning of its value``, or
    ``beginning-*`` of a name; the keys a key; ORDER keys with commas, from the first on; ID, CALL_ID, MODEL and
    FINGERPRINT a regular expression for the whole; COMMENT the beginning of one; TRAIT one of `Trait`.
    """

    kind: Kind
    pattern: str
    weight: int = CERTAIN


@dataclass(frozen=True, slots=True)
class Dialect:
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
