"""The event stream (WHATWG HTML, "Server-sent events") decoded without losing a byte.

Promise: for any bytes and any cuts, the joined ``raw`` of all events equals the input; cutting the input elsewhere
changes nothing; nothing ever raises; one huge event fed byte by byte stays linear.

An event is everything up to and including a blank line. Blank lines *before* the first field belong to the event that
follows them: an event must be handed out at its first blank line, when nobody can know whether more will come.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from typing import NamedTuple

import msgspec

from streamlab.lazy_pattern import lazy_pattern
from streamlab.record import Record

BOM = b"\xef\xbb\xbf"
_LF, _CR = 0x0A, 0x0D
#: Bytes of a buffer that is likely to hold many events.
_MANY = 4096
_LINE_ENDS = b"\r\n"
_LINE_END = lazy_pattern(rb"\r\n|\n|\r")
_NOT_LINE_END = lazy_pattern(rb"[^\r\n]")
#: A line with bytes in it, and its line end: runs of blank lines are skipped in one step.
_FILLED_LINE = lazy_pattern(rb"([^\r\n]+)(\r\n|\n|\r|)")
#: A line end directly followed by another: the end of an event. ``\r(?!\n)`` keeps a CRLF from being read as two.
_BLANK_LINE = lazy_pattern(rb"(?:\r\n|\n|\r(?!\n))(?:\r\n|\n|\r(?!\n))")


class Line(Record, frozen=True):
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
    None when there was none (a comment, a keep-alive). ``plain`` says that ``raw`` is exactly ``data: …\\n\\n``
    with one space, as OpenAI frames every event. ``terminated`` is False for a last event that no blank line ended.
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

    def filled_lines(self) -> Iterator[Line]:
        """The lines of the event that are not blank; a flood of blank ones costs nothing here."""
        start = self.start
        for match in _FILLED_LINE.finditer(self.raw, len(BOM) if self.has_bom else 0):
            content, end = match.groups()
            yield Line(start + match.start(), content, end)

    def fields(self) -> Iterator[Field]:
        """The fields of the event in order; comments have the empty name."""
        return map(_field, self.filled_lines())

    @property
    def single_line(self) -> bool:
        """Whether the event is one ``data`` line and nothing else, whatever its line ends and spacing."""
        body = self.raw.rstrip(b"\r\n")
        return body.startswith(b"data:") and b"\n" not in body and b"\r" not in body

    @property
    def named_plainly(self) -> bool:
        """Whether the event is exactly ``event: …\\ndata: …\\n\\n``, as APIs frame it that name their events."""
        raw, data, name = self.raw, self.data, self.event
        if data is None or name is None or len(raw) != len(name) + len(data) + 16:
            return False
        stop = len(name) + 7
        framed = raw.startswith(b"event: ") and raw.startswith(b"\ndata: ", stop)
        return framed and raw.find(b"\n") == stop and raw.endswith(b"\n\n")

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
    if terminated and raw.startswith(b"data: ") and raw.find(b"\n") == len(raw) - 2 and _CR not in raw:
        return ServerSentEvent(raw, start, raw[6:-2], raw[6] not in b" \t")
    if terminated and raw.startswith(b"data:"):
        stop = _single_line_end(raw)
        if stop > 0:
            spaced = raw.startswith(b" ", 5)
            return ServerSentEvent(raw, start, raw[6 if spaced else 5 : stop])
    if terminated and raw.startswith(b":"):
        stop = _single_line_end(raw)
        if stop > 0:
            return ServerSentEvent(raw, start, comments=(raw[2 if raw.startswith(b" ", 1) else 1 : stop],))
    if terminated and raw.startswith(b"event: "):
        stop = raw.find(b"\n")
        one_line = raw.startswith(b"data: ", stop + 1) and raw.find(b"\n", stop + 7) == len(raw) - 2
        if one_line and raw.endswith(b"\n") and _CR not in raw:
            return ServerSentEvent(raw, start, raw[stop + 7 : -2], event=raw[7:stop])
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


def _single_line_end(raw: bytes) -> int:
    """Where the only line of an event ends, when LF or CRLF ends it and the event; else -1."""
    size = len(raw)
    line_feed = raw.find(b"\n")
    if line_feed == size - 2:
        return -1 if _CR in raw else line_feed
    if line_feed == size - 3 and raw.find(b"\r") == size - 4:
        return size - 4 if raw.endswith(b"\r\n\r\n") else -1
    return -1


class SSEDecoder:
    """Bytes in, events out; incremental.

    A trailing CR may be half a CRLF, so an event that ends in CR is held back until the next byte or `finish`.
    ``start`` is the offset of the first byte fed: that of an event, for reading on from the middle of a body.
    """

    def __init__(self, start: int = 0) -> None:
        self._pending = bytearray()
        self._start = start  # offset of _pending[0] in the body
        self._cr_seen = False
        self._open = False  # whether the event being read has a byte that is neither a line end nor the stream's BOM
        self._from = 0  # everything before this index of the buffer has been searched

    def feed(self, data: bytes) -> list[ServerSentEvent]:
        """The events that ``data`` completes."""
        data = self._ready(data)
        if not data:
            return []
        if self._is_one(data):
            start = self._start
            self._start += len(data)
            return [parse_event(data, start)]
        return [parse_event(data[at:end], start) for at, end, start in self._ends(data)]

    def feed_spans(self, data: bytes) -> list[tuple[int, int]]:
        """Where the events that ``data`` completes start in the body, and their sizes: for one who needs no more."""
        data = self._ready(data)
        if self._is_one(data):
            start = self._start
            self._start += len(data)
            return [(start, len(data))]
        return [(start, end - at) for at, end, start in self._ends(data)]

    def absorbs(self, data: bytes) -> bool:
        """Whether ``data`` ends no event: then it is taken. False, and nothing is taken, where it has to be looked at:
        before the first byte of an event that ends no line, and, in a stream with a CR, where lines end."""
        pending = self._pending
        if _CR in data or not (pending if self._open else self._opens(data)):
            return False
        ended = bool(pending) and pending[-1] in _LINE_ENDS
        if self._cr_seen:
            if ended or _LF in data:
                return False
        elif _LF in data and (b"\n\n" in data or (ended and data[0] == _LF)):
            return False
        self._open = True
        pending += data
        return True

    def _opens(self, data: bytes) -> bool:
        """Whether an event begins with ``data``, and not the stream, which may begin with a byte order mark."""
        fresh = self._start > 0 and self._from == 0 and not self._pending
        return fresh and bool(data) and data[0] != _LF

    def absorbs_event(self, data: bytes, start: int, size: int) -> int:
        """How many bytes of ``data`` from ``start`` on, at most ``size``, `absorbs` takes one by one: to the end of an
        event, but for its last byte, or, in a stream with a CR, to the end of a line."""
        if size <= 0:
            return 0
        stop = min(start + size, len(data))
        if self._cr_seen:
            found = _LINE_END.search(data, start, stop)
            stop = found.start() if found else stop
        elif not (self._pending and self._pending[-1] == _LF and data.startswith(b"\n", start)):
            blank = data.find(b"\n\n", start, stop)
            stop = blank + 1 if blank >= 0 else stop
            carriage_return = data.find(_CR, start, stop)
            stop = carriage_return if carriage_return >= 0 else stop
        else:
            return 0
        return stop - start if stop > start and self.absorbs(data[start:stop]) else 0

    def finish(self) -> list[ServerSentEvent]:
        """What no blank line ended: at most one event, with ``terminated`` False unless only its LF was awaited."""
        rest = bytes(self._pending)
        if not rest:
            return []
        start = self._start
        self._pending.clear()
        self._next_event(0)
        self._start += len(rest)
        content = _NOT_LINE_END.search(rest, len(BOM) if start == 0 and rest.startswith(BOM) else 0)
        terminated = content is None or _BLANK_LINE.search(rest, content.start()) is not None
        return [parse_event(rest, start, terminated)]

    @property
    def has_returns(self) -> bool:
        """Whether a carriage return came."""
        return self._cr_seen

    @property
    def pending(self) -> int:
        """How many bytes are held back for an event that is not complete yet."""
        return len(self._pending)

    @property
    def rest(self) -> bytes:
        """Those bytes."""
        return bytes(self._pending)

    def _ready(self, data: bytes) -> bytes:
        """The bytes to look for events in: those held back with ``data``, b"" while they hold no whole event."""
        if not self._cr_seen and _CR in data:
            self._cr_seen = True
        if not self._pending:
            return data
        self._pending += data
        if self._find_end(self._pending, 0) < 0:
            return b""
        data = bytes(self._pending)
        self._pending.clear()
        return data

    def _is_one(self, data: bytes) -> bool:
        """Whether ``data`` is one event and no more: the usual read of a live stream."""
        one = not self._cr_seen and data.startswith(b"data: ") and data.find(b"\n\n") == len(data) - 2
        return one and not self._pending and not self._open

    def _ends(self, buffer: bytes) -> list[tuple[int, int, int]]:
        """Where each event starts and ends in the buffer, and starts in the body; the rest is held back."""
        ends: list[tuple[int, int, int]] = []
        if not buffer:
            return ends
        base = self._start
        at = self._take_single_lines(buffer, ends) if len(buffer) >= _MANY else 0
        while (end := self._find_end(buffer, at)) >= 0:
            ends.append((at, end, base + at))
            at = end
            self._next_event(at)
        self._keep(buffer, at)
        return ends

    def _take_single_lines(self, buffer: bytes, ends: list[tuple[int, int, int]]) -> int:
        """The same of events of one line each, if there are no others in a buffer; where the last of them ends. Single
        bytes are found in a fraction of the time that two take."""
        base = self._start
        if self._cr_seen or self._open or self._from or not base:
            return 0
        lines = buffer.split(b"\n")
        filled, blank = lines[:-1:2], lines[1::2]
        if len(lines) % 2 == 0 or any(blank) or not all(filled):
            return 0
        at = 0
        for end in accumulate([len(line) + 2 for line in filled]):
            ends.append((at, end, base + at))
            at = end
        self._next_event(at)
        return at

    def _keep(self, buffer: bytes, at: int) -> None:
        """Hold back what follows the events that were taken, which end at ``at``."""
        self._start += at
        self._from -= at
        if at < len(buffer):
            self._pending += buffer[at:] if at else buffer

    def _next_event(self, at: int) -> None:
        self._open = False
        self._from = at

    def _find_end(self, buffer: bytes | bytearray, at: int) -> int:
        """Index after the blank line that ends the event starting at ``at``; -1 when it is not there yet."""
        if not self._open and not self._find_content(buffer, at):
            return -1
        if not self._cr_seen:
            found = buffer.find(b"\n\n", self._from)
            if found >= 0:
                return found + 2
        else:
            match = _BLANK_LINE.search(buffer, self._from)
            if match is not None and (match.end() < len(buffer) or buffer[-1] != _CR):
                return match.end()
        # A blank line is at most four bytes long, so the last three may begin one. Beginning inside a CRLF is no
        # harm: its LF alone is the end of a line just as well.
        self._from = max(self._from, len(buffer) - 3)
        return -1

    def _find_content(self, buffer: bytes | bytearray, at: int) -> bool:
        """Skip what may come before an event's first line: line ends and, in front of everything, the BOM."""
        if at == len(buffer):
            return False
        if self._start + at == 0:
            if len(buffer) < len(BOM) and BOM.startswith(bytes(buffer)):
                return False
            if self._from == 0 and buffer.startswith(BOM):
                self._from = len(BOM)
        if self._from < len(buffer) and buffer[self._from] not in b"\r\n":
            self._open = True
            return True
        match = _NOT_LINE_END.search(buffer, self._from)
        self._open = match is not None
        self._from = match.start() if match is not None else len(buffer)
        return self._open
