"""JSON documents as text, whole or in pieces."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any


def dump(value: Any, indent: int | None = None) -> str:
    """JSON text that any reader takes: no NaN, no lone surrogates; the rest is kept as it is."""
    try:
        text = json.dumps(value, ensure_ascii=False, indent=indent, allow_nan=False)
        text.encode()
    except (ValueError, UnicodeEncodeError):
        text = json.dumps(_tame(value), ensure_ascii=True, indent=indent)
    return text


@dataclass(frozen=True, slots=True)
class Streamed:
    """A list of a document whose members are made while it is written, once: there may be as many as events."""

    items: Iterable[Any]


def pieces(value: Any, indent: int = 1, level: int = 0) -> Iterator[str]:
    """What `dump` makes of a document, bit by bit; `Streamed` stands for lists in it, in objects and in each other."""
    inner = "\n" + " " * indent * (level + 1)
    if isinstance(value, Streamed):
        opening, closing, members = "[", "]", (("", member) for member in value.items)
    elif isinstance(value, dict) and value and any(isinstance(one, Streamed | dict) for one in value.values()):
        opening, closing, members = "{", "}", ((f"{dump(str(key))}: ", member) for key, member in value.items())
    else:
        yield dump(value, indent).replace("\n", "\n" + " " * indent * level)  # none stands in a string of JSON
        return
    separator = opening + inner
    for key, member in members:
        yield separator + key
        yield from pieces(member, indent, level + 1)
        separator = "," + inner
    yield opening + closing if separator[0] == opening else "\n" + " " * indent * level + closing


def gathered(value: Any) -> Any:
    """The document with all its lists in memory."""
    if isinstance(value, Streamed):
        return [gathered(member) for member in value.items]
    return {key: gathered(member) for key, member in value.items()} if isinstance(value, dict) else value


def _tame(value: Any) -> Any:
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return str(value)
    if isinstance(value, dict):
        return {key: _tame(member) for key, member in value.items()}
    if isinstance(value, list | tuple):
        return [_tame(member) for member in value]
    return value
