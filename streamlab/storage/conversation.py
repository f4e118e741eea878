"""What one client connection and its upstream said, frame by frame, turned into exchanges.

Redaction happens here, before anything is kept.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from streamlab.exchange import Ending, Headers
from streamlab.redaction import is_secret_name, redact_headers, redact_line, redact_url
from streamlab.sharing.wanted import Masking
from streamlab.storage.cut_lines import CutLines
from streamlab.storage.draft import Draft
from streamlab.storage.draft_parts import RequestDraft
from streamlab.storage.frames import Frame, Kind
from streamlab.storage.heads import kept_head, kept_trailers
from streamlab.wire.http1 import (
    Body,
    BodyFraming,
    BodyReader,
    Broken,
    End,
    Head,
    HttpFault,
    Interim,
    Piece,
    ResponseEvent,
    ResponseReader,
    Surplus,
    parse_request_head,
    request_body,
)

_READS_AT_ONCE = 128
#: Told of a draft that has something to write, and of the bytes that wait with it beside those of responses.
Touched = Callable[[Draft, int], None]
#: What the wall clock showed at a monotonic time; in nanoseconds both.
WallTime = Callable[[int], int]


class Conversation:
    """Feeds on one connection's frames. ``touched(draft, bytes)`` is called for every draft that changed."""

    def __init__(self, opened: Frame, label: str | None, touched: Touched, wall_ns: WallTime) -> None:
        tap, _, self._origin = opened.data.decode("utf-8", "replace").partition("\n")
        self._tap, self._label = tap or None, label
        self._touched, self._wall_ns = touched, wall_ns
        self._open: deque[Draft] = deque()
        self._latest: Draft | None = None
        self._answered: Draft | None = None  # the one whose answer came last
        self._uploading: BodyReader | None = None
        self._responses = ResponseReader()
        self._left: tuple[int, str] | None = None
        self._last_ns = opened.at_ns
        self._cut_lines = CutLines()
        self._frozen: str | None = None  # the state since which nothing but whole chunks of one body has come

    def take(self, frame: Frame) -> None:
        """One frame that is no read, in order."""
        self._last_ns, self._frozen = frame.at_ns, None
        if frame.kind is Kind.REQUEST_BODY:
            self._request_body(frame.data)
        elif frame.kind is Kind.REQUEST:
            self._request(frame)
        elif frame.kind is Kind.ENDED:
            self._ended(frame.at_ns, frame.data.decode("utf-8", "replace"))
        elif frame.kind is Kind.CLOSED:
            self._client_left()
        elif frame.kind is Kind.LOST:
            self._lost(frame.at_ns)

    # --- requests

    def _request(self, frame: Frame) -> None:
        head = parse_request_head(frame.data)
        assert not isinstance(head, HttpFault), "the relay passes valid heads only"
        draft = Draft(
            RequestDraft(head.method, redact_url(_url(self._origin, head.target)), redact_headers(head.headers)),
            began_ns=frame.at_ns,
            wall_ns=self._wall_ns(frame.at_ns),
            tap=self._tap,
            label=self._label,
        )
        body = request_body(head)
        self._uploading = body if isinstance(body, BodyReader) and not body.done else None
        if self._uploading is None:
            draft.request.end()
        self._latest = draft
        self._open.append(draft)
        self._responses.expect(head.method)
        self._touched(draft, 0)

    def _request_body(self, data: bytes) -> None:
        draft = self._latest
        if draft is None:
            return
        if self._uploading is None:  # what a client says after its connection was upgraded
            self._touched(draft, draft.request.add(data))
            return
        pieces: list[Piece] = []
        self._uploading.feed(data, 0, pieces)
        if self._uploading.trailers:
            draft.note("request_trailers", self._cut_lines.of_request(self._uploading.trailers))
        if self._uploading.done:
            self._cut_lines.request_over()
            self._uploading, draft.request.over = None, True
        self._touched(draft, sum(draft.request.add(piece) for piece, _ in pieces))

    # --- responses

    def responses(self, times_ns: Sequence[int], reads: Sequence[bytes]) -> None:
        """Reads from the upstream, in order, and when they came."""
        at, count = 0, len(reads)
        while at < count:
            body = self._responses.body
            if body is not None and self._open and self._left is None:
                first = body.chunk
                data, counts = body.whole_chunks(reads[at : at + _READS_AT_ONCE])
                if counts:
                    draft, stop = self._open[0], at + len(counts)
                    draft.body.add_chunks(data, first, times_ns[at:stop], counts)
                    self._touched(draft, 0)
                    self._last_ns = times_ns[stop - 1]
                    at = stop
                    continue
            self._response(times_ns[at], reads[at])
            at += 1

    def _response(self, at_ns: int, data: bytes) -> None:
        self._last_ns, self._frozen = at_ns, None
        if self._left is not None:
            self._response_after_leaving(at_ns, data)
            return
        for event in self._responses.feed(data):
            if type(event) is Body and self._open:
                draft = self._open[0]
                draft.body.add(event.pieces, at_ns)
                self._touched(draft, 0)
            else:
                self._apply(event, at_ns)

    def _apply(self, event: ResponseEvent, at_ns: int) -> None:
        if isinstance(event, Surplus):
            if self._latest is not None:
                self._latest.add_surplus(event.data)
                self._touched(self._latest, 0)
            return
        if not self._open:  # it was ended already, by a timeout for one
            return
        draft = self._open[0]
        if isinstance(event, Head):
            headers = redact_headers(event.head.headers)
            self._answered = draft
            draft.set_head(event.head, headers, at_ns, chunked=event.framing is BodyFraming.CHUNKED)
        elif isinstance(event, Interim):
            draft.add_interim(event.head.status, _safe(event.head.headers), at_ns)
        elif isinstance(event, End):
            self._end(draft, self._cut_lines.of_response(event.trailers), at_ns)
        elif isinstance(event, Broken):
            self._broken(draft, event, at_ns)
        self._touched(draft, 0)

    def _end(self, draft: Draft, trailers: Headers, at_ns: int) -> None:
        if trailers:
            draft.note("trailers", _safe(trailers))
        draft.finish(Ending.COMPLETE, "end-of-message", at_ns)
        self._open.popleft()

    def _broken(self, draft: Draft, event: Broken, at_ns: int) -> None:
        draft.fault = event.fault
        data = event.rest if draft.response.head is not None else _redact_lines(event.rest)
        draft.add_unframed(data, at_ns)

    def _response_after_leaving(self, at_ns: int, data: bytes) -> None:
        """The client is gone; only the bare end of the message, already on its way, still counts."""
        if not self._open:
            return
        events = self._responses.feed(data)
        if events and isinstance(events[0], End):
            self._open[0].note("client_left_before_terminator", True)
            self._apply(events[0], self._left[0] if self._left else at_ns)
        self._client_left()

    # --- endings

    def _ended(self, at_ns: int, how: str) -> None:
        kind, _, detail = how.partition(": ")
        if kind.startswith("client-"):
            self._left = (at_ns, kind)
        elif kind.startswith("upstream-"):
            self._upstream_ended(at_ns, kind.removeprefix("upstream-"), detail)
        elif kind == "timeout":
            self._finish_all(Ending.TIMED_OUT, "timeout", at_ns)
        elif kind == "unreachable":
            self._unreachable(at_ns, detail)
        elif kind == "rejected":
            self._finish_all(Ending.CLIENT_LEFT, f"bad-request-framing: {detail}", at_ns)
        elif kind == "repair-failed" and self._answered is not None:  # that answer may be over
            self._answered.note("repair-failed", detail)
            self._touched(self._answered, 0)
        elif kind == "stopped":
            self._finish_all(Ending.INTERRUPTED, "recorder-stopped", at_ns)

    def _upstream_ended(self, at_ns: int, kind: str, detail: str) -> None:
        if not self._open:
            return
        draft = self._open[0]
        body = self._responses.body
        if draft.fault is not None:
            reason = f"bad-framing: {draft.fault.reason}"
        elif kind != "fin":
            reason = "rst" if kind == "rst" else f"error: {detail}"
        elif self._responses.finish():
            draft.finish(Ending.COMPLETE, "fin", at_ns)
            self._open.popleft()
            self._touched(draft, 0)
            self._finish_all(Ending.UPSTREAM_CUT, "fin", at_ns)
            return
        else:
            reason = "fin" if body is None else "missing-terminator"
        _note_what_is_missing(draft, body, self._responses.head_bytes)
        draft.finish(Ending.UPSTREAM_CUT, reason, at_ns)
        self._open.popleft()
        self._touched(draft, 0)
        self._finish_all(Ending.UPSTREAM_CUT, "rst" if kind == "rst" else "fin", at_ns)

    def _unreachable(self, at_ns: int, detail: str) -> None:
        kind, _, text = detail.partition(": ")
        for draft in self._open:
            draft.note("unreachable", text)
        self._finish_all(Ending.UNREACHABLE, detail if kind == "tls" else kind, at_ns)

    def _client_left(self) -> None:
        if self._left is None:
            return
        at_ns, how = self._left
        for draft in self._open:
            if draft.fault is not None:
                draft.finish(Ending.UPSTREAM_CUT, f"bad-framing: {draft.fault.reason}", at_ns)
                self._touched(draft, 0)
        self._open = deque(draft for draft in self._open if draft.ending is None)
        self._finish_all(Ending.CLIENT_LEFT, how, at_ns)

    def _lost(self, at_ns: int) -> None:
        for draft in self._open:
            draft.note("recording_lost", "there was no room for it; bytes from here on were not recorded")
        self._finish_all(Ending.INTERRUPTED, "recording-lost", at_ns)
        self.forget()

    def interrupt(self, reason: str) -> None:
        """Nothing more will come: the relay is gone."""
        self._frozen = None
        self._client_left()
        self._finish_all(Ending.INTERRUPTED, reason, self._last_ns)

    def _finish_all(self, ending: Ending, reason: str, at_ns: int) -> None:
        while self._open:
            draft = self._open.popleft()
            draft.finish(ending, reason, at_ns)
            self._touched(draft, 0)

    # --- going on in another process

    def frozen(self, masking: Masking | None = None) -> str:
        """Where the connection is once everything is written, as JSON, for `restored`.

        Asked for with every batch, so what chunks in the middle of a body change is put beside a text made before.
        """
        if self._frozen is None:
            self._frozen = json.dumps(self._state(masking), separators=(",", ":"))
        body = self._responses.body
        if body is None or not self._open:
            return f"[{self._frozen},null]"
        one = self._open[0].body
        first = "null" if one.first_us is None else one.first_us
        return f"[{self._frozen},[{one.segments},{one.bytes},{one.events},{first},{body.chunk},{self._last_ns}]]"

    def thaw(self) -> None:
        """What was written was not: ids will change."""
        self._frozen = None

    def _state(self, masking: Masking | None) -> dict[str, Any]:
        drafts = list(self._open)
        if self._latest is not None and self._latest not in drafts:
            drafts.append(self._latest)
        return {
            "tap": self._tap,
            "origin": self._origin,
            "open": len(self._open),
            "latest": drafts.index(self._latest) if self._latest is not None else None,
            "drafts": [draft.state(masking) for draft in drafts],
            "uploading": self._uploading and self._uploading.state(kept_trailers),
            "responses": self._responses.state(kept_trailers, kept_head),
            "cut_lines": self._cut_lines.state(self._uploading, self._responses.body),
            "left": self._left,
            "last_ns": self._last_ns,
        }

    @classmethod
    def restored(
        cls,
        state: dict[str, Any],
        since: list[int] | None,
        drafts: list[Draft],
        label: str | None,
        touched: Touched,
        wall_ns: WallTime,
    ) -> Conversation:
        """One that goes on where another was: the two parts of what is `frozen`, and its ``drafts``. Raises ValueError,
        TypeError, KeyError, IndexError or AttributeError when that is no state."""
        text = f"{state['tap'] or ''}\n{state['origin']}"
        opened = Frame(Kind.OPENED, 0, int(state["last_ns"]), text.encode("utf-8", "replace"))
        found = cls(opened, label, touched, wall_ns)
        found._open.extend(drafts[: int(state["open"])])
        found._latest = drafts[state["latest"]] if state["latest"] is not None else None
        found._uploading = BodyReader.restored(state["uploading"]) if state["uploading"] else None
        found._responses = ResponseReader.restored(state["responses"])
        found._cut_lines = CutLines(state["cut_lines"])
        found._left = (int(state["left"][0]), str(state["left"][1])) if state["left"] else None
        if since is not None:
            found._catch_up(since)
        return found

    def _catch_up(self, since: list[int]) -> None:
        body, one = self._responses.body, self._open[0].body
        if body is None or any(number is not None and not 0 <= number < 2**63 for number in since):
            raise ValueError("no such place in a body")
        one.waiting.segments, one.bytes, one.events, one.first_us, body.chunk, self._last_ns = since

    @property
    def drafts(self) -> list[Draft]:
        """What is being recorded."""
        return list(self._open)

    def forget(self) -> None:
        """What is being recorded is gone; go on with the next request."""
        self._frozen = None
        self._open.clear()
        self._responses = ResponseReader()
        self._uploading, self._latest = None, None


def _url(origin: str, target: str) -> str:
    if target.startswith("/"):
        return origin + target
    if "://" in target:
        path = target.split("://", 1)[1].partition("/")[2]
        return f"{origin}/{path}"
    return f"{origin}/{target}"


def _note_what_is_missing(draft: Draft, body: BodyReader | None, head: bytes) -> None:
    if body is not None and body.fault is None and body.missing:
        draft.note("missing_bytes", body.missing)
    if head:
        draft.note("unfinished_head", _redact_lines(head)[:4096].decode("latin-1"))


def _safe(headers: Headers) -> list[list[str]]:
    return [list(pair) for pair in redact_headers(headers)]


def _redact_lines(raw: bytes) -> bytes:
    """Bytes that were meant as a head, with the values of secret-looking lines replaced; a folded line goes with its
    header."""
    lines, secret = [], False
    for line in raw.split(b"\n"):
        name, colon, value = line.partition(b":")
        folded = line[:1] in (b" ", b"\t") and secret
        secret = folded or (bool(colon) and len(name) < 256 and is_secret_name(name.strip().decode("latin-1")))
        if folded:
            line = b" REDACTED"
        elif secret:
            line = name + b": REDACTED"
        elif colon:
            ((_, text),) = redact_headers((("x", value.decode("latin-1")),))
            line = name + b":" + text.encode("latin-1")
        else:
            line = redact_line(line.decode("latin-1")).encode("latin-1")
        lines.append(line)
    return b"\n".join(lines)
