"""Rules over many exchanges: when each was first seen, how often by model, server, label or day, where one began.

An upgrade that breaks streaming shows as a new first sighting, and as a share that jumps.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import lru_cache
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Sighting:
    """One rule in one group of exchanges. ``before`` is how many of the group came before without it, ``count`` how
    many had it, of ``total``; times are RFC 3339."""

    group: tuple[str, ...]
    rule: str
    severity: str
    first_id: int | str
    first_at: str | None
    last_id: int | str
    last_at: str | None
    count: int
    before: int
    total: int = 0


@dataclass(frozen=True, slots=True)
class JudgedExchange:
    """One exchange: its rules, each with its severity. ``id`` is its number, or its hash in a lake."""

    id: int | str
    at: str | None
    url: str | None
    rules: Mapping[str, str]
    model: str | None = None
    label: str | None = None

    def group(self, by: By) -> str:
        """What it is counted under; "unknown" where that is not known."""
        if by is By.SERVER:
            return upstream_of(self.url)
        if by is By.DAY:
            return (self.at or "")[:10] or "unknown"
        return (self.model if by is By.MODEL else self.label) or "unknown"


class By(StrEnum):
    """What exchanges are grouped by."""

    MODEL = "model"
    SERVER = "server"  # scheme, host and port of the upstream
    LABEL = "label"
    DAY = "day"  # in UTC


@dataclass(frozen=True, slots=True)
class Share:
    """In how many exchanges of a group a rule spoke. ``group`` has a value for each thing that was grouped by."""

    group: tuple[str, ...]
    rule: str
    severity: str
    count: int
    total: int


@dataclass(frozen=True, slots=True)
class Onset:
    """Where a rule began at one upstream: the last exchange before, None where it spoke from the first on, and the
    first with it. ``since`` is in how many of the ``after`` exchanges from then on it spoke."""

    upstream: str
    before: JudgedExchange | None
    first: JudgedExchange
    since: int
    after: int


def shares(exchanges: Iterable[JudgedExchange], by: Sequence[By], wanted: Sequence[str] = ("*",)) -> list[Share]:
    """How often rules spoke in each group, groups in order, the most frequent rule first; ``wanted`` are globs."""
    totals: Counter[tuple[str, ...]] = Counter()
    counts: Counter[tuple[tuple[str, ...], str]] = Counter()
    severities: dict[str, str] = {}
    for one in exchanges:
        group = tuple(one.group(part) for part in by)
        totals[group] += 1
        for rule, severity in one.rules.items():
            if any(fnmatchcase(rule, pattern) for pattern in wanted):
                counts[group, rule] += 1
                severities[rule] = severity
    listed = (Share(group, rule, severities[rule], count, totals[group]) for (group, rule), count in counts.items())
    return sorted(listed, key=lambda one: (one.group, -one.count, one.rule))


def onsets(exchanges: Iterable[JudgedExchange], rule: str) -> list[Onset]:
    """Where a rule first spoke at each upstream, from exchanges, oldest first."""
    before: dict[str, JudgedExchange] = {}
    found: dict[str, Onset] = {}
    for one in exchanges:
        upstream, speaks = upstream_of(one.url), rule in one.rules
        old = found.get(upstream)
        if old is not None:
            found[upstream] = replace(old, since=old.since + speaks, after=old.after + 1)
        elif speaks:
            found[upstream] = Onset(upstream, before.get(upstream), one, 1, 1)
        else:
            before[upstream] = one
    return sorted(found.values(), key=lambda one: (one.first.at or "", str(one.first.id)))


def sightings(exchanges: Iterable[JudgedExchange], by: Sequence[By] = (By.SERVER,)) -> list[Sighting]:
    """From exchanges, oldest first; the newest first sighting comes first."""
    asked: Counter[tuple[str, ...]] = Counter()
    found: dict[tuple[tuple[str, ...], str], _Seen] = {}
    for at, one in enumerate(exchanges):
        group = tuple([one.group(part) for part in by])
        before = asked[group]
        asked[group] = before + 1
        for rule, severity in one.rules.items():
            seen = found.get((group, rule))
            if seen is None:
                seen = found[group, rule] = _Seen(at, one, severity, before)
            seen.last = one
            seen.count += 1
    newest = sorted(found.items(), key=lambda item: (-item[1].at, item[0][1], item[0][0]))
    return [seen.sighting(group, rule, asked[group]) for (group, rule), seen in newest]


class _Seen:
    """A sighting in the making; ``at`` counts the exchanges before it."""

    __slots__ = ("at", "before", "count", "first", "last", "severity")

    def __init__(self, at: int, first: JudgedExchange, severity: str, before: int) -> None:
        self.at, self.first, self.last, self.severity, self.before, self.count = at, first, first, severity, before, 0

    def sighting(self, group: tuple[str, ...], rule: str, total: int) -> Sighting:
        """All of it."""
        first, last = self.first, self.last
        return Sighting(
            group, rule, self.severity, first.id, first.at, last.id, last.at, self.count, self.before, total
        )


@lru_cache(1024)
def upstream_of(url: str | None) -> str:
    """Scheme, host and port of a URL; "unknown" where there is none."""
    try:
        parts = urlsplit(url or "")
    except ValueError:
        return "unknown"
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else "unknown"
