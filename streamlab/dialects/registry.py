"""Finds every dialect, and tells which one an exchange speaks."""

from __future__ import annotations

import pkgutil
import re
from collections.abc import Callable
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
    judged = [(dialect, matching(dialect, hints)) for dialect in all_dialects()]
    scores = [(sum(sign.weight for sign in signs), dialect, signs) for dialect, signs in judged]
    certain = [one for one in scores if one[0] >= CERTAIN]
    certain = [one for one in certain if one[1].outer] or certain
    certain.sort(key=lambda one: (-one[0], one[1].name))
    if not certain or (len(certain) > 1 and certain[0][0] - certain[1][0] < LEAD):
        return None, ()
    _, dialect, signs = certain[0]
    return dialect.name, tuple(map(_reason, sorted(signs, key=lambda sign: -sign.weight)))


def matching(dialect: Dialect, hints: Hints) -> tuple[Sign, ...]:
    """The signs of a dialect that the hints show."""
    return tuple(sign for sign in dialect.signs if _shows(sign, hints))


def _shows(sign: Sign, hints: Hints) -> bool:
    return _SHOWN[sign.kind](sign.pattern, hints)


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
