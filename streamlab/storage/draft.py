"""An exchange while it is being recorded."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from streamlab.exchange import Ending, Headers
from streamlab.sharing.shared import clean_notes
from streamlab.sharing.wanted import Masking
from streamlab.storage.draft_parts import BodyDraft, RequestDraft, ResponseDraft
from streamlab.wire.http1 import HttpFault, StatusHead

#: What is kept of bytes that no framing covers, for people to look at.
_MAX_UNFRAMED = 64 * 1024
#: Of a body that is to be masked, what is kept in memory; of a longer one the part so far is masked and written.
_MOST_HELD = 32 * 1024 * 1024


class Draft:
    """One exchange in the making. Times are microseconds since ``began_ns``. Everything in it is redacted."""

    __slots__ = (
        "_wall_ns",
        "began_ns",
        "body",
        "changed",
        "end_us",
        "ending",
        "fault",
        "id",
        "label",
        "notes",
        "request",
        "response",
        "tap",
    )

    def __init__(
        self, request: RequestDraft, *, began_ns: int, wall_ns: int, tap: str | None, label: str | None
    ) -> None:
        self.id: int | None = None
        self.tap, self.label = tap, label
        self.began_ns, self._wall_ns = began_ns, wall_ns
        self.request = request
        self.response = ResponseDraft()
        self.body = BodyDraft(began_ns)
        self.ending: Ending | None = None
        self.end_us: int | None = None
        self.fault: HttpFault | None = None
        self.notes: dict[str, Any] = {}
        self.changed = True

    @property
    def started_at(self) -> str:
        """UTC wall clock of the request's first byte, RFC 3339 with microseconds."""
        return datetime.fromtimestamp(self._wall_ns / 1e9, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    # --- what a display shows

    @property
    def method(self) -> str:
        """The request's method."""
        return self.request.method

    @property
    def url(self) -> str:
        """What was asked for."""
        return self.request.url

    @property
    def status(self) -> int | None:
        """The response's status; None before there is one."""
        return self.response.head.status if self.response.head else None

    @property
    def events(self) -> int:
        """Events so far, about."""
        return self.body.events

    @property
    def body_bytes(self) -> int:
        """Bytes of the response's body so far."""
        return self.body.bytes

    @property
    def first_us(self) -> int | None:
        """When the body's first byte came."""
        return self.body.first_us

    # --- what happens to it

    def offset(self, at_ns: int) -> int:
        """A monotonic time as microseconds since the request's first byte."""
        return max(0, (at_ns - self.began_ns) // 1000)

    def set_head(self, head: StatusHead, headers: Headers, at_ns: int, *, chunked: bool) -> None:
        """The final head came."""
        self.response.set_head(head, headers, self.offset(at_ns))
        self.body.chunked, self.body.event_stream = chunked, self.response.is_event_stream

    def note(self, name: str, value: Any) -> None:
        """Something to be said of it."""
        self.notes[name] = value
        self.changed = True

    def add_interim(self, status: int, headers: list[list[str]], at_ns: int) -> None:
        """A head before the final one."""
        found = {"status": status, "offset_us": self.offset(at_ns), "headers": headers}
        self.notes.setdefault("interim", []).append(found)
        self.changed = True

    def add_surplus(self, data: bytes) -> None:
        """Bytes that came after the message was over."""
        self.note("bytes_after_end", self.notes.get("bytes_after_end", 0) + len(data))

    def add_unframed(self, data: bytes, at_ns: int) -> None:
        """Bytes that no framing covers: count them, keep the first and when they came."""
        count = self.notes.get("unframed_bytes", 0)
        self.notes.setdefault("unframed_us", self.offset(at_ns))
        if count < _MAX_UNFRAMED:
            self.notes["unframed"] = self.notes.get("unframed", "") + data[: _MAX_UNFRAMED - count].decode("latin-1")
        self.note("unframed_bytes", count + len(data))

    def finish(self, ending: Ending, reason: str, at_ns: int) -> None:
        """The exchange is over."""
        self.ending, self.end_us = ending, self.offset(at_ns)
        self.note("ending_reason", reason)

    def body_rows(self, masking: Masking | None) -> list[tuple[object, ...]]:
        """The segments to write now, in rows; with ``masking`` all of a body that is over, and none before."""
        if masking is None:
            return self.body.waiting.rows(self.id)
        if self.holds(masking):
            return []
        coding = next((value for name, value in self.response.headers if name.lower() == "content-encoding"), None)
        rows = self.body.masked(coding, masking, over=self.ending is not None)
        if rows is None:
            self.note("recording_lost", "a body was too large, or too damaged, to be written without secrets")
            return []
        return rows.rows(self.id)

    def holds(self, masking: Masking | None) -> bool:
        """Whether the segments wait for the end of the body, or for more of it than is held."""
        return masking is not None and self.ending is None and self.body.waiting.bytes < _MOST_HELD

    def written(self, masking: Masking | None = None) -> None:
        """Everything that waited is in the database, or is to be forgotten; but what is still held."""
        if not self.holds(masking):
            self.body.written()
        self.request.written()
        self.changed = self.response.changed = False

    # --- going on in another process

    def state(self, masking: Masking | None) -> dict[str, Any]:
        """What is needed to go on with a draft that is written to the database, in JSON's terms, for `restored`; with
        ``masking`` no secret of what no framing covered."""
        request, response, body = self.request, self.response, self.body
        return {
            "id": self.id,
            "method": request.method,
            "url": request.url,
            "tap": self.tap,
            "began_ns": self.began_ns,
            "wall_ns": self._wall_ns,
            "parts_written": request.parts_written,
            "over": request.over,
            "head": response.head and [response.head.status, response.head.reason, response.head.http_version],
            "head_us": response.head_us,
            "chunked": body.chunked,
            "event_stream": body.event_stream,
            "segments": body.segments,
            "bytes": body.bytes,
            "events": body.events,
            "first_us": body.first_us,
            "blank_tail": body.blank_tail.decode("latin-1"),
            "fault": self.fault and [self.fault.reason, self.fault.status],
            "ending": self.ending and self.ending.value,
            "end_us": self.end_us,
            "notes": self.notes if masking is None else clean_notes(self.notes, masking),
        }

    @classmethod
    def restored(cls, state: dict[str, Any], label: str | None, request_body: bytes) -> Draft:
        """One that goes on where another was; ``request_body`` is what the database has of it, of the last part if
        there are parts. Raises ValueError, TypeError or KeyError when that is no state."""
        request = RequestDraft(str(state["method"]), str(state["url"]), ())
        request.parts_written = _number(state, "parts_written")
        request.over = bool(state["over"])
        request.go_on(request_body)
        began_ns, wall_ns = _number(state, "began_ns"), _number(state, "wall_ns")
        draft = cls(request, began_ns=began_ns, wall_ns=wall_ns, tap=state["tap"], label=label)
        draft.id, draft.end_us, draft.notes = _number(state, "id"), state["end_us"], state["notes"]
        if not isinstance(draft.notes, dict):
            raise ValueError("notes are no object")
        head, fault = state["head"], state["fault"]
        draft.response.head = StatusHead(int(head[0]), str(head[1]), str(head[2]), ()) if head else None
        draft.response.head_us = state["head_us"]
        draft.fault = HttpFault(str(fault[0]), int(fault[1])) if fault else None
        draft.ending = Ending(state["ending"]) if state["ending"] else None
        body = draft.body
        body.waiting.segments, body.bytes, body.events = (
            _number(state, name) for name in ("segments", "bytes", "events")
        )
        body.chunked, body.event_stream, body.first_us = state["chunked"], state["event_stream"], state["first_us"]
        body.blank_tail = state["blank_tail"].encode("latin-1")
        draft.changed = False
        return draft


def _number(state: dict[str, Any], name: str) -> int:
    found = state[name]
    if not isinstance(found, int) or not 0 <= found < 2**63:
        raise ValueError(f"{name} is no number")
    return found
