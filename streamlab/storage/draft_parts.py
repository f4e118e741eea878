"""The parts of an exchange while it is being recorded: its request, the response's head, and the response's body.

Each knows what of it waits to be written. Everything in them is redacted.
"""

from __future__ import annotations

from streamlab.errors import UnreadableInputError
from streamlab.exchange import Headers, Segment
from streamlab.sharing.shared import Masking, mask_segments
from streamlab.storage.capture_db import INLINE_REQUEST
from streamlab.wire.http1 import Piece, StatusHead

#: A segment as it is written: number, offset, length, HTTP chunk, bytes.
Row = tuple[int, int, int, int | None, bytes]
#: How far from its end a large body may be parted, so that no key is.
_LONGEST_KEY = 8192


class RequestDraft:
    """What the client asked; of a large body what is not yet in the database."""

    __slots__ = ("body", "changed", "headers", "method", "parts", "parts_written", "url")

    def __init__(self, method: str, url: str, headers: Headers) -> None:
        self.method, self.url, self.headers = method, url, headers
        self.body = bytearray()
        self.parts: list[tuple[int, bytes]] = []
        self.parts_written = 0
        self.changed = False

    def add(self, data: bytes) -> int:
        """More of the body; returns how many bytes wait to be written."""
        self.body += data
        self.changed = True
        if len(self.body) > INLINE_REQUEST:
            stop = max(self.body.rfind(mark, -_LONGEST_KEY) for mark in (b'"', b",", b" ", b"\n")) + 1 or len(self.body)
            self.parts.append((self.parts_written + len(self.parts), bytes(self.body[:stop])))
            del self.body[:stop]
        return len(data)

    def written(self) -> None:
        """Everything that waited is in the database."""
        self.parts_written += len(self.parts)
        self.parts.clear()
        self.changed = False


class ResponseDraft:
    """The final head of the answer, once there is one."""

    __slots__ = ("changed", "head", "head_us", "headers")

    def __init__(self) -> None:
        self.head: StatusHead | None = None
        self.headers: Headers = ()
        self.head_us: int | None = None
        self.changed = False

    def set_head(self, head: StatusHead, headers: Headers, offset_us: int) -> None:
        """The final head came."""
        self.head, self.headers, self.head_us = head, headers, offset_us
        self.changed = True

    @property
    def is_event_stream(self) -> bool:
        """Whether the body is declared as server-sent events."""
        kind = next((value for name, value in self.headers if name.lower() == "content-type"), "")
        return kind.lower().startswith("text/event-stream")


class BodyDraft:
    """The answer's body in segments: how many there are, and those that wait to be written.

    Times are microseconds since ``began_ns``.
    """

    __slots__ = (
        "began_ns",
        "blank_tail",
        "bytes",
        "chunked",
        "event_stream",
        "events",
        "first_us",
        "pending",
        "segments",
    )

    def __init__(self, began_ns: int) -> None:
        self.began_ns = began_ns
        self.pending: list[Row] = []
        self.segments = self.bytes = self.events = 0
        self.first_us: int | None = None
        self.chunked = False
        self.event_stream = False
        self.blank_tail = b""

    def add_piece(self, data: bytes, chunk: int, at_ns: int) -> int:
        """A read that is one HTTP chunk, as nearly every read of a token stream is; returns how many pieces wait."""
        offset = max(0, (at_ns - self.began_ns) // 1000)
        if self.first_us is None:
            self.first_us = offset
        size = len(data)
        pending = self.pending
        pending.append((self.segments, offset, size, chunk, data))
        self.segments += 1
        self.bytes += size
        if self.event_stream:
            if data[-2:] == b"\n\n" and not self.blank_tail and data.count(b"\n") == 2:
                self.events += 1
            else:
                self._count_events([(data, chunk)])
        return len(pending)

    def add(self, pieces: list[Piece], at_ns: int) -> int:
        """One read's pieces of the body; returns their bytes."""
        offset = max(0, (at_ns - self.began_ns) // 1000)
        if self.first_us is None:
            self.first_us = offset
        seq, chunked, total = self.segments, self.chunked, 0
        append = self.pending.append
        for data, chunk in pieces:
            append((seq, offset, len(data), chunk if chunked else None, data))
            total += len(data)
            seq += 1
        if self.event_stream:
            self._count_events(pieces)
        self.segments = seq
        self.bytes += total
        return total

    @property
    def held(self) -> int:
        """Bytes that wait."""
        return sum(row[2] for row in self.pending)

    def masked(self, coding: str | None, masking: Masking) -> list[Row]:
        """What waits, without secrets; nothing of it where they cannot be taken out."""
        segments = tuple(Segment(row[1], row[4]) for row in self.pending)
        try:
            shown, _ = mask_segments(segments, coding, masking)
        except UnreadableInputError:
            return []
        return [(*row[:2], len(one.data), row[3], one.data) for row, one in zip(self.pending, shown, strict=True)]

    def _count_events(self, pieces: list[Piece]) -> None:
        """Blank lines, for the live display only; the decoder counts for real."""
        if len(pieces) == 1 and not self.blank_tail and pieces[0][0][-2:] == b"\n\n" and b"\r" not in pieces[0][0]:
            self.events += pieces[0][0].count(b"\n\n")  # the common case: whole events in one chunk
            return
        text = self.blank_tail + b"".join([data for data, _ in pieces])
        self.events += text.count(b"\n\n") + text.count(b"\r\n\r\n")
        # Keep what may be the first half of a blank line, and no whole one.
        tail = text[-3:]
        self.blank_tail = b"" if tail.endswith(b"\n\n") or text.endswith(b"\r\n\r\n") else tail.rpartition(b"\n\n")[2]
