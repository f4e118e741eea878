"""The client set-ups that can be asked: reads ``setups.toml``; ``locks/`` and ``drivers/`` are for who asks them."""

from __future__ import annotations

import pkgutil
import tomllib
from functools import cache
from typing import NamedTuple

from streamlab.clients.table import clients_called, setups_measured_as


class ClientSetup(NamedTuple):
    """A package, how it is used, and what runs it; the fields are those of setups.toml."""

    id: str
    name: str
    package: str
    language: str
    environment: str
    driver: str
    what: str
    apis: tuple[str, ...]
    arguments: tuple[str, ...] = ()
    calls: bool = True
    finish: bool = True
    usual: bool = False
    measured: bool = True
    parses: bool = False


@cache
def setups() -> dict[str, ClientSetup]:
    """All of them by their id, in the order of the file."""
    data = pkgutil.get_data(__package__, "setups.toml")
    assert data is not None, "setups.toml is missing from the installation"
    return {name: _setup(name, fields) for name, fields in tomllib.loads(data.decode()).items()}


def _setup(name: str, fields: dict[str, object]) -> ClientSetup:
    tuples = {key: tuple(value) if isinstance(value, list) else value for key, value in fields.items()}
    return ClientSetup(id=name, **tuples)  # type: ignore[arg-type]


def setups_called(query: str) -> tuple[ClientSetup, ...]:
    """Those a name means, as everywhere else (`table.hurts`); ``all`` means all of them. () where it means none."""
    if query == "all":
        return tuple(setups().values())
    wanted = query.strip().lower().replace("_", "-")
    if not wanted:
        return ()
    named = {
        one.id
        for one in setups().values()
        if one.id == wanted
        or one.id.partition("-")[2].startswith(wanted)
        or one.package.replace("_", "-") == wanted
        or one.name.lower().replace(" ", "-").startswith(wanted.replace(" ", "-"))
    }
    exact = setups().get(wanted)
    if exact is not None:
        return (exact,)
    called = set(clients_called(query))
    named |= called | setups_measured_as(called)
    return tuple(one for one in setups().values() if one.id in named)
