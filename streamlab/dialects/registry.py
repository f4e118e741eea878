"""Finds every dialect, and tells which one an exchange speaks."""

from __future__ import annotations

import pkgutil
import re
from collections.abc import Callable
from functools import cache, lru_cache
from importlib import import_module
from typing import Any

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
def _by_name() -> dict[str, Dialect]:
    return {one.name: one for one in all_dialects()}


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
    certain = [(points[name], one) for name, one in _by_name().items() if points.get(name, 0) >= CERTAIN]
    certain = [one for one in certain if one[1].outer] or certain
    certain.sort(key=lambda one: (-one[0], one[1].name))
    if not certain or (len(certain) > 1 and certain[0][0] - certain[1][0] < LEAD):
        return None, ()
    _, dialect = certain[0]
    signs = [sign for sign in dialect.signs if _is_shown(sign, hints)]
    return dialect.name, tuple(map(_reason, sorted(signs, key=lambda sign: -sign.weight)))


def _is_shown(sign: Sign, hints: Hints) -> bool:
    seen, shows = _evidence(sign.kind, hints)
    return shows(sign.pattern, seen)


@cache
def _weights() -> dict[Kind, dict[str, list[tuple[str, int]]]]:
    """Kind -> pattern -> the dialects that have it as a sign, and what it is worth to them."""
    weights: dict[Kind, dict[str, list[tuple[str, int]]]] = {}
    for dialect in all_dialects():
        for sign in dialect.signs:
            weights.setdefault(sign.kind, {}).setdefault(sign.pattern, []).append((dialect.name, sign.weight))
    return weights


def _points(hints: Hints) -> dict[str, int]:
    """What the signs that the hints show are worth together, by dialect."""
    points: dict[str, int] = {}
    for kind in _weights():
        seen, _ = _evidence(kind, hints)
        if kind is Kind.HEADER:
            seen = tuple(one for one in seen if _may_tell(one[0]))
        for name, weight in _worth(kind, seen) if seen else ():
            points[name] = points.get(name, 0) + weight
    return points


@lru_cache(1024)
def _worth(kind: Kind, seen: Any) -> tuple[tuple[str, int], ...]:
    """What the signs of a kind that this shows are worth, to whom: most exchanges show what others did."""
    patterns, (_, shows) = _weights()[kind], _SEEN[kind]
    likely = patterns.keys() & seen if isinstance(seen, frozenset) else patterns
    return tuple(one for pattern in likely if shows(pattern, seen) for one in patterns[pattern])


@lru_cache(1024)
def _may_tell(header: str) -> bool:
    """Whether the name of a header is a sign, or that and its value are."""
    return any(_has_header(pattern.partition("=")[0], ((header, ""),)) for pattern in _weights()[Kind.HEADER])


def _evidence(kind: Kind, hints: Hints) -> tuple[Any, Callable[[str, Any], bool]]:
    """What the signs of a kind are looked for in, a set where it is patterns that it holds, and who looks."""
    member, shows = _SEEN[kind]
    return getattr(hints, member), shows


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


def _is_among(pattern: str, held: frozenset[str]) -> bool:
    return pattern in held


def _begins_with(pattern: str, order: tuple[str, ...]) -> bool:
    keys = tuple(pattern.split(","))
    return order[: len(keys)] == keys


#: Which member of the hints the signs of a kind are looked for in, and how one is.
_SEEN: dict[Kind, tuple[str, Callable[[str, Any], bool]]] = {
    Kind.HOST: ("host", lambda pattern, host: host == pattern or host.endswith("." + pattern)),
    Kind.HEADER: ("headers", _has_header),
    Kind.CHUNK_KEY: ("chunk_keys", _is_among),
    Kind.CHOICE_KEY: ("choice_keys", _is_among),
    Kind.DELTA_KEY: ("delta_keys", _is_among),
    Kind.USAGE_KEY: ("usage_keys", _is_among),
    Kind.ORDER: ("order", _begins_with),
    Kind.ID: ("ids", _any_is),
    Kind.CALL_ID: ("call_ids", _any_is),
    Kind.MODEL: ("model", lambda pattern, model: _any_is(pattern, (model,))),
    Kind.FINGERPRINT: ("fingerprints", _any_is),
    Kind.COMMENT: ("comments", lambda pattern, comments: any(one.startswith(pattern) for one in comments)),
    Kind.TRAIT: ("traits", _is_among),
}


def _reason(sign: Sign) -> str:
    if sign.kind is Kind.TRAIT:
        return sign.pattern
    if sign.kind in (Kind.ID, Kind.CALL_ID, Kind.MODEL, Kind.FINGERPRINT):
        return f"{sign.kind} looks like {sign.pattern}"
    if sign.kind is Kind.ORDER:
        return f"chunks begin with the keys {sign.pattern}"
    return f"{sign.kind} {sign.pattern}"
