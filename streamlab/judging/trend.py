"""When each rule was first seen at each upstream: an upgrade that breaks streaming shows as a new first sighting."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Sighting:
    """One rule at one upstream. ``before`` is how many exchanges of that upstream came before without it, ``count``
    how many had it, of ``total``; times are RFC 3339."""

    upstream: str
    rule: str
    severity: str
    first_id: int
    first_at: str | None
    last_id: int
    last_at: str | None
    count: int
    before: int
    total: int = 0


@dataclass(frozen=True, slots=True)
class JudgedExchange:
    """One exchange: its rules, each with its severity."""

    id: int
    at: str | None
    url: str | None
    rules: Mapping[str, str]


def sightings(exchanges: Iterable[JudgedExchange]) -> list[Sighting]:
    """From exchanges, oldest first; the newest first sighting comes first."""
    asked: dict[str, int] = {}
    found: dict[tuple[str, str], Sighting] = {}
    for one in exchanges:
        upstream = upstream_of(one.url)
        before = asked.get(upstream, 0)
        asked[upstream] = before + 1
        for rule, severity in one.rules.items():
            old = found.get((upstream, rule))
            found[upstream, rule] = (
                Sighting(upstream, rule, severity, one.id, one.at, one.id, one.at, 1, before)
                if old is None
                else replace(old, last_id=one.id, last_at=one.at, count=old.count + 1)
            )
    totalled = (replace(one, total=asked[one.upstream]) for one in found.values())
    return sorted(totalled, key=lambda one: (-one.first_id, one.rule))


def upstream_of(url: str | None) -> str:
    """Scheme, host and port of a URL; "unknown" where there is none."""
    try:
        parts = urlsplit(url or "")
    except ValueError:
        return "unknown"
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else "unknown"
