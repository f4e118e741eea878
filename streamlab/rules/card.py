"""What is known of a rule before its module is loaded: most streams give most rules nothing to judge.

`RuleCard` has the attributes of the rule's class by which it is chosen and asked. Those of rules beside each other lie
in a module ``cards``, which ``docs/generate.py`` writes from the classes.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from streamlab.rules.api import Scope

if TYPE_CHECKING:
    from streamlab.rules.base import Rule

#: A card as it is written: the module (below the package of its families), the class and the rule's name; whom it
#: concerns; the facts it waits for, and those its end waits for; hooks, statuses and needs in words; whose findings it
#: tells instead.
Row = tuple[str, str, str, str | tuple[str, ...] | None, int, int, str, tuple[str, ...]]

_HOOKS = frozenset({"segment", "event", "shape", "end"})
_STATUSES = frozenset({"ok", "error"})


class RuleCard:
    """A rule, loaded or not; each attribute but ``module`` and ``member`` is what the rule's class says (`Rule`)."""

    __slots__ = (
        "_rule", "apis", "ends_after", "hooks", "instead_of", "member", "module", "name", "needs_framing",
        "needs_request", "needs_timing", "on", "statuses",
    )  # fmt: skip

    def __init__(self, row: Row, home: str) -> None:
        module, self.member, self.name, apis, self.on, self.ends_after, words, instead_of = row
        self.module = f"{home}.{module}"
        self.hooks, self.statuses, self.needs_timing, self.needs_request, self.needs_framing = _of_words(words)
        self.apis = Scope[apis] if isinstance(apis, str) else frozenset(apis) if apis is not None else None
        self.instead_of = frozenset(instead_of)
        self._rule: type[Rule] | None = None

    @property
    def rule(self) -> type[Rule]:
        """The class. Raises RuntimeError where the card says something else of it."""
        rule = self._rule
        if rule is None:
            rule = getattr(import_module(self.module), self.member)
            if row_of(rule) != row_of(self):
                raise RuntimeError(f"the card of {self.name} is out of date: make docs")
            self._rule = rule
        return rule


@cache
def _of_words(words: str) -> tuple[frozenset[str], frozenset[str], bool, bool, bool]:
    told = frozenset(words.split())
    return told & _HOOKS, told & _STATUSES, "timing" in told, "request" in told, "framing" in told


def row_of(rule: Any) -> Row:
    """The row for a rule's class, or of a card; the module stands in it without its package's home."""
    module, member = (rule.module, rule.member) if isinstance(rule, RuleCard) else (rule.__module__, rule.__qualname__)
    needs = [word for word in ("timing", "request", "framing") if getattr(rule, f"needs_{word}")]
    apis = (
        rule.apis.name if isinstance(rule.apis, Scope) else tuple(sorted(rule.apis)) if rule.apis is not None else None
    )
    return (
        ".".join(module.rsplit(".", 2)[1:]),
        member,
        rule.name,
        apis,
        rule.on,
        rule.ends_after,
        " ".join((*sorted(rule.hooks), *sorted(rule.statuses), *needs)),
        tuple(sorted(rule.instead_of)),
    )


_cards: dict[type[Rule], RuleCard] = {}


def card_of(rule: type[Rule]) -> RuleCard:
    """The card of a class that is loaded, always the same one."""
    card = _cards.get(rule)
    if card is None:
        card = _cards[rule] = RuleCard(row_of(rule), rule.__module__.rsplit(".", 2)[0])
        card._rule = rule
    return card
