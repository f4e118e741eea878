"""Rules over many exchanges: when each was first seen, how often by model, server, version, label or day, where one
began.

An upgrade that breaks streaming shows as a new first sighting, and as a share that jumps.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

#: How much of a header's value tells versions apart.
_MOST_OF_A_VERSION = 120


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


class JudgedExchange(NamedTuple):
    """One exchange: its rules, each with its severity. ``id`` is its number, or its hash in a lake."""

    id: int | str
    at: str | None
    url: str | None
    rules: Mapping[str, str]
    model: str | None = None
    label: str | None = None
    version: str | None = None

    def group(self, by: By) -> str:
        """What it is counted under; "unknown" where that is not known."""
        if by is By.SERVER:
            return upstream_of(self.url)
        if by is By.DAY:
            return (self.at or "")[:10] or "unknown"
        known = {By.MODEL: self.model, By.VERSION: self.version, By.LABEL: self.label}[by]
        return known or "unknown"


class By(StrEnum):
    """What exchanges are grouped by."""

    MODEL = "model"
    SERVER = "server"  # scheme, host and port of the upstream
    VERSION = "version"  # what the answer's headers say of it: see `version_of`
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
    # Most say what others of their group say: the same rules, often as the same object, which is held so that it
    # stays the only one at its address.
    alike: dict[tuple[tuple[str, ...], int], _Seen] = {}
    for at, one in enumerate(exchanges):
        group = tuple([one.group(part) for part in by])
        before = asked[group]
        asked[group] = before + 1
        seen = alike.get((group, id(one.rules)))
        if seen is None:
            seen = alike[group, id(one.rules)] = _Seen(at, one, before)
        seen.last, seen.last_at = one, at
        seen.count += 1
    found: dict[tuple[tuple[str, ...], str], list[_Seen]] = {}
    for (group, _), seen in alike.items():
        for rule in seen.first.rules:
            found.setdefault((group, rule), []).append(seen)
    newest = sorted(found.items(), key=lambda item: (-item[1][0].at, item[0][1], item[0][0]))
    return [_sighting(group, rule, parts, asked[group]) for (group, rule), parts in newest]


class _Seen:
    """Exchanges of a group that say the same; ``at`` counts the exchanges before the first."""

    __slots__ = ("at", "before", "count", "first", "last", "last_at")

    def __init__(self, at: int, first: JudgedExchange, before: int) -> None:
        self.at, self.first, self.before = at, first, before
        self.last, self.last_at, self.count = first, at, 0


def _sighting(group: tuple[str, ...], rule: str, parts: Sequence[_Seen], total: int) -> Sighting:
    """What those come to that have a rule, in the order of their first."""
    first, last = parts[0].first, max(parts, key=lambda one: one.last_at).last
    count = sum(one.count for one in parts)
    return Sighting(group, rule, first.rules[rule], first.id, first.at, last.id, last.at, count, parts[0].before, total)


@lru_cache(1024)
def upstream_of(url: str | None) -> str:
    """Scheme, host and port of a URL; "unknown" where there is none."""
    try:
        parts = urlsplit(url or "")
    except ValueError:
        return "unknown"
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else "unknown"


def version_of(headers: Iterable[tuple[str, str]]) -> str | None:
    """What an answer's headers say of the version of what sent it: those whose names end in "version"
    (``x-litellm-version``, ``openai-version``), else ``server``; None where there is none."""
    named = [(name.lower(), value.strip()[:_MOST_OF_A_VERSION]) for name, value in headers]
    told = sorted({one for one in named if one[1] and (one[0] == "version" or one[0].endswith("-version"))})
    told = told or [one for one in named if one[1] and one[0] == "server"][:1]
    return ", ".join(f"{name}: {value}" for name, value in told) or None


def version_told(headers: object) -> str | None:
    """The same of headers as they are kept, a list of pairs in JSON; None where they are damaged."""
    try:
        told = json.loads(headers) if isinstance(headers, str) else []
        return version_of((name, value) for name, value in told if isinstance(name, str) and isinstance(value, str))
    except (ValueError, TypeError, RecursionError):
        return None
