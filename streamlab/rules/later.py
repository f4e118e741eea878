"""Repairs that rules name and do not load: who judges a stream needs none of them, who mends one needs all.

A package of shared repairs names them by `later`; a rule takes one from there as its ``repair``, and gives the class to
who asks the rule for it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from streamlab.rules.repair import Repair


class _Later:
    """Stands for the class; as an attribute of a rule it is the class itself, loaded when it is looked at."""

    __slots__ = ("_module", "_name")

    def __init__(self, module: str, name: str) -> None:
        self._module = module
        self._name = name

    def __get__(self, rule: object, owner: type) -> Any:
        return getattr(import_module(self._module), self._name)


if TYPE_CHECKING:

    def later(module: str, name: str) -> type[Repair]:
        """The repair of that name in a module, which is loaded when a rule is asked for it, or by `loaded`."""

else:
    later = _Later


def loaded(repair: type[Repair]) -> type[Repair]:
    """The class that a name from `later` stands for."""
    found: type[Repair] = repair.__get__(None, type) if isinstance(repair, _Later) else repair
    return found
