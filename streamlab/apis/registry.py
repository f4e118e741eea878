"""Finds every rule: each module in a family's package is one rule; nothing is listed by hand."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from importlib.util import find_spec

import streamlab.apis as apis
from streamlab.apis.anthropic.repairs import SHARED as ANTHROPIC
from streamlab.apis.chat.repairs import SHARED as CHAT
from streamlab.apis.responses.repairs import SHARED as RESPONSES
from streamlab.errors import NotFoundError
from streamlab.rules.api import Api, concerns
from streamlab.rules.base import Rule
from streamlab.rules.repair import Repair
from streamlab.rules.repairs import SHARED

#: Families of rules, in the order in which they are shown.
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
    "item",
    "framing",
    "block",
    "tool",
)


@cache
def _homes() -> tuple[str, ...]:
    """The packages whose sub-packages are families: the rules of every API first, then those of each."""
    found = ["streamlab.rules"]
    for info in sorted(pkgutil.iter_modules(apis.__path__), key=lambda info: info.name):
        home = f"{apis.__name__}.{info.name}.rules"
        if info.ispkg and find_spec(home) is not None:
            found.append(home)
    return tuple(found)


def _modules(family: str) -> Iterator[str]:
    """The modules of a family, by their names, whichever API they belong to."""
    found: list[tuple[str, str]] = []
    for home in _homes():
        if find_spec(f"{home}.{family}") is not None:
            folder = import_module(f"{home}.{family}")
            found += [(info.name, folder.__name__) for info in pkgutil.iter_modules(folder.__path__)]
    return (f"{folder}.{name}" for name, folder in sorted(found))


@cache
def all_rules() -> tuple[type[Rule], ...]:
    """Every rule class, by family and name."""
    found: list[type[Rule]] = []
    for family in FAMILIES:
        for name in _modules(family):
            module = import_module(name)
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


def apis_of(rule: type[Rule]) -> tuple[Api, ...]:
    """The APIs a rule concerns."""
    return tuple(api for api in (*apis.APIS, apis.UNKNOWN) if concerns(rule, api))


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


@cache
def repair_classes(unsafe: bool = False) -> tuple[type[Repair], ...]:
    """Every repair, in the order of the pipeline; those that need a guess only with ``unsafe``."""
    own = (rule.repair for rule in all_rules() if rule.repair is not None)
    found: dict[type[Repair], None] = dict.fromkeys((*SHARED, *CHAT, *RESPONSES, *ANTHROPIC, *own))
    return tuple(sorted((one for one in found if unsafe or one.safe), key=lambda one: one.stage))
