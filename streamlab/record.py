"""Records that never change, of which a start makes many classes: one takes a fiftieth of the time of a dataclass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

if TYPE_CHECKING:
    from dataclasses import Field

#: For a member whose default is made anew for each record.
made_by = msgspec.field
#: As ``dataclasses.replace``, of a record alone and without loading that.
changed = msgspec.structs.replace
#: The members by their names, as they are: a record among them stays one.
members = msgspec.structs.asdict


class _Fields:
    """The fields of a record as those of a dataclass, worked out when they are first asked for."""

    def __init__(self) -> None:
        self._known: dict[type[Any], dict[str, Any]] = {}

    def __get__(self, one: object, owner: type[Any]) -> dict[str, Any]:
        if owner not in self._known:
            from dataclasses import make_dataclass

            members = [(name, Any) for name in owner.__struct_fields__]
            said = {"__doc__": owner.__doc__ or owner.__name__}  # else one is made of a signature, which takes long
            made: Any = make_dataclass(owner.__name__, members, namespace=said, init=False, repr=False, eq=False)
            self._known[owner] = made.__dataclass_fields__
        return self._known[owner]


class Record(msgspec.Struct, frozen=True):
    """A record: as a frozen dataclass with slots, which ``dataclasses.replace``, ``fields`` and ``asdict`` take it for.

    A subclass says ``frozen=True`` again, for type checkers.
    """

    if TYPE_CHECKING:
        __dataclass_fields__: ClassVar[dict[str, Field[Any]]]
    else:
        __dataclass_fields__ = _Fields()
