"""The parts of an exchange while it is being recorded: its request, the response's head, and the response's body.

Each knows what of it waits to be written. Everything in them is redacted.
"""

from __future__ import annotations

from collections.abc import Sequence

from streamlab.errors import UnreadableInputError
from streamlab.exchange import Headers, Segment
from streamlab.lazy_pattern import lazy_pattern
from streamlab.redaction import MASK
from streamlab.sharing.parts import place_to_part
from streamlab.sharing.requests import parting_place
from streamlab.sharing.shared import mask_segments
from streamlab.sharing.wanted import Masking
from streamlab.storage.capture_db import INLINE_REQUEST
from streamlab.storage.segment_rows import StoredSegment, WaitingRows
from streamlab.wire.http1 import Piece, StatusHead

#: How far from its end a large body may be parted, and how much has to lie behind, so that nothing secret is.
_LONGEST_KEY, _BEHIND = 8192, 512
#: What goes on in a piece of text.
_TOKEN = lazy_pattern(rb"[\w.+/=~-]*")


class RequestDraft:
    """What the client asked; of a large body what is not yet in the database. ``over``: no more of it comes."""

    __slots__ = ("body", "changed", "goes_on_masked", "headers", "method", "over", "parts", "parts_written", "url")

    def __init__(self, method: str, url: str, headers: Headers) -> None:
        self.method, self.url, self.headers = method, url, headers
        self.body = bytearray()
        self.parts: list[tuple[int, bytes]] = []
        self.parts_written = 0
        self.changed = self.over = self.goes_on_masked = False

    def add(self, data: bytes) -> int:
        """More of the body; returns how many bytes wait to be written."""
        if self.goes_on_masked and data:
            token = _TOKEN.match(data)
            end = token.end() if token is not None else 0
            self.goes_on_masked = end == len(data)
            data = MASK.encode() * end + data[end:]
        self.body += data
        self.changed = True
        if len(self.body) > INLINE_REQUEST:
            stop = parting_place(self.body, len(self.body) - _LONGEST_KEY, len(self.body) - _BEHIND)
            self.parts.append((self.parts_written + len(self.parts), bytes(self.body[:stop])))
            del self.body[:stop]
        return len(data)

    def end(self) -> None:
        """No more of it comes."""
        self.over = self.changed = True

    def go_on(self, written: bytes) -> None:
        """Go on behind what is in the database, where what may have been the beginning of a secret is masked."""
        self.body += written
        self.goes_on_masked = not self.over and written.endswith(MASK.encode() * 3)

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
        "_kept_back",
        "began_ns",
        "blank_tail",
        "bytes",
        "chunked",
        "event_stream",
        "events",
        "first_us",
        "waiting",
    )

    def __init__(self, began_ns: int) -> None:
        self.began_ns = began_ns
        self.waiting = WaitingRows()
        self._kept_back: list[StoredSegment] = []
        self.bytes = self.events = 0
        self.first_us: int | None = None
        self.chunked = False
        self.event_stream = False
        self.blank_tail = b""

    @property
    def segments(self) -> int:
        """How many there are."""
        return self.waiting.segments

    def add_chunks(self, data: Sequence[bytes], chunk: int, times: Sequence[int], counts: Sequence[int]) -> None:
        """HTTP chunks, the first of which is ``chunk``, of reads at these times; ``counts`` has how many of each."""
        if len(data) != len(counts):
            times = [one for one, count in zip(times, counts, strict=True) for _ in range(count)]
        began = self.began_ns
        offsets = [(at_ns - began) // 1000 if at_ns > began else 0 for at_ns in times]
        self._add(data, offsets, chunk)

    def add(self, pieces: list[Piece], at_ns: int) -> None:
        """One read's pieces of the body."""
        offset = max(0, (at_ns - self.began_ns) // 1000)
        self._add([data for data, _ in pieces], [offset] * len(pieces), pieces[0][1] if self.chunked else None)

    def _add(self, data: Sequence[bytes], offsets: Sequence[int], chunk: int | None) -> None:
        if self.first_us is None:
            self.first_us = offsets[0]
        joined = self.waiting.add(offsets, data, chunk)
        self.bytes += len(joined)
        if self.event_stream:
            self._count_events(joined)

    def masked(self, coding: str | None, masking: Masking, *, over: bool) -> WaitingRows | None:
        """What waits, without secrets; None where they cannot be taken out. Of a body that is not ``over`` the end is
        kept back until `written`, from a place where no secret is parted."""
        waiting = list(self.waiting)
        if not over and coding:
            return None
        read = tuple(Segment(one.offset_us, one.data) for one in waiting)
        try:
            shown = mask_segments(read, coding, masking)[0]
            stop = len(read) if over else place_to_part(read, shown, masking)
        except UnreadableInputError:
            return None
        if not stop and not over:
            return None
        self._kept_back = waiting[stop:]
        rows = WaitingRows(self.segments - len(waiting))
        for one, now in zip(waiting[:stop], shown, strict=False):
            rows.add((one.offset_us,), (now.data,), one.chunk)
        return rows

    def written(self) -> None:
        """What waited is in the database, but for what was kept back."""
        kept, self._kept_back = self._kept_back, []
        if not kept:
            self.waiting.written()
            return
        self.waiting = WaitingRows(self.segments - len(kept))
        for one in kept:
            self.waiting.add((one.offset_us,), (one.data,), one.chunk)

    def _count_events(self, data: bytes) -> None:
        """Blank lines, for the live display only; the decoder counts for real."""
        if not self.blank_tail and data[-2:] == b"\n\n" and b"\r" not in data:
            self.events += data.count(b"\n\n")  # the common case: whole events
            return
        text = self.blank_tail + data
        self.events += text.count(b"\n\n") + text.count(b"\r\n\r\n")
        # Keep what may be the first half of a blank line, and no whole one.
        tail = text[-3:]
        self.blank_tail = b"" if tail.endswith(b"\n\n") or text.endswith(b"\r\n\r\n") else tail.rpartition(b"\n\n")[2]
