"""Where in an event's bytes a JSON member stands, so that a finding can point at the exact bytes."""

from __future__ import annotations

import re
from functools import lru_cache

from streamlab.lazy_pattern import lazy_pattern
from streamlab.wire.sse import ServerSentEvent

_STEP = lazy_pattern(r"\.?([^.\[\]]+)|\[(\d+)\]")
_STRING = lazy_pattern(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_COUNT = lazy_pattern(rb"(?:0|[1-9][0-9]{0,14})(?![0-9.eE])")
_SCALAR = lazy_pattern(rb'[^\s,\]}"\[{]+')
#: Up to the next bracket that stands in no string, where no string is open at the end.
_TO_BRACKET = lazy_pattern(rb'(?:[^"{}\[\]]++|"(?:[^"\\]++|\\.)*+")*+[{}\[\]]', re.DOTALL)
#: Members of an object whose values are no containers, up to the next one: most members are, and take one step.
_FLAT = lazy_pattern(
    rb'(?:"(?:[^"\\]++|\\.)*+":[ \t\r\n]*+(?:"(?:[^"\\]++|\\.)*+"|[^\s,\]}"\[{]++),[ \t\r\n]*+)++', re.DOTALL
)
_SPACE = lazy_pattern(rb"[ \t\r\n]*")
_MAX_SCANNED = 1 << 20


def member_span(sse: ServerSentEvent, path: str) -> tuple[int, int] | None:
    """Byte range in the body of the member ``path`` (``choices[0].delta.role``), key included.

    Where the member is missing, the range of the innermost parent that is there. None when the event is not one
    ``data`` line, is very large, or is not JSON down to that point.
    """
    start = sse.raw.find(b"{")
    if start >= 0 and sse.raw.count(b"data:", 0, start + 1) > 1:
        return None
    found = member_of(sse.raw, path)
    return (sse.start + found[0], sse.start + found[1]) if found is not None else None


@lru_cache(4)  # rules that look at an event ask for the same members
def member_of(raw: bytes, path: str) -> tuple[int, int] | None:
    """The same in bytes that hold one JSON object."""
    start = raw.find(b"{")
    if start < 0 or len(raw) > _MAX_SCANNED:
        return None
    try:
        return _walk(raw, start, steps_of(path))
    except (IndexError, ValueError, RecursionError):
        return None


@lru_cache(256)
def steps_of(path: str) -> tuple[str | int, ...]:
    """The keys and places that a path like ``choices[0].delta.role`` goes through."""
    return tuple(key if key else int(index) for key, index in _STEP.findall(path))


def string_span(raw: bytes, path: str) -> tuple[int, int] | None:
    """Where in an event's bytes the string ``path`` stands, without its quotes; None when it is no string there."""
    found = _matched(raw, path, _STRING)
    return (found[0] + 1, found[1] - 1) if found is not None else None


def number_span(raw: bytes, path: str) -> tuple[int, int] | None:
    """Where in an event's bytes the number ``path`` stands; None when it is no plain count there."""
    return _matched(raw, path, _COUNT)


def _matched(raw: bytes, path: str, kind: re.Pattern[bytes]) -> tuple[int, int] | None:
    at = raw.find(b"{")
    try:
        for step in steps_of(path):
            found = _member(raw, at, step) if at >= 0 else None
            if found is None:
                return None
            at = found[1]
        match = kind.match(raw, at)
    except (IndexError, ValueError, RecursionError):
        return None
    return match.span() if match is not None else None


def _walk(raw: bytes, at: int, steps: tuple[str | int, ...]) -> tuple[int, int]:
    whole = at
    for step in steps:
        found = _member(raw, at, step)
        if found is None:
            break
        whole, at = found
    return whole, _skip(raw, at)


def _member(raw: bytes, at: int, step: str | int) -> tuple[int, int] | None:
    """Start of the member (its key, or the element) and start of its value, inside the container at ``at``."""
    opening = raw[at : at + 1]
    if opening not in (b"{", b"["):
        return None
    wanted = b'"' + step.encode() + b'"' if isinstance(step, str) else b""
    position, number = _space(raw, at + 1), 0
    while raw[position : position + 1] not in (b"}", b"]", b""):
        flat = _FLAT.match(raw, position) if opening == b"{" and wanted.count(b'"') == 2 else None
        if flat is not None:
            start = _key(raw, wanted + b":", position, flat.end())
            if start >= 0:
                return start, _space(raw, start + len(wanted) + 1)
            position = flat.end()
            continue
        start = position
        if opening == b"{":
            match = _STRING.match(raw, position)
            if match is None:
                raise ValueError("no key")
            position = _space(raw, _space(raw, match.end()) + 1)
            if match.group() == wanted:
                return start, position
        elif number == step:
            return start, position
        position = _space(raw, _skip(raw, position))
        number += 1
        if raw[position : position + 1] == b",":
            position = _space(raw, position + 1)
    return None


def _key(raw: bytes, wanted: bytes, at: int, end: int) -> int:
    """Where a key and its colon stand among members without containers; -1 where they do not. In a string they cannot,
    but behind an escaped quote."""
    found = raw.find(wanted, at, end)
    while found > at and raw[found - 1 : found] == b"\\":
        found = raw.find(wanted, found + 1, end)
    return found


def _space(raw: bytes, at: int) -> int:
    if raw[at : at + 1] > b" ":
        return at
    match = _SPACE.match(raw, at)
    return match.end() if match else at


def _skip(raw: bytes, at: int) -> int:
    """Index after the value at ``at``; containers are skipped by counting brackets outside of strings."""
    if raw[at : at + 1] in (b"{", b"["):
        depth = 0
        while match := _TO_BRACKET.match(raw, at):
            at = match.end()
            depth += 1 if raw[at - 1] in b"{[" else -1
            if depth == 0:
                return at
        raise ValueError("unterminated container, or a string in it")
    scalar = _STRING.match(raw, at) or _SCALAR.match(raw, at)
    if scalar is None:
        raise ValueError("no value")
    return scalar.end()
