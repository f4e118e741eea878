"""Finds every dialect, and tells which one an exchange speaks: by the table of all their signs (`signs`, generated from
their modules). The module of a dialect is loaded when it is named."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache, lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

import streamlab.dialects as package
from streamlab.dialects.shown import CERTAIN, LEAD, REGULAR, Hints, Kind
from streamlab.dialects.signs import DEVIATIONS, FORMS, MODULES, OUTER, WEIGHTS

if TYPE_CHECKING:
    from streamlab.dialects.base import Dialect, Sign

_MACHINERY = frozenset({"base", "hints", "registry", "shown", "signs"})


@cache
def all_dialects() -> tuple[Dialect, ...]:
    """Every dialect, by name: the `DIALECT` of each module of this package."""
    import pkgutil

    modules = sorted(info.name for info in pkgutil.iter_modules(package.__path__) if info.name not in _MACHINERY)
    found: list[Dialect] = [import_module(f"{package.__name__}.{name}").DIALECT for name in modules]
    return tuple(sorted(found, key=lambda one: one.name))


def known_deviations(name: str | None) -> frozenset[str]:
    """The rules a dialect is known to deviate from; none for None or a name nobody has."""
    return frozenset(DEVIATIONS.get(name or "", ()))


def detect(hints: Hints) -> tuple[str | None, tuple[str, ...]]:
    """The dialect the hints betray, and why, strongest reason first; (None, ()) when they do not suffice.

    Signs add up; a dialect needs `CERTAIN` points, and a lead over the next. Gateways that leave their marks on
    others' streams are named first. Two that are equally likely are not told apart.
    """
    certain = [(worth, name) for name, worth in _points(hints).items() if worth >= CERTAIN]
    certain = [one for one in certain if one[1] in OUTER] or certain
    certain.sort(key=lambda one: (-one[0], one[1]))
    if not certain or (len(certain) > 1 and certain[0][0] - certain[1][0] < LEAD):
        return None, ()
    dialect: Dialect = import_module(f"{package.__name__}.{MODULES[certain[0][1]]}").DIALECT
    signs = [sign for sign in dialect.signs if _is_shown(sign, hints)]
    return dialect.name, tuple(map(_reason, sorted(signs, key=lambda sign: -sign.weight)))


def _is_shown(sign: Sign, hints: Hints) -> bool:
    seen, shows = _evidence(sign.kind, hints)
    return shows(sign.pattern, seen)


def _points(hints: Hints) -> dict[str, int]:
    """What the signs that the hints show are worth together, by dialect, of each that they may make certain."""
    headers = tuple([one for one in hints.headers if _may_tell(one[0])])
    plain = tuple([headers if kind is Kind.HEADER else getattr(hints, member) for kind, member in _PLAIN])
    seen_as = [(kind, seen) for kind, member in _BY_FORM if (seen := getattr(hints, member))]
    worth, likely = _plainly(plain, tuple([kind for kind, _ in seen_as]))
    points = dict(worth)
    for kind, seen in seen_as:
        _add(points, _worth_by_form(kind, seen, likely))
    return points


@lru_cache(1024)
def _plainly(plain: tuple[Any, ...], kinds: tuple[Kind, ...]) -> tuple[tuple[tuple[str, int], ...], frozenset[str]]:
    """What signs whose patterns are looked up are worth, by dialect, and whom those of these kinds may make certain
    beside them: the exchanges of a server show the same but for ids."""
    points: dict[str, int] = {}
    for (kind, _), seen in zip(_PLAIN, plain, strict=True):
        if seen:
            _add(points, _worth(kind, seen))
    return tuple(points.items()), _likely(kinds, points)


def _likely(kinds: tuple[Kind, ...], points: dict[str, int]) -> frozenset[str]:
    """The dialects that signs of these kinds may make certain, beside what others are worth."""
    hoped = dict(_hoped(kinds))
    _add(hoped, points.items())
    return frozenset(name for name, most in hoped.items() if most >= CERTAIN)


@cache
def _hoped(kinds: tuple[Kind, ...]) -> dict[str, int]:
    """What the signs of these kinds may be worth at most, by dialect."""
    hoped: dict[str, int] = {}
    for kind in kinds:
        _add(hoped, (one for owners in WEIGHTS[kind].values() for one in owners))
    return hoped


def _add(points: dict[str, int], worth: Iterable[tuple[str, int]]) -> None:
    for name, weight in worth:
        points[name] = points.get(name, 0) + weight


@lru_cache(1024)
def _worth(kind: Kind, seen: Any) -> tuple[tuple[str, int], ...]:
    """What the signs of a kind that this shows are worth, to whom: most exchanges show what others did."""
    patterns, (_, shows) = WEIGHTS[kind], _SEEN[kind]
    likely = patterns.keys() & seen if isinstance(seen, frozenset) else patterns
    return tuple(one for pattern in likely if shows(pattern, seen) for one in patterns[pattern])


@lru_cache(1024)
def _worth_by_form(kind: Kind, seen: Any, names: frozenset[str]) -> tuple[tuple[str, int], ...]:
    """The same for regular expressions, of which those of other dialects than these are not asked."""
    shows = _SEEN[kind][1]
    return tuple(one for pattern, owners in _forms_of(kind, names) if shows(pattern, seen) for one in owners)


@lru_cache(1024)
def _forms_of(kind: Kind, names: frozenset[str]) -> tuple[tuple[str, tuple[tuple[str, int], ...]], ...]:
    """The regular expressions of a kind that are signs of these dialects, each with whose and what it is worth."""
    return tuple(one for one in WEIGHTS[kind].items() if any(name in names for name, _ in one[1]))


@lru_cache(1024)
def _may_tell(header: str) -> bool:
    """Whether the name of a header is a sign, or that and its value are."""
    return any(_has_header(pattern.partition("=")[0], ((header, ""),)) for pattern in WEIGHTS[Kind.HEADER])


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
    prefix, least, most = FORMS[pattern]
    likely = [one for one in values if least <= len(one) <= most and one.startswith(prefix)]
    return bool(likely) and any(map(_compiled(pattern).fullmatch, likely))


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
#: The kinds of signs, with that member: those whose patterns are looked up, and those that are regular expressions.
_PLAIN = tuple((kind, _SEEN[kind][0]) for kind in Kind if kind not in REGULAR)
_BY_FORM = tuple((kind, _SEEN[kind][0]) for kind in REGULAR)


def _reason(sign: Sign) -> str:
    if sign.kind is Kind.TRAIT:
        return sign.pattern
    if sign.kind in (Kind.ID, Kind.CALL_ID, Kind.MODEL, Kind.FINGERPRINT):
        return f"{sign.kind} looks like {sign.pattern}"
    if sign.kind is Kind.ORDER:
        return f"chunks begin with the keys {sign.pattern}"
    return f"{sign.kind} {sign.pattern}"
