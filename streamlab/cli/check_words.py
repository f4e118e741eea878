"""What a ``check`` asks for, read without click where it asks for little; nothing else is loaded for that."""

from __future__ import annotations

import os

FORMATS = ("text", "json", "sarif", "junit", "github")
LEVELS = ("error", "warning", "info", "never")


def checked_plainly(args: list[str]) -> tuple[tuple[str, ...], str, str | None] | None:
    """The targets, the format and the level of a ``check`` that asks for nothing else; None where click has to look,
    and complain."""
    targets: list[str] = []
    form, level, as_json, at = "text", None, False, 0
    while at < len(args):
        word, at = args[at], at + 1
        name, equals, value = word.partition("=")
        if word == "--json":
            as_json = True
        elif not word.startswith("-"):
            targets.append(word)
        elif name in ("--format", "--fail-on"):
            if not equals:
                value, at = args[at] if at < len(args) else "", at + 1
            if value not in (FORMATS if name == "--format" else LEVELS):
                return None
            form, level = (value, level) if name == "--format" else (form, value)
        else:
            return None
    plain = targets and all(one and not one.startswith("lake:") for one in targets)
    named = os.environ.get("STREAMLAB_DB")
    return (tuple(targets), "json" if as_json else form, level) if plain and not named else None
