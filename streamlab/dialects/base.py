"""What a dialect is: a vendor's or server's list of known deviations, and what it betrays itself by. Data, no code."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Hints:
    """What an exchange shows of who sent it. All text is lower case except ``ids``."""

    host: str = ""
    headers: frozenset[tuple[str, str]] = frozenset()  # response headers
    chunk_keys: frozenset[str] = frozenset()  # top-level keys of the first chunks
    choice_keys: frozenset[str] = frozenset()
    delta_keys: frozenset[str] = frozenset()
    usage_keys: frozenset[str] = frozenset()
    ids: tuple[str, ...] = ()  # chunk ids and tool call ids
    model: str = ""
    comments: frozenset[str] = frozenset()
    fingerprint: str = ""
    framing: frozenset[str] = field(default_factory=frozenset)  # "crlf", "no-space", ...
