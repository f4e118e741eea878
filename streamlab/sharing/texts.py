"""The texts of a body: every string its events hold, where its bytes are, and which strings continue each other.

A secret, or a sentence, may be spread over the deltas of many events, cut anywhere. So the strings of one place in the
JSON are joined over all events (`channels`), once by their path and the indexes beside them, and once by their path
alone, since servers number badly. Payloads that are no JSON are texts themselves. What a string holds is told from its
bytes only when somebody wants to change them (`SourceText.units`).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from streamlab.lazy_pattern import lazy_pattern
from streamlab.sharing.wanted import CLOSEST_FIRST
from streamlab.wire.bodies import BodyKind, sniff
from streamlab.wire.payload import decode_payload
from streamlab.wire.sse import ServerSentEvent, SSEDecoder

#: One character of a JSON string: an escape, a character of several bytes, a byte.
_UNIT = lazy_pattern(
    rb"\\u[0-9a-fA-F]{4}|\\.|[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}|.", re.DOTALL
)
_PLAIN_UNIT = lazy_pattern(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}|.", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
_TOKEN = lazy_pattern(rb'"(?:[^"\\]|\\.)*(?:"|\\?\Z)|[{}\[\],:]|[^\s"{}\[\],:]+', re.DOTALL)
_QUOTED_OTHERWISE = lazy_pattern(rb"'(?:[^'\\]|\\.)*(?:'|\\?\Z)|[{}\[\],:]|[^\s'{}\[\],:]+", re.DOTALL)
#: Members beside a text that say which of several texts of one path it continues.
_NUMBERS = ("index", "output_index", "content_index", "summary_index")
_NAMES = ("type", "item_id")
_NUMBER = lazy_pattern(rb"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
#: Fields of an event beside its data; a comment has no name.
_FIELDS = (b"event", b"id", b"retry", b"error", b"")
_DATA = b"data"
_AT_ONCE = 64 * 1024
#: Of what texts have alike: how much is remembered, and how long a value may be.
_MOST_ALIKE, _SHORT = 4096, 100
_Same = TypeVar("_Same")


class TextSource:
    """The bytes of one event's ``data``, or of a line or body that is no event; ``lines`` are (offset in the payload,
    offset in the body) of its lines. ``event`` is its number; ``name`` that of another field than data."""

    __slots__ = ("_at", "_lines", "_size", "_whole", "event", "name")

    def __init__(self, event: int, data: bytes, lines: list[tuple[int, int]], name: str = "") -> None:
        self.event, self.name, self._whole, self._lines = event, name, data, lines
        self._at, self._size = 0, len(data)

    @classmethod
    def of_line(cls, event: int, body: bytes, at: int, size: int, name: str = "") -> TextSource:
        """So many bytes of the body from ``at`` on; they are not copied until somebody asks."""
        made = cls.__new__(cls)
        made.event, made.name, made._whole, made._lines = event, name, body, None
        made._at, made._size = at, size
        return made

    _lines: list[tuple[int, int]] | None

    @property
    def data(self) -> bytes:
        """The payload."""
        return self._whole[self._at : self._at + self._size]

    def place(self, at: int) -> int:
        """The offset in the body of a byte of the payload."""
        if self._lines is None:
            return self._at + at
        start, where = self._lines[bisect_right(self._lines, (at, 1 << 62)) - 1]
        return where + at - start


#: What stands beside a text in the objects that hold it: (depth, member, value) of numbers, and of names.
Beside = tuple[tuple[Any, ...], tuple[Any, ...]]


class SourceText:
    """A string of a payload. ``path`` names it; ``start`` and ``raw`` are its bytes there, without quotes. Of one whose
    value a fast decoder gave, those are found out when somebody asks (`units`): it is string number ``number``."""

    __slots__ = ("_beside", "_holders", "json", "number", "path", "payload", "raw", "start", "value")

    def __init__(
        self,
        payload: TextSource,
        path: tuple[str, ...],
        start: int,
        raw: bytes,
        *,
        json: bool = True,
        holders: tuple[dict[str, str], ...] = (),
    ) -> None:
        self.payload, self.path, self.start, self.raw, self.json = payload, path, start, raw, json
        self.number, self._holders = 0, holders
        self._beside: Beside | None = None
        self.value = "".join(map(_decoded, self._split())) if json and b"\\" in raw else _plain(raw)

    @classmethod
    def decoded(cls, payload: TextSource, path: tuple[str, ...], value: str, number: int, beside: Beside) -> SourceText:
        """One that a decoder read."""
        made = cls.__new__(cls)
        made.payload, made.path, made.start, made.raw, made.json = payload, path, -1, b"", True
        made.number, made._beside, made.value, made._holders = number, beside, value, ()
        return made

    @property
    def beside(self) -> Beside:
        """What tells it from other texts of its path."""
        if self._beside is None:
            told = tuple(
                tuple(
                    (depth, name, one[name]) for depth, one in enumerate(self._holders) for name in names if name in one
                )
                for names in (_NUMBERS, _NAMES)
            )
            self._beside = told[0], told[1]
        return self._beside

    def _split(self) -> list[bytes]:
        return (_UNIT if self.json else _PLAIN_UNIT).findall(self.raw)

    def units(self) -> list[tuple[int, bytes]]:
        """(offset in the body, bytes) of each character of ``value``."""
        if self.start < 0:
            there = list(_Strings(self.payload, _TOKEN).read())[self.number]
            self.start, self.raw = there.start, there.raw
        at, found = self.start, []
        for unit in self._split():
            found.append((self.payload.place(at), unit))
            at += len(unit)
        return found

    @property
    def is_number(self) -> bool:
        """Whether this is a payload that reads as a number, and has to stay one."""
        return not self.json and _NUMBER.fullmatch(self.raw.strip()) is not None

    @property
    def key(self) -> str:
        """The name of the member it is, or that the list it is in is."""
        return next((part for part in reversed(self.path) if part != "[]"), "")


def _plain(raw: bytes) -> str:
    """One character a unit: what is no UTF-8 stays a byte of its own."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return "".join(map(_decoded, _PLAIN_UNIT.findall(raw)))


def _decoded(unit: bytes) -> str:
    if unit[:1] == b"\\" and len(unit) > 1:
        if len(unit) == 6:
            return chr(int(unit[2:], 16))
        letter = unit[1:].decode("latin-1")
        return _ESCAPES.get(letter, letter)
    text = unit.decode("utf-8", "surrogateescape")
    return text if len(text) == 1 else text[0]


# -- payloads ----------------------------------------------------------------------------------------------------


def payloads(body: bytes) -> Iterator[TextSource]:
    """What a decoded body is made of, in order."""
    kind = sniff(body[: 1 << 20])
    if kind is BodyKind.SSE:
        for number, event in enumerate(_events(body)):
            yield from _of_event(number, event, body)
    elif kind is BodyKind.NDJSON:
        at = 0
        for number, line in enumerate(body.splitlines(keepends=True)):
            yield TextSource.of_line(number, body, at, len(line))
            at += len(line)
    elif body:
        yield TextSource(0, body, [(0, 0)])


def _events(body: bytes) -> Iterator[ServerSentEvent]:
    """The events, a few at a time: all at once they take more than the body."""
    decoder = SSEDecoder()
    for at in range(0, len(body), _AT_ONCE):
        yield from decoder.feed(body[at : at + _AT_ONCE])
    yield from decoder.finish()


def _of_event(number: int, event: ServerSentEvent, body: bytes) -> Iterator[TextSource]:
    data, lines, others = [], [], []
    size = 0
    for one in event.fields():
        if one.name == _DATA:
            lines.append((size, one.line.start + len(one.line.content) - len(one.value)))
            data.append(one.value)
            size += len(one.value) + 1
        elif one.value or one.name:
            known = one.colon and one.name in _FIELDS  # else it is a line that somebody said
            value, name = (one.value, one.name.decode()) if known else (one.line.content, "")
            start = one.line.start + len(one.line.content) - len(value)
            others.append(TextSource.of_line(number, body, start, len(value), name))
    if len(data) == 1:
        yield TextSource.of_line(number, body, lines[0][1], len(data[0]))
    elif data:
        yield TextSource(number, b"\n".join(data), lines)
    yield from others


# -- the strings of a payload --------------------------------------------------------------------------------------


class Told:
    """What many texts say of themselves alike, kept once: paths, what stands beside them, and their values."""

    def __init__(self) -> None:
        self._known: dict[Any, Any] = {}

    def once(self, value: _Same) -> _Same:
        """The value that equals this one and was told first."""
        if len(self._known) > _MOST_ALIKE:
            self._known.clear()
        return cast(_Same, self._known.setdefault(value, value))


def texts_of(payload: TextSource, told: Told | None = None) -> Iterator[SourceText]:
    """The strings of a payload that is JSON, whole or broken; else the payload itself as one text. Those of payloads
    that share ``told`` share what they have alike."""
    data = payload.data
    start = data.lstrip()[:2]
    if start[:1] in (b"{", b"["):
        # Halves of characters, and members that are there twice, are better read token by token.
        value = None if b"\\u" in data else decode_payload(data)
        if value is not None and value.ok and not value.faults:
            yield from _walk(payload, value.value, told or Told())
            return
        yield from _Strings(payload, _QUOTED_OTHERWISE if start == b"{'" else _TOKEN).read()
    elif start[:1] == b'"':
        yield SourceText(payload, ("",), data.index(b'"') + 1, data.strip()[1:].removesuffix(b'"'))
    elif data and start != b"[D":
        yield SourceText(payload, (payload.name,), 0, data, json=False)


def _walk(payload: TextSource, value: Any, told: Told) -> list[SourceText]:
    """The strings of a decoded value, in the order of its bytes."""
    found: list[SourceText] = []

    def visit(one: Any, path: tuple[str, ...], depth: int, numbers: tuple[Any, ...], names: tuple[Any, ...]) -> None:
        if type(one) is str:
            text = told.once(one) if len(one) < _SHORT else one
            found.append(SourceText.decoded(payload, told.once(path), text, len(found), told.once((numbers, names))))
        elif type(one) is list:
            for item in one:
                visit(item, (*path, "[]"), depth + 1, numbers, names)
        elif type(one) is dict:
            numbers += tuple((depth, name, _scalar(one[name])) for name in _NUMBERS if name in one)
            names += tuple((depth, name, _scalar(one[name])) for name in _NAMES if name in one)
            for key, item in one.items():
                visit(item, (*path, key), depth + 1, numbers, names)

    visit(value, ("",), 0, (), ())
    return found


def _scalar(value: Any) -> str:
    """As it is written in JSON, a text without its quotes; of what is no scalar nothing is told."""
    if type(value) is str:
        return value
    if type(value) is bool:
        return "true" if value else "false"
    return "null" if value is None else str(value) if type(value) in (int, float) else ""


@dataclass(slots=True)
class _Level:
    """An object or list that is open."""

    name: str
    is_list: bool
    members: dict[str, str] = field(default_factory=dict)
    key: str | None = None


class _Strings:
    """Reads JSON token by token and takes what is broken as it comes."""

    def __init__(self, payload: TextSource, token: re.Pattern[bytes]) -> None:
        self._payload, self._token = payload, token
        self._levels: list[_Level] = []

    def read(self) -> Iterator[SourceText]:
        for match in self._token.finditer(self._payload.data):
            token = match[0]
            first = token[:1]
            if first in (b"{", b"["):
                if len(self._levels) < 200:
                    self._levels.append(_Level(self._name(), first == b"["))
            elif first in (b"}", b"]"):
                if self._levels:
                    self._levels.pop()
                self._value_over()
            elif first in (b'"', b"'"):
                yield from self._string(match.start() + 1, token[1:])
            elif first not in (b",", b":"):
                self._note(token.decode("latin-1"))
                self._value_over()
            elif first == b",":
                self._value_over()

    def _name(self) -> str:
        level = self._levels[-1] if self._levels else None
        return "" if level is None else "[]" if level.is_list else level.key or ""

    def _value_over(self) -> None:
        if self._levels:
            self._levels[-1].key = None

    def _note(self, value: str) -> None:
        level = self._levels[-1] if self._levels else None
        if level is not None and level.key in _NUMBERS + _NAMES:
            level.members[level.key] = value

    def _string(self, start: int, raw: bytes) -> Iterator[SourceText]:
        raw = raw.removesuffix(b'"').removesuffix(b"'")
        level = self._levels[-1] if self._levels else None
        if level is not None and not level.is_list and level.key is None:
            level.key = raw.decode("utf-8", "replace")
            return
        self._note(raw.decode("utf-8", "replace"))
        path = (*(one.name for one in self._levels), self._name())
        yield SourceText(self._payload, path, start, raw, holders=tuple(one.members for one in self._levels))
        self._value_over()


# -- which continue each other -------------------------------------------------------------------------------------


def channels(texts: list[SourceText], ways: Sequence[int] = CLOSEST_FIRST) -> Iterator[list[SourceText]]:
    """Groups of texts that continue each other; one text may be in several of them."""
    before = 0
    for told in ways:
        groups: dict[Any, list[SourceText]] = {}
        for text in texts:
            groups.setdefault((text.path, text.beside[:told]), []).append(text)
        if len(groups) != before:  # else they are the same
            yield from groups.values()
        before = len(groups)
