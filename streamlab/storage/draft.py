"""An exchange while it is being recorded."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from streamlab.exchange import Ending, Headers
from streamlab.storage.capture_db import INLINE_REQUEST
from streamlab.wire.http1 import Fault, Piece, StatusHead

#: What is kept of bytes that no framing covers, for people to look at.
_MAX_UNFRAMED = 64 * 1024

#: What a draft's state keeps as it is.
_KEPT: tuple[str, ...] = (
    "id",
    "method",
    "url",
    "tap",
    "began_ns",
    "_wall_ns",
    "parts_written",
    "head_us",
    "chunked",
    "segment_count",
)
_KEPT += ("body_bytes", "events", "first_us", "last_us", "end_us", "notes", "_event_stream")
_NUMBERS = ("id", "began_ns", "_wall_ns", "parts_written", "segment_count", "body_bytes", "events", "last_us")


class Draft:
    """One exchange in the making. Times are microseconds since ``began_ns``. Everything in it is redacted."""

    __slots__ = (
        "_blank_tail",
        "_event_stream",
        "_wall_ns",
        "began_ns",
        "body_bytes",
        "changed",
        "chunked",
        "end_us",
        "ending",
        "events",
        "fault",
        "first_us",
        "head",
        "head_changed",
        "head_us",
        "headers",
        "id",
        "label",
        "last_us",
        "method",
        "notes",
        "parts_written",
        "pending",
        "request_body",
        "request_changed",
        "request_parts",
        "response_headers",
        "segment_count",
        "tap",
        "url",
    )

    def __init__(
        self,
        method: str,
        url: str,
        headers: Headers,
        *,
        began_ns: int,
        wall_ns: int,
        tap: str | None,
        label: str | None,
    ) -> None:
        self.id: int | None = None
        self.method, self.url, self.headers = method, url, headers
        self.tap, self.label = tap, label
        self.began_ns, self._wall_ns = began_ns, wall_ns
        self.request_body = bytearray()
        self.request_parts: list[tuple[int, bytes]] = []
        self.parts_written = 0
        self.request_changed = False
        self.head: StatusHead | None = None
        self.response_headers: Headers = ()
        self.head_us: int | None = None
        self.head_changed = self.chunked = False
        self.pending: list[tuple[int, int, int, int | None, bytes]] = []
        self.segment_count = self.body_bytes = self.events = 0
        self.first_us: int | None = None
        self.last_us = 0
        self.ending: Ending | None = None
        self.end_us: int | None = None
        self.fault: Fault | None = None
        self.notes: dict[str, Any] = {}
        self.changed = True
        self._event_stream = False
        self._blank_tail = b""

    @property
    def started_at(self) -> str:
        """UTC wall clock of the request's first byte, RFC 3339 with microseconds."""
        return datetime.fromtimestamp(self._wall_ns / 1e9, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    @property
    def status(self) -> int | None:
        """The response's status; None before there is one."""
        return self.head.status if self.head else None

    def offset(self, at_ns: int) -> int:
        """A monotonic time as microseconds since the request's first byte."""
        self.last_us = max(0, (at_ns - self.began_ns) // 1000)
        return self.last_us

    def add_request_body(self, data: bytes) -> int:
        """More of the request's body; returns how many bytes wait to be written."""
        self.request_body += data
        self.request_changed = True
        if len(self.request_body) > INLINE_REQUEST:
            self.request_parts.append((self.parts_written + len(self.request_parts), bytes(self.request_body)))
            self.request_body.clear()
        return len(data)

    def set_head(self, head: StatusHead, headers: Headers, at_ns: int, *, chunked: bool) -> None:
        """The final head came."""
        self.head, self.response_headers, self.chunked = head, headers, chunked
        self.head_us = self.offset(at_ns)
        self.head_changed = True
        kind = next((value for name, value in headers if name.lower() == "content-type"), "")
        self._event_stream = kind.lower().startswith("text/event-stream")

    def add_piece(self, data: bytes, chunk: int, at_ns: int) -> int:
        """A read that is one HTTP chunk, as nearly every read of a token stream is; returns how many pieces wait."""
        self.last_us = offset = max(0, (at_ns - self.began_ns) // 1000)
        if self.first_us is None:
            self.first_us = offset
        size = len(data)
        pending = self.pending
        pending.append((self.segment_count, offset, size, chunk, data))
        self.segment_count += 1
        self.body_bytes += size
        if self._event_stream:
            if data[-2:] == b"\n\n" and not self._blank_tail and data.count(b"\n") == 2:
                self.events += 1
            else:
                self._count_events([(data, chunk)])
        return len(pending)

    def add_body(self, pieces: list[Piece], at_ns: int) -> int:
        """One read's pieces of the body; returns their bytes."""
        self.last_us = offset = max(0, (at_ns - self.began_ns) // 1000)
        if self.first_us is None:
            self.first_us = offset
        seq, chunked, total = self.segment_count, self.chunked, 0
        append = self.pending.append
        for data, chunk in pieces:
            append((seq, offset, len(data), chunk if chunked else None, data))
            total += len(data)
            seq += 1
        if self._event_stream:
            self._count_events(pieces)
        self.segment_count = seq
        self.body_bytes += total
        return total

    def _count_events(self, pieces: list[Piece]) -> None:
        """Blank lines, for the live display only; the decoder counts for real."""
        if len(pieces) == 1 and not self._blank_tail and pieces[0][0][-2:] == b"\n\n" and b"\r" not in pieces[0][0]:
            self.events += pieces[0][0].count(b"\n\n")  # the common case: whole events in one chunk
            return
        text = self._blank_tail + b"".join([data for data, _ in pieces])
        self.events += text.count(b"\n\n") + text.count(b"\r\n\r\n")
        # Keep what may be the first half of a blank line, and no whole one.
        tail = text[-3:]
        self._blank_tail = b"" if tail.endswith(b"\n\n") or text.endswith(b"\r\n\r\n") else tail.rpartition(b"\n\n")[2]

    def finish(self, ending: Ending, reason: str, at_ns: int) -> None:
        """The exchange is over."""
        self.ending, self.end_us = ending, self.offset(at_ns)
        self.notes["ending_reason"] = reason
        self.changed = True

    def add_unframed(self, data: bytes, at_ns: int) -> None:
        """Bytes that no framing covers: count them, keep the first and when they came."""
        count = self.notes.get("unframed_bytes", 0)
        self.notes.setdefault("unframed_us", self.offset(at_ns))
        if count < _MAX_UNFRAMED:
            self.notes["unframed"] = self.notes.get("unframed", "") + data[: _MAX_UNFRAMED - count].decode("latin-1")
        self.notes["unframed_bytes"] = count + len(data)
        self.changed = True

    @property
    def waiting(self) -> bool:
        """Whether there is anything to write."""
        return bool(self.changed or self.head_changed or self.pending or self.request_changed)

    def written(self) -> None:
        """Everything that waited is in the database, or is to be forgotten."""
        self.pending.clear()
        self.parts_written += len(self.request_parts)
        self.request_parts.clear()
        self.changed = self.head_changed = self.request_changed = False

    def state(self) -> dict[str, Any]:
        """What is needed to go on with a draft that is written to the database, in JSON's terms, for `restored`."""
        found = {name: getattr(self, name) for name in _KEPT}
        found["head"] = self.head and [self.head.status, self.head.reason, self.head.http_version]
        found["fault"] = self.fault and [self.fault.reason, self.fault.status]
        found["ending"] = self.ending and self.ending.value
        found["blank_tail"] = self._blank_tail.decode("latin-1")
        return found

    @classmethod
    def restored(cls, state: dict[str, Any], label: str | None, request_body: bytes) -> Draft:
        """One that goes on where another was; ``request_body`` is what the database has of it, of the last part if
        there are parts. Raises ValueError, TypeError or KeyError when that is no state."""
        method, url, tap = str(state["method"]), str(state["url"]), state["tap"]
        began_ns, wall_ns = state["began_ns"], state["_wall_ns"]
        draft = cls(method, url, (), began_ns=began_ns, wall_ns=wall_ns, tap=tap, label=label)
        for name in _KEPT:
            value = state[name]
            if name in _NUMBERS and (not isinstance(value, int) or not 0 <= value < 2**63):
                raise ValueError(f"{name} is no number")
            setattr(draft, name, value)
        if not isinstance(draft.notes, dict):
            raise ValueError("notes are no object")
        head, fault = state["head"], state["fault"]
        draft.head = StatusHead(int(head[0]), str(head[1]), str(head[2]), ()) if head else None
        draft.fault = Fault(str(fault[0]), int(fault[1])) if fault else None
        draft.ending = Ending(state["ending"]) if state["ending"] else None
        draft._blank_tail = state["blank_tail"].encode("latin-1")
        draft.request_body += request_body
        draft.changed = False
        return draft
