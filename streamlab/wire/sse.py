"""The event stream (WHATWG HTML, "Server-sent events") decoded without losing a byte.

Promise: for any bytes and any cuts, the joined ``raw`` of all events equals the input; cutting the input elsewhere
changes nothing; nothing ever raises; one huge event fed byte by byte stays linear.

An event is everything up to and including a blank line. Blank lines *before* the first field belong to the event that
follows them: an event must be handed out at its first blank line, when nobody can know whether more will come.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

BOM = b"\xef\xbb\xbf"
_LINE_END = re.compile(rb"\r\n|\n|\r")
_NOT_LINE_END = re.compile(rb"[^\r\n]")
#: A line end directly followed by another: the end of an event. ``\r(?!\n)`` keeps a CRLF from being read as two.
_BLANK_LINE = re.compile(rb"(?:\r\n|\n|\r(?!\n))(?:\r\n|\n|\r(?!\n))")


class Line(NamedTuple):
    """One line of an event: where it starts in the body, its bytes, and the bytes of its line end (b"" when cut)."""

    start: int
    content: bytes
    end: bytes


class Field(NamedTuple):
    """One ``name: value`` line; ``space`` is whether one space followed the colon; ``colon`` whether there was one."""

    name: bytes
    value: bytes
    colon: bool
    space: bool
    line: Line


class ServerSentEvent(msgspec.Struct, frozen=True, gc=False):
    """One event of the stream.

    ``start`` is the offset of ``raw`` in the (decoded) body. ``data`` is the joined value of the ``data`` lines,
    None when there was none (a comment, a keep-alive). ``plain`` says that ``raw`` is exactly ``data: …\\n\\n``, as
    OpenAI frames every event. ``terminated`` is False for a last event that no blank line ended.
    """

    raw: bytes
    start: int
    data: bytes | None = None
    plain: bool = False
    terminated: bool = True
    event: bytes | None = None
    id: bytes | None = None
    retry: bytes | None = None
    comments: tuple[bytes, ...] = ()

    @property
    def span(self) -> tuple[int, int]:
        """Byte range in the body, end exclusive."""
        return self.start, self.start + len(self.raw)

    @property
    def text(self) -> str | None:
        """``data`` as text; bytes that are not UTF-8 become U+FFFD, as every client reads them."""
        return None if self.data is None else self.data.decode("utf-8", "replace")

    def lines(self) -> Iterator[Line]:
        """The lines of the event, blank ones included, without the byte order mark of the stream."""
        raw, at = self.raw, 0
        if self.start == 0 and raw.startswith(BOM):
            at = len(BOM)
        while at < len(raw):
            match = _LINE_END.search(raw, at)
            stop, after = (match.start(), match.end()) if match else (len(raw), len(raw))
            yield Line(self.start + at, raw[at:stop], raw[stop:after])
            at = after

    def fields(self) -> Iterator[Field]:
        """The fields of the event in order; comments have the empty name."""
        for line in self.lines():
            if line.content:
                yield _field(line)

    @property
    def has_bom(self) -> bool:
        """Whether the stream's byte order mark is part of this event."""
        return self.start == 0 and self.raw.startswith(BOM)


def _field(line: Line) -> Field:
    name, colon, value = line.content.partition(b":")
    space = value.startswith(b" ")
    return Field(name, value[1:] if space else value, bool(colon), space, line)


def parse_event(raw: bytes, start: int, terminated: bool = True) -> ServerSentEvent:
    """The event whose complete bytes are ``raw``, found at offset ``start`` of the body."""
    if terminated and raw.startswith(b"data: ") and raw.find(b"\n") == len(raw) - 2 and b"\r" not in raw:
        return ServerSentEvent(raw, start, raw[6:-2], True)
    bare = ServerSentEvent(raw, start, terminated=terminated)
    data: list[bytes] = []
    comments: list[bytes] = []
    named: dict[bytes, bytes] = {}
    for name, value, colon, _space, _line in bare.fields():
        if name == b"data":
            data.append(value)
        elif not name and colon:
            comments.append(value)
        else:
            named[name] = value
    return ServerSentEvent(
        raw,
        start,
        b"\n".join(data) if data else None,
        False,
        terminated,
        named.get(b"event"),
        named.get(b"id"),
        named.get(b"retry"),
        tuple(comments),
    )


class SSEDecoder:
    """Bytes in, events out; incremental.

    A trailing CR may be half a CRLF, so an event that ends in CR is held back until the next byte or `finish`.
    """

    def __init__(self) -> None:
        self._pending = bytearray()
        self._searched = 0  # no blank line ends before this index of _pending
        self._start = 0  # offset of _pending[0] in the body
        self._cr_seen = False

    def feed(self, data: bytes) -> list[ServerSentEvent]:
        """The events that ``data`` completes."""
        if not self._cr_seen and b"\r" in data:
            self._cr_seen = True
        if not self._pending:
            return self._split(data, 0)
        self._pending += data
        if self._blank_line_end(self._pending, self._searched) < 0:
            self._searched = max(self._searched, len(self._pending) - 4)
            return []
        buffer = bytes(self._pending)
        self._pending.clear()
        return self._split(buffer, self._searched)

    def finish(self) -> list[ServerSentEvent]:
        """What no blank line ended: at most one event, with ``terminated`` False unless only its LF was awaited."""
        rest = bytes(self._pending)
        self._pending.clear()
        self._searched = 0
        if not rest:
            return []
        start, self._start = self._start, self._start + len(rest)
        content = _NOT_LINE_END.search(rest)
        terminated = content is None or _BLANK_LINE.search(rest, content.start()) is not None
        return [parse_event(rest, start, terminated)]

    @property
    def pending(self) -> int:
        """How many bytes are held back for an event that is not complete yet."""
        return len(self._pending)

    def _split(self, buffer: bytes, searched: int) -> list[ServerSentEvent]:
        events: list[ServerSentEvent] = []
        at, base = 0, self._start
        while (end := self._blank_line_end(buffer, max(at, searched), at)) >= 0:
            events.append(parse_event(buffer[at:end], base + at))
            at = end
        self._start = base + at
        self._pending += buffer[at:] if at else buffer
        self._searched = max(0, len(self._pending) - 4)
        return events

    def _blank_line_end(self, buffer: bytes | bytearray, search_from: int, event_start: int = 0) -> int:
        """Index after the blank line that ends the event starting at ``event_start``; -1 when it is not there yet."""
        length = len(buffer)
        if event_start < length and buffer[event_start] in b"\r\n":
            content = _NOT_LINE_END.search(buffer, event_start)
            if content is None:
                return -1
            search_from = max(search_from, content.start())
        if not self._cr_seen:
            found = buffer.find(b"\n\n", search_from)
            return found + 2 if found >= 0 else -1
        match = _BLANK_LINE.search(buffer, search_from)
        if match is None or (match.end() == length and buffer[length - 1] == 0x0D):
            return -1
        return match.end()
