"""Bytes <-> stream events: splits a body into events, decodes payloads; and `encode` back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import accumulate

from streamlab.wire.content_coding import BodyDecoder
from streamlab.wire.events import Chunk, Comment, Done, ErrorPayload, StreamEvent, Undecodable
from streamlab.wire.payload import FaultKind, JsonObject, decode_payload, encode_json
from streamlab.wire.run_decoder import RunDecoder
from streamlab.wire.runs import Run, Template
from streamlab.wire.sse import ServerSentEvent


def read_event(sse: ServerSentEvent) -> StreamEvent:
    """What one event means."""
    data = sse.data
    if data is None:
        return Comment(sse)
    if data == b"[DONE]":
        return Done(sse)
    payload = decode_payload(data)
    if payload.ok and type(payload.value) is dict:
        if payload.value.get("error"):
            return ErrorPayload(sse, payload.value, payload.faults)
        if any(fault.kind is FaultKind.TRAILING_TEXT for fault in payload.faults):
            return Undecodable(sse, payload.faults, True, payload.value)
        return Chunk(sse, payload.value, payload.faults)
    if _means_done(data):
        return Done(sse, variant=True)
    return Undecodable(sse, payload.faults, payload.ok, payload.value)


def events_of(run: Run) -> list[StreamEvent]:
    """The events of a run, one by one."""
    return [read_event(sse) for sse in run.sse_events()]


def raw_of(one: StreamEvent | Run) -> bytes:
    """The bytes in which an event, or a run of them, came; b"" where nothing came."""
    if type(one) is Run:
        return one.raw
    return one.sse.raw if one.sse is not None else b""  # type: ignore[union-attr]


def raws_of(run: Run) -> list[bytes]:
    """The bytes of each event of a run."""
    raw, ends = run.raw, [*accumulate(run.sizes)]
    return [raw[start:end] for start, end in zip((0, *ends), ends, strict=False)]


def last_of(run: Run) -> JsonObject:
    """The last chunk of a run."""
    return read_event(run.last_event()).json  # type: ignore[union-attr]


def _means_done(data: bytes) -> bool:
    """``[done]``, ``"[DONE]"``, `` [DONE] ``: spellings that servers really use for the end."""
    return len(data) < 32 and data.strip().strip(b"\"'").strip().upper() in (b"[DONE]", b"DONE")


class StreamDecoder:
    """Body bytes in, stream events out; `finish` gives the unterminated last event, if there is one.

    ``read`` says what an event means.
    """

    def __init__(
        self, content_encoding: str | None = None, read: Callable[[ServerSentEvent], StreamEvent] = read_event
    ) -> None:
        self._read = read
        self.body = BodyDecoder(content_encoding, guess=True)
        self._sse = RunDecoder()
        #: Whether decoded bytes are taken without a look, for they end no event; and how many of them.
        self.absorbs, self.absorbs_event = self._sse.absorbs, self._sse.absorbs_event

    def feed(self, data: bytes) -> list[StreamEvent]:
        """The events that ``data`` completes."""
        return [self._read(sse) for piece in self.body.feed_pieces(data) for sse in self._sse.feed(piece)]

    def feed_decoded(self, data: bytes) -> list[StreamEvent]:
        """The same for bytes whose content coding somebody else has undone."""
        return [self._read(sse) for sse in self._sse.feed(data)]

    def feed_runs(self, data: bytes) -> list[StreamEvent | Run]:
        """The same, with events that are like one of those that were learnt as runs."""
        taken = self._sse.take(data)
        if not taken:
            return []
        read = self._read
        return [one if type(one) is Run else read(one) for one in taken]  # type: ignore[arg-type]

    def take_runs(self, data: bytes, take: Callable[[Run], bool]) -> int:
        """See `RunDecoder.take_runs`; of bytes whose content coding is undone."""
        return self._sse.take_runs(data, take)

    def skip(self, size: int) -> None:
        """Go on behind ``size`` bytes, with which an event ends; for bytes that came without content coding."""
        self._sse.skip(size + self._sse.pending)

    def each_run(self, data: bytes) -> Iterator[StreamEvent | Run]:
        """The same one by one: an event that is learnt serves from the next one on (`RunDecoder.each`)."""
        read = self._read
        return (one if type(one) is Run else read(one) for one in self._sse.each(data))  # type: ignore[arg-type]

    def learn(self, template: Template) -> None:
        """Look out for runs of events like this one."""
        self._sse.learn(template)

    def finish(self) -> list[StreamEvent]:
        """The last event when no blank line ended it."""
        held = self._sse.feed(self.body.finish())
        return [self._read(sse) for sse in (*held, *self._sse.finish())]

    @property
    def pending(self) -> int:
        """Bytes held back for an event that is not complete yet."""
        return self._sse.pending

    @property
    def rest(self) -> bytes:
        """Those bytes."""
        return self._sse.rest


def encode(event: StreamEvent) -> bytes:
    """The bytes of an event: exactly those it came in, or, for one that a repair made, as OpenAI frames it."""
    if event.sse is not None:
        return event.sse.raw
    if isinstance(event, Done):
        return b"data: [DONE]\n\n"
    if isinstance(event, Chunk | ErrorPayload):
        return b"data: " + encode_json(event.json) + b"\n\n"
    raise TypeError(f"an event of this kind always has bytes: {type(event).__name__}")


__all__ = [
    "StreamDecoder",
    "encode",
    "events_of",
    "last_of",
    "raw_of",
    "raws_of",
    "read_event",
]
