"""Finds every rule: each module below the families is one rule; nothing is listed by hand."""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module

import streamlab.rules as package
from streamlab.errors import NotFoundError
from streamlab.rules.base import Rule

#: Sub-packages that hold rules, in the order in which they are shown.
FAMILIES = (
    "transport",
    "sse",
    "json",
    "envelope",
    "choice",
    "delta",
    "tool_call",
    "usage",
    "lifecycle",
    "error",
    "timing",
    "responses",
)


@cache
def all_rules() -> tuple[type[Rule], ...]:
    """Every rule class, by family and name."""
    found: list[type[Rule]] = []
    for family in FAMILIES:
        folder = import_module(f"{package.__name__}.{family}")
        for info in sorted(pkgutil.iter_modules(folder.__path__), key=lambda info: info.name):
            module = import_module(f"{folder.__name__}.{info.name}")
            found += [
                member
                for member in vars(module).values()
                if isinstance(member, type)
                and issubclass(member, Rule)
                and member.__module__ == module.__name__
                and "name" in vars(member)
            ]
    return tuple(found)


@cache
def by_name() -> dict[str, type[Rule]]:
    """Rule classes by their kebab-case name."""
    return {rule.name: rule for rule in all_rules()}


def family_of(rule: type[Rule]) -> str:
    """The family (sub-package) a rule lives in."""
    return rule.__module__.rsplit(".", 2)[1]


def find_rule(name: str) -> type[Rule]:
    """The rule of that name. Raises NotFoundError, naming the nearest."""
    rule = by_name().get(name)
    if rule is None:
        import difflib

        near = difflib.get_close_matches(name, by_name(), n=1)
        hint = f" Did you mean {near[0]}?" if near else " `streamlab rules` lists them."
        raise NotFoundError(f"there is no rule {name!r}.{hint}")
    return rule


@cache
def choose(select: tuple[str, ...] = (), ignore: tuple[str, ...] = ()) -> tuple[type[Rule], ...]:
    """The rules that ``select`` names (all when it is empty) without those that ``ignore`` names.

    Both hold names or globs (``tool-call-*``). Raises NotFoundError for a name that matches no rule.
    """
    chosen = _matching(select) if select else set(by_name())
    chosen -= _matching(ignore)
    return tuple(rule for rule in all_rules() if rule.name in chosen)


def _matching(patterns: tuple[str, ...]) -> set[str]:
    from fnmatch import fnmatchcase

    matched: set[str] = set()
    for pattern in patterns:
        names = {name for name in by_name() if fnmatchcase(name, pattern)}
        matched |= names or {find_rule(pattern).name}
    return matched
