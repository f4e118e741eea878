"""Finds every dialect, and tells which one an exchange speaks."""

from __future__ import annotations

import pkgutil
import re
from collections import Counter
from collections.abc import Callable, Collection
from functools import cache
from importlib import import_module

import streamlab.dialects as package
from streamlab.dialects.base import CERTAIN, LEAD, Dialect, Hints, Kind, Sign

_MACHINERY = frozenset({"base", "hints", "registry"})


@cache
def all_dialects() -> tuple[Dialect, ...]:
    """Every dialect, by name: the `DIALECT` of each module of this package."""
    modules = sorted(info.name for info in pkgutil.iter_modules(package.__path__) if info.name not in _MACHINERY)
    found: list[Dialect] = [import_module(f"{package.__name__}.{name}").DIALECT for name in modules]
    return tuple(sorted(found, key=lambda one: one.name))


@cache
def known_deviations(name: str | None) -> frozenset[str]:
    """The rules a dialect is known to deviate from; none for None or a name nobody has."""
    return frozenset(rule for one in all_dialects() if one.name == name for rule in one.deviations + one.reported)


def detect(hints: Hints) -> tuple[str | None, tuple[str, ...]]:
    """The dialect the hints betray, and why, strongest reason first; (None, ()) when they do not suffice.

    Signs add up; a dialect needs `CERTAIN` points, and a lead over the next. Gateways that leave their marks on
    others' streams are named first. Two that are equally likely are not told apart.
    """
    points = _points(hints)
    certain = [(points[one.name], one) for one in all_dialects() if points[one.name] >= CERTAIN]
    certain = [one for one in certain if one[1].outer] or certain
    certain.sort(key=lambda one: (-one[0], one[1].name))
    if not certain or (len(certain) > 1 and certain[0][0] - certain[1][0] < LEAD):
        return None, ()
    _, dialect = certain[0]
    signs = [sign for sign in dialect.signs if _SHOWN[sign.kind](sign.pattern, hints)]
    return dialect.name, tuple(map(_reason, sorted(signs, key=lambda sign: -sign.weight)))


@cache
def _weights() -> dict[Kind, dict[str, list[tuple[str, int]]]]:
    """Kind -> pattern -> the dialects that have it as a sign, and what it is worth to them."""
    weights: dict[Kind, dict[str, list[tuple[str, int]]]] = {}
    for dialect in all_dialects():
        for sign in dialect.signs:
            weights.setdefault(sign.kind, {}).setdefault(sign.pattern, []).append((dialect.name, sign.weight))
    return weights


def _points(hints: Hints) -> Counter[str]:
    """What the signs that the hints show are worth together, by dialect."""
    points: Counter[str] = Counter()
    for kind, patterns in _weights().items():
        seen, shows = _LOOKED_AT[kind](hints), _SHOWN[kind]
        if not seen:
            continue
        likely = patterns.keys() & seen if isinstance(seen, frozenset) else patterns
        shown = [one for one in likely if shows(one, hints)]
        for pattern in shown:
            for name, weight in patterns[pattern]:
                points[name] += weight
    return points


def _has_header(pattern: str, headers: tuple[tuple[str, str], ...]) -> bool:
    name, equals, value = pattern.partition("=")
    if name.endswith("*"):
        return any(header.startswith(name[:-1]) for header, _ in headers)
    return any(header == name and (not equals or held.startswith(value)) for header, held in headers)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _any_is(pattern: str, values: tuple[str, ...]) -> bool:
    return bool(values) and any(map(_compiled(pattern).fullmatch, values))


def _begins_with(pattern: str, order: tuple[str, ...]) -> bool:
    keys = tuple(pattern.split(","))
    return order[: len(keys)] == keys


#: What the signs of a kind are looked for in; a set where it is patterns that it holds.
_LOOKED_AT: dict[Kind, Callable[[Hints], Collection[object]]] = {
    Kind.HOST: lambda hints: hints.host,
    Kind.HEADER: lambda hints: hints.headers,
    Kind.CHUNK_KEY: lambda hints: hints.chunk_keys,
    Kind.CHOICE_KEY: lambda hints: hints.choice_keys,
    Kind.DELTA_KEY: lambda hints: hints.delta_keys,
    Kind.USAGE_KEY: lambda hints: hints.usage_keys,
    Kind.ORDER: lambda hints: hints.order,
    Kind.ID: lambda hints: hints.ids,
    Kind.CALL_ID: lambda hints: hints.call_ids,
    Kind.MODEL: lambda hints: hints.model,
    Kind.FINGERPRINT: lambda hints: hints.fingerprints,
    Kind.COMMENT: lambda hints: hints.comments,
    Kind.TRAIT: lambda hints: hints.traits,
}

_SHOWN: dict[Kind, Callable[[str, Hints], bool]] = {
    Kind.HOST: lambda pattern, hints: hints.host == pattern or hints.host.endswith("." + pattern),
    Kind.HEADER: lambda pattern, hints: _has_header(pattern, hints.headers),
    Kind.CHUNK_KEY: lambda pattern, hints: pattern in hints.chunk_keys,
    Kind.CHOICE_KEY: lambda pattern, hints: pattern in hints.choice_keys,
    Kind.DELTA_KEY: lambda pattern, hints: pattern in hints.delta_keys,
    Kind.USAGE_KEY: lambda pattern, hints: pattern in hints.usage_keys,
    Kind.ORDER: lambda pattern, hints: _begins_with(pattern, hints.order),
    Kind.ID: lambda pattern, hints: _any_is(pattern, hints.ids),
    Kind.CALL_ID: lambda pattern, hints: _any_is(pattern, hints.call_ids),
    Kind.MODEL: lambda pattern, hints: _any_is(pattern, (hints.model,)),
    Kind.FINGERPRINT: lambda pattern, hints: _any_is(pattern, hints.fingerprints),
    Kind.COMMENT: lambda pattern, hints: any(comment.startswith(pattern) for comment in hints.comments),
    Kind.TRAIT: lambda pattern, hints: pattern in hints.traits,
}


def _reason(sign: Sign) -> str:
    if sign.kind is Kind.TRAIT:
        return sign.pattern
    if sign.kind in (Kind.ID, Kind.CALL_ID, Kind.MODEL, Kind.FINGERPRINT):
        return f"{sign.kind} looks like {sign.pattern}"
    if sign.kind is Kind.ORDER:
        return f"chunks begin with the keys {sign.pattern}"
    return f"{sign.kind} {sign.pattern}"
