"""Finds every rule: each module in a family's package is one rule; nothing is listed by hand.

Those of an API are known by their cards (``cards`` beside the families, written by ``docs/generate.py``), and loaded
when they are asked. Where nobody wrote cards, all are loaded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

import streamlab.apis as apis
from streamlab.errors import NotFoundError
from streamlab.rules.api import Api, concerns
from streamlab.rules.base import Rule
from streamlab.rules.card import RuleCard, card_of
from streamlab.rules.later import loaded
from streamlab.rules.repairs import SHARED

if TYPE_CHECKING:
    from streamlab.rules.repair import Repair

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


_EVERYBODYS = "streamlab.rules"


@cache
def _homes() -> tuple[str, ...]:
    """The packages whose sub-packages are families: the rules of every API first, then those of each."""
    homes = (_home(folder) for folder, is_package in sorted(_members(apis)) if is_package)
    return (_EVERYBODYS, *(home for home in homes if home is not None))


def _members(package: ModuleType) -> Iterator[tuple[str, bool]]:
    """The modules of a package by their names, and whether they are packages themselves."""
    import pkgutil  # deferred: where cards are written nobody has to look

    return ((info.name, info.ispkg) for info in pkgutil.iter_modules(package.__path__))


@cache
def _families(home: str) -> frozenset[str]:
    """The sub-packages of a package."""
    return frozenset(name for name, is_package in _members(import_module(home)) if is_package)


def _modules(family: str, homes: Iterable[str]) -> Iterator[str]:
    """The modules of a family, by their names, whichever of these packages they lie in."""
    found: list[tuple[str, str]] = []
    for home in homes:
        if family in _families(home):
            folder = import_module(f"{home}.{family}")
            found += [(name, folder.__name__) for name, _ in _members(folder)]
    return (f"{folder}.{name}" for name, folder in sorted(found))


@cache
def all_rules() -> tuple[type[Rule], ...]:
    """Every rule class, by family and name."""
    return _rules_below(_homes())


@cache
def cards_of(api: Api) -> tuple[RuleCard, ...]:
    """The cards of the rules that may concern an API, in the same order."""
    homes = _homes_of(api)
    found: list[RuleCard] = []
    for home in homes:
        written = _written_cards(home)
        found += _cards_by_loading(home) if written is None else written
    _known.update((card.name, card) for card in found)
    order = {family: at for at, family in enumerate(FAMILIES)}
    return tuple(sorted(found, key=lambda card: _place_of(card.module, order)))


def _place_of(module: str, order: dict[str, int]) -> tuple[int, str, str]:
    folder, family, name = module.rsplit(".", 2)
    return order[family], name, folder


@cache
def _written_cards(home: str) -> tuple[RuleCard, ...] | None:
    """The cards beside the families of a package; None where nobody wrote any."""
    written = _module(f"{home}.cards")
    return tuple(RuleCard(row, home) for row in written.ROWS) if written is not None else None


def _module(name: str) -> ModuleType | None:
    """The module of that name; None where there is none."""
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if not f"{name}.".startswith(f"{error.name}."):  # what it needs is missing
            raise
        return None


def _cards_by_loading(home: str) -> list[RuleCard]:
    return [card_of(rule) for rule in _rules_below((home,))]


@cache
def rules_of(api: Api) -> tuple[type[Rule], ...]:
    """The rules that may concern an API, in the same order; of those that cannot, no module is loaded."""
    return _rules_below(_homes_of(api))


def _homes_of(api: Api) -> tuple[str, ...]:
    folders = sorted({api.folder, *api.borrows})
    return (_EVERYBODYS, *(home for folder in folders if (home := _home(folder)) is not None))


def _home(folder: str) -> str | None:
    """The package of rules in a folder of an API; None where it has none."""
    home = f"{apis.__name__}.{folder}.rules"
    return home if _module(home) is not None else None


def _rules_below(homes: Iterable[str]) -> tuple[type[Rule], ...]:
    known = tuple(homes)
    return tuple(rule for family in FAMILIES for name in _modules(family, known) for rule in _rules_in(name))


_known: dict[str, RuleCard] = {}  # by name, those of the APIs that were asked for


@cache
def _rules_in(name: str) -> tuple[type[Rule], ...]:
    """The rules that a module holds."""
    module = import_module(name)
    return tuple(
        member
        for member in vars(module).values()
        if isinstance(member, type)
        and issubclass(member, Rule)
        and member.__module__ == module.__name__
        and "name" in vars(member)
    )


def rule_named(name: str) -> type[Rule] | None:
    """The rule of that name, None when there is none; one that has spoken is found without loading the others."""
    card = _known.get(name)
    return card.rule if card is not None else by_name().get(name)


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
def repair_classes(unsafe: bool = False, api: Api | None = None) -> tuple[type[Repair], ...]:
    """Every repair, or those that concern an API, in the order of the pipeline; those that need a guess only with
    ``unsafe``."""
    folders = _SHARING if api is None else [one for one in _SHARING if one in (api.folder, *api.borrows)]
    shared = [one for folder in folders for one in import_module(f"{apis.__name__}.{folder}.repairs").SHARED]
    own = (rule.repair for rule in (all_rules() if api is None else rules_of(api)) if rule.repair is not None)
    found: dict[type[Repair], None] = dict.fromkeys((*map(loaded, (*SHARED, *shared)), *own))
    chosen = (one for one in found if (unsafe or one.safe) and (api is None or concerns(one, api)))
    return tuple(sorted(chosen, key=lambda one: one.stage))


#: Folders of APIs with repairs that several of their rules share, in the order in which they are asked.
_SHARING = ("chat", "responses", "anthropic")
