"""What differs between two streams that go alike, and how the bytes of their events look around it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, Final

from streamlab.wire.locate import number_span, string_span
from streamlab.wire.runs import decoded_string


class Stamp(StrEnum):
    """What a member of an event is whose value another stream may have in another form."""

    ID = "the id of the answer, which is the same in all its events"
    TIME = "the second in which it was made, likewise"
    CALL = "the id of a call"
    NAME = "the name of what is called"
    COUNT = "a count"
    NOISE = "padding that means nothing"
    TEXT = "a text"


#: Those that have one value in a stream.
SAME: Final = frozenset({Stamp.ID, Stamp.TIME})
#: How values look, but for texts: any JSON string. An id is too long for a constant.
_LOOKS: Final = {
    Stamp.ID: re.compile(rb"[A-Za-z0-9_-]{24,64}"),
    Stamp.TIME: re.compile(rb"[1-9][0-9]{9}"),
    Stamp.CALL: re.compile(rb"[A-Za-z0-9_-]{4,64}"),
    Stamp.NAME: re.compile(rb"[A-Za-z0-9_-]{1,64}"),
    Stamp.COUNT: re.compile(rb"0|[1-9][0-9]{0,14}"),
    Stamp.NOISE: re.compile(rb"[A-Za-z0-9]*"),
}
_NUMBERS: Final = frozenset({Stamp.TIME, Stamp.COUNT})


def looks_like(value: bytes, stamp: Stamp) -> bool:
    """Whether a value looks as such a one does."""
    if stamp is Stamp.TEXT:
        return decoded_string(value) is not None
    return _LOOKS[stamp].fullmatch(value) is not None


def counts_of(value: Any, path: str) -> dict[str, Stamp]:
    """Of the whole numbers in an object and what is in it, by their paths."""
    found: dict[str, Stamp] = {}
    for key, inner in value.items() if type(value) is dict else ():
        if type(inner) is int and key.isidentifier():
            found[f"{path}.{key}"] = Stamp.COUNT
        elif key.isidentifier():
            found |= counts_of(inner, f"{path}.{key}")
    return found


class Form:
    """The bytes of an event around its stamps: ``parts`` before, between and after what stands at ``paths``."""

    __slots__ = ("_fields", "parts", "paths", "same", "stamps")

    def __init__(self, parts: list[bytes], paths: list[str], stamps: list[Stamp]) -> None:
        self.parts, self.paths, self.stamps = parts, paths, stamps
        self._fields = [*zip(paths, stamps, map(_LOOKS.get, stamps), parts[1:], strict=True)]
        #: Those of one value in a stream, and where they stand.
        self.same = {stamp: path for path, stamp in zip(paths, stamps, strict=True) if stamp in SAME}

    def __eq__(self, other: object) -> bool:
        """Whether another form takes the same events."""
        return isinstance(other, Form) and (self.parts, self.paths) == (other.parts, other.paths)

    __hash__ = None  # type: ignore[assignment]

    def values(self, event: bytes, known: Mapping[Stamp, bytes]) -> dict[str, str] | None:
        """What stands at the paths in an event of this form, ``known`` where that is known; None in another event.

        A value ends where the bytes behind it stand first: but for a text these are in none.
        """
        first = self.parts[0]
        if not event.startswith(first):
            return None
        found, at = {}, len(first)
        for path, stamp, looks, part in self._fields:
            value = known.get(stamp)
            if value is None:
                end = event.find(part, at)
                value = event[at:end] if end >= 0 else b""
                if end < 0 or (looks is not None and not looks.fullmatch(value)):
                    return None
            elif not event.startswith(value + part, at):
                return None
            said = value.decode() if looks is not None else decoded_string(value)
            if said is None:
                return None
            found[path] = said
            at += len(value) + len(part)
        return found if at == len(event) else None

    def filled(self, value: Callable[[str, Stamp], bytes]) -> bytes:
        """An event of this form with the values that are given for a path and its stamp."""
        parts = zip(self.paths, self.stamps, self.parts[1:], strict=True)
        return self.parts[0] + b"".join(value(path, stamp) + part for path, stamp, part in parts)

    def around(self, known: Mapping[Stamp, bytes]) -> tuple[list[bytes], list[str]]:
        """The same where some stamps are known, as bytes: the others, and the bytes before, between and after them."""
        parts, paths = [self.parts[0]], []
        for path, stamp, part in zip(self.paths, self.stamps, self.parts[1:], strict=True):
            if stamp in known:
                parts[-1] += known[stamp] + part
            else:
                parts.append(part)
                paths.append(path)
        return parts, paths


def form_of(raw: bytes, stamps: Mapping[str, Stamp]) -> tuple[Form, dict[str, bytes]] | None:
    """The form of an event that has values at these paths, and the values; None where one cannot be found. What does
    not look as it should is no stamp there."""
    spans = {}
    for path, stamp in stamps.items():
        span = number_span(raw, path) if stamp in _NUMBERS else string_span(raw, path)
        if span is None:
            return None
        if looks_like(raw[slice(*span)], stamp):
            spans[path] = span
    parts, values, at = [], {}, 0
    for path in sorted(spans, key=spans.__getitem__):
        start, end = spans[path]
        parts.append(raw[at:start])
        values[path], at = raw[start:end], end
    return Form([*parts, raw[at:]], [*values], [stamps[path] for path in values]), values
