"""What an exchange shows of who sent it, and how many points of it make a dialect certain."""

from __future__ import annotations

from enum import StrEnum

from streamlab.record import Record

#: Points that make a dialect certain. One sign that nobody else gives is worth as much; weak signs have to add up.
CERTAIN = 10
#: How far ahead of the next the best must be.
LEAD = 3


class Hints(Record, frozen=True):
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


#: Kinds whose patterns are regular expressions.
REGULAR = (Kind.ID, Kind.CALL_ID, Kind.MODEL, Kind.FINGERPRINT)
