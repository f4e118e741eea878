"""What an ``ls`` asks for, read without click where it asks for little; nothing else is loaded for that."""

from __future__ import annotations

import os

#: The newest so many are listed.
USUAL_LIMIT = 50


def listed_plainly(args: list[str]) -> tuple[str | None, int, bool] | None:
    """The database, the limit and whether JSON is wanted of an ``ls`` that asks for nothing else; None where click has
    to look, and complain."""
    database, limit, as_json, at = None, USUAL_LIMIT, False, 0
    while at < len(args):
        word, at = args[at], at + 1
        name, equals, value = word.partition("=")
        if word == "--json":
            as_json = True
            continue
        if not word.startswith("-"):
            name, equals, value = "TARGET", "=", word
        if not equals and at < len(args):
            value, at = args[at], at + 1
        if name == "--limit" and value.isascii() and value.isdecimal() and 0 < len(value) < 10 and int(value):
            limit = int(value)
        elif name in ("--db", "TARGET") and database is None and _is_file(value):
            database = value
        else:
            return None
    named = os.environ.get("STREAMLAB_DB")
    if database is None and named and not _is_file(named):
        return None
    return database, limit, as_json


def _is_file(name: str) -> bool:
    return bool(name) and not name.startswith(("-", "lake:")) and os.path.isfile(name)
