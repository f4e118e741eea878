"""``[tool.streamlab]`` of the nearest pyproject.toml, read once: options that a project wants on every run.

Keys: ``select``, ``ignore`` (lists of rule names or globs), ``ignore-members`` (what may differ between a request and
the recorded one that answers it: ``messages[*].id``, ``metadata.*``), ``redact`` (regular expressions of secrets),
``fail-on``, ``client``, ``db``. The command line wins.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

from streamlab.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

_LEVELS = ("error", "warning", "info", "never")
_LISTS = {
    "select": "rule names",
    "ignore": "rule names",
    "ignore-members": "paths",
    "redact": "regular expressions",
}
_STRINGS = ("fail-on", "client", "db")


class Config(NamedTuple):
    """What a project has written down; empty where it has not."""

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    ignore_members: tuple[str, ...] = ()
    fail_on: str | None = None
    client: str | None = None
    db: str | None = None
    redact: tuple[str, ...] = ()

    @property
    def database(self) -> Path | None:
        """The database the project names, as a path."""
        if self.db is None:
            return None
        from pathlib import Path  # deferred: with what it loads it takes as long as all else here

        return Path(self.db)


def load_config(start: Path | None = None) -> Config:
    """The configuration that holds in ``start`` (default: the working directory). Raises UsageError."""
    folder, below = os.path.realpath(start or os.getcwd()), ""
    while folder != below:
        file = os.path.join(folder, "pyproject.toml")
        if os.path.isfile(file):
            return _read(file)
        folder, below = os.path.dirname(folder), folder
    return Config()


def _read(file: str) -> Config:
    try:
        with open(file, encoding="utf-8") as opened:
            text = opened.read()
    except (OSError, UnicodeDecodeError):
        return Config()  # somebody else's file, somebody else's complaint
    if "streamlab" not in text and "\\" not in text:  # a table may be called so by escapes alone
        return Config()
    import tomllib  # deferred: to load it takes longer than to read a small stream

    try:
        table = tomllib.loads(text).get("tool", {}).get("streamlab", {})
    except tomllib.TOMLDecodeError:
        return Config()
    if not isinstance(table, dict):
        raise UsageError(f"{file}: [tool.streamlab] has to be a table")
    unknown = sorted(set(table) - {*_LISTS, *_STRINGS})
    if unknown:
        known = ", ".join((*_LISTS, *_STRINGS))
        raise UsageError(f"{file}: [tool.streamlab] does not know {unknown[0]!r} (it knows {known})")
    values: dict[str, Any] = {}
    for key, what in _LISTS.items():
        listed = table.get(key, [])
        if not isinstance(listed, list) or not all(isinstance(one, str) for one in listed):
            raise UsageError(f"{file}: {key} has to be a list of {what}")
        values[key.replace("-", "_")] = tuple(listed)
    for key in _STRINGS:
        if key in table and not isinstance(table[key], str):
            raise UsageError(f"{file}: {key} has to be a string")
        values[key.replace("-", "_")] = table.get(key)
    if values["fail_on"] not in (None, *_LEVELS):
        raise UsageError(f"{file}: fail-on has to be one of {', '.join(_LEVELS)}")
    return Config(**values)
