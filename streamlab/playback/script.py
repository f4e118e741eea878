"""An exchange turned into what a server has to do: which bytes to send when, and how to end.

Nothing here knows a clock or a socket; ``servers/replay.py`` performs the `Script`. Offsets are microseconds since the
request's first byte, as recorded; where timing is unknown every offset is 0. A fault on demand comes as soon as the
last byte before it has been sent, whenever the recorded end was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import NamedTuple

from streamlab.errors import UsageError
from streamlab.exchange import Ending, Exchange, Headers, ResponseHead
from streamlab.record import changed
from streamlab.wire.content_coding import BodyDecoder
from streamlab.wire.sse import SSEDecoder


class Finish(StrEnum):
    """What a server does after the last byte."""

    KEEP_ALIVE = "keep-alive"  # the message ended properly; the connection may carry another
    FIN = "fin"  # close in order
    RST = "rst"  # reset the connection
    HOLD = "hold"  # send nothing more and stay open until the client goes


class Step(NamedTuple):
    """Bytes to put on the wire, framing included, at a time.

    A ``delimited`` one is a head or a whole HTTP chunk: whoever reads it sees where it ends, whatever it comes with.
    """

    offset_us: int
    data: bytes
    delimited: bool = False


@dataclass(frozen=True, slots=True)
class Script:
    """A performance: ``steps`` in order, then ``finish`` at ``end_us``. Without steps nothing is answered at all."""

    steps: Iterable[Step]
    finish: Finish
    end_us: int


class PlannedFault(NamedTuple):
    """A fault on demand: what happens (`Finish`), after so many body bytes or, with ``events``, so many events."""

    finish: Finish
    after: int
    events: bool = False


#: A changed exchange, and its body as (offset, bytes) pairs in identity coding.
Transform = Callable[[Exchange], tuple[Exchange, Iterator[tuple[int | None, bytes]]]]


class _Piece(NamedTuple):
    """Body bytes; ``first`` opens an HTTP chunk of ``chunk`` bytes, ``last`` closes it."""

    offset_us: int
    data: bytes
    first: bool = True
    last: bool = True
    chunk: int = 0


#: Names that ``--segments`` takes besides a number of bytes.
SEGMENTATIONS = ("recorded", "event", "byte", "whole")


def parse_segments(text: str) -> str | int:
    """``recorded``, ``event``, ``byte``, ``whole`` or a number of bytes. Raises UsageError."""
    if text in SEGMENTATIONS:
        return text
    if text.isascii() and text.isdigit() and 0 < int(text) < 1 << 31:
        return int(text)
    raise UsageError(f"--segments takes {', '.join(SEGMENTATIONS)} or a number of bytes, not {text!r}")


def script(
    exchange: Exchange,
    *,
    segments: str | int = "recorded",
    fault: PlannedFault | None = None,
    transform: Transform | None = None,
) -> Script:
    """What a server does to play ``exchange``; ``transform`` (a normalizer) changes it on the way out."""
    body = _reads(exchange)
    if transform is not None:
        exchange, body = transform(exchange)
    if exchange.head is None:
        return Script((), fault.finish if fault else _recorded_finish(exchange, _CLOSE), exchange.end_us or 0)
    changed = transform is not None or segments != "recorded"
    framing = _framing(exchange, changed)
    pieces = _cut_pieces(exchange, body, segments, changed)
    finish = _recorded_finish(exchange, framing)
    if fault is not None:
        pieces, finish = _faulty(exchange, pieces, fault), fault.finish
    faithful = fault is None and not changed
    missing = exchange.notes.get("missing_bytes") if faithful and finish is not Finish.KEEP_ALIVE else 0
    if isinstance(missing, int) and missing:
        pieces = _cut_short(pieces, missing)
    steps = _steps(exchange, framing, pieces, finish, asked=segments != "recorded", faithful=faithful)
    return Script(steps, finish, 0 if fault is not None else exchange.end_us or 0)


#: A server that has sent nothing for so long when its client leaves has fallen silent.
_SILENCE_US = 250_000
#: Framings of a body: HTTP chunks, a Content-Length, the end of the connection, and no body at all.
_CHUNKED, _LENGTH, _CLOSE, _BODILESS = "chunked", "length", "close", "bodiless"


def _framing(exchange: Exchange, changed: bool) -> str:
    head, request = exchange.head, exchange.request
    assert head is not None
    if head.status in (204, 304) or (request is not None and request.method == "HEAD"):
        return _BODILESS
    if exchange.http_chunks is not None or "chunked" in (head.header("transfer-encoding") or "").lower():
        return _CHUNKED
    if (length := head.header("content-length")) is not None:
        return _CHUNKED if changed or not _length_holds(exchange, length) else _LENGTH
    return _CLOSE if request is not None else _CHUNKED


def _length_holds(exchange: Exchange, length: str) -> bool:
    """Whether a complete body is as long as its head says: one that was decoded on import is not any more."""
    if exchange.ending is not Ending.COMPLETE:
        return True
    return length.strip() == str(sum(len(segment.data) for segment in exchange.segments))


def _recorded_finish(exchange: Exchange, framing: str) -> Finish:
    reason = str(exchange.notes.get("ending_reason") or "")
    if exchange.ending is Ending.COMPLETE:
        return Finish.FIN if framing == _CLOSE else Finish.KEEP_ALIVE
    if exchange.ending is Ending.TIMED_OUT or (exchange.ending is Ending.CLIENT_LEFT and _fell_silent(exchange)):
        return Finish.HOLD
    if exchange.ending is Ending.UPSTREAM_CUT and reason != "rst":
        return Finish.FIN
    # Client gone, recorder stopped: nobody knows what would have come, so no client may take it for an end.
    return Finish.RST


def _fell_silent(exchange: Exchange) -> bool:
    """Whether nothing had come for a while when the client left: then it was the silence that made it leave."""
    last = exchange.segments[-1].offset_us if exchange.segments else _head_us(exchange)
    return exchange.end_us is not None and last is not None and exchange.end_us - last >= _SILENCE_US


# -- the body, cut as asked --------------------------------------------------------------------------------------


def _cut_pieces(
    exchange: Exchange, body: Iterator[tuple[int | None, bytes]], segments: str | int, changed: bool
) -> Iterator[_Piece]:
    if not changed:
        return _recorded(exchange)
    timed = ((offset or 0, data) for offset, data in body if data)
    if segments == "recorded":
        return (_Piece(offset, data, chunk=len(data)) for offset, data in timed)
    if segments == "event":
        return _by_event(exchange, timed)
    if segments == "whole":
        return _by_size(timed, 1 << 62)
    return _by_size(timed, 1 if segments == "byte" else int(segments))


def _reads(exchange: Exchange) -> Iterator[tuple[int | None, bytes]]:
    for segment in exchange.segments:
        yield segment.offset_us, segment.data


def _recorded(exchange: Exchange) -> Iterator[_Piece]:
    """The segments inside the HTTP chunks they came in; where those are unknown each segment is a chunk."""
    chunks = iter(exchange.http_chunks) if exchange.http_chunks is not None else None
    left = size = 0
    for segment in exchange.segments:
        offset, data = segment.offset_us or 0, segment.data
        while data:
            first = left == 0
            if first:
                # A length of 0 would end the message, so it is passed over.
                left = size = next((length for length in chunks if length), len(data)) if chunks else len(data)
            piece, data = data[:left], data[left:]
            left -= len(piece)
            yield _Piece(offset, piece, first, left == 0, size)


def _cut_short(pieces: Iterator[_Piece], missing: int) -> Iterator[_Piece]:
    """The last chunk of a cut recording was announced larger than what came of it."""
    held: _Piece | None = None
    for piece in pieces:
        if held is not None:
            yield held
        held = piece
    if held is not None:
        yield held._replace(chunk=held.chunk + missing, last=False)


def _by_event(exchange: Exchange, timed: Iterator[tuple[int, bytes]]) -> Iterator[_Piece]:
    if not BodyDecoder.of(exchange.head).identity:
        yield from _by_size(timed, 1 << 62)  # events of a compressed body have no bytes of their own
        return
    decoder, offset = SSEDecoder(), 0
    for offset, data in timed:
        for event in decoder.feed(data):
            yield _Piece(offset, event.raw, chunk=len(event.raw))
    for event in decoder.finish():
        yield _Piece(offset, event.raw, chunk=len(event.raw))


def _by_size(timed: Iterator[tuple[int, bytes]], size: int) -> Iterator[_Piece]:
    waiting, offset = bytearray(), 0
    for offset, data in timed:
        waiting += data
        while len(waiting) >= size:
            yield _Piece(offset, bytes(waiting[:size]), chunk=size)
            del waiting[:size]
    if waiting:
        yield _Piece(offset, bytes(waiting), chunk=len(waiting))


def _faulty(exchange: Exchange, pieces: Iterator[_Piece], fault: PlannedFault) -> Iterator[_Piece]:
    """The pieces before the fault. A compressed body breaks after the piece that completes the last event asked for."""
    counter = _EventCounter(exchange, fault.after) if fault.events else None
    left = fault.after
    for piece in pieces:
        keep = left if counter is None else counter.keep(piece.data)
        if keep > 0 and len(piece.data) > keep:
            yield piece._replace(data=piece.data[:keep], last=False)
        if keep <= 0 or len(piece.data) > keep:
            return
        left -= len(piece.data)
        yield piece


class _EventCounter:
    """How much of each piece comes before the end of event number ``count``."""

    def __init__(self, exchange: Exchange, count: int) -> None:
        self._body = BodyDecoder.of(exchange.head)
        self._events = SSEDecoder()
        self._left = count
        self._seen = 0

    def keep(self, data: bytes) -> int:
        """Bytes of this piece to let through; all of them while the events asked for are not complete."""
        if self._left <= 0:
            return 0
        before = self._seen
        self._seen += len(data)
        for event in self._events.feed(self._body.feed(data)):
            self._left -= 1
            if self._left == 0:
                return event.span[1] - before if self._body.identity else len(data)
        return len(data)


# -- on the wire -------------------------------------------------------------------------------------------------


def _steps(
    exchange: Exchange, framing: str, pieces: Iterator[_Piece], finish: Finish, *, asked: bool, faithful: bool
) -> Iterator[Step]:
    """``asked``: the cuts are those that somebody asked for, so none of them may be lost in a write with others."""
    head_us = _head_us(exchange)
    yield from _interim_heads(exchange, head_us)
    yield Step(head_us, _head_bytes(exchange, framing), delimited=not asked)
    if framing == _BODILESS:
        return
    offset = head_us
    for piece in pieces:
        offset = max(offset, piece.offset_us)
        yield _framed(piece, asked) if framing == _CHUNKED else Step(piece.offset_us, piece.data)
    if faithful and isinstance(unframed := exchange.notes.get("unframed"), str):
        # What broke the HTTP framing, as it came.
        when = exchange.notes.get("unframed_us")
        yield Step(when if isinstance(when, int) else offset, unframed.encode("latin-1", "replace"))
    if framing == _CHUNKED and finish is Finish.KEEP_ALIVE:
        yield Step(exchange.end_us if exchange.end_us is not None else offset, b"0\r\n" + _trailers(exchange) + b"\r\n")


def _head_us(exchange: Exchange) -> int:
    """When to send the head; with the first bytes where its time is unknown."""
    if exchange.head is not None and exchange.head.offset_us is not None:
        return exchange.head.offset_us
    return (exchange.segments[0].offset_us or 0) if exchange.segments else 0


def _framed(piece: _Piece, asked: bool) -> Step:
    offset_us, data, first, last, chunk = piece
    if first and last:
        return Step(offset_us, b"%x\r\n%b\r\n" % (chunk, data), not asked)
    opening = b"%x\r\n" % chunk if first else b""
    return Step(offset_us, opening + data + (b"\r\n" if last else b""), last and not asked)


_FRAMING_HEADERS = frozenset({"transfer-encoding", "content-length"})
#: What a transfer coding can be (RFC 9112, section 7): a recording in which it was masked says none of these, and no
#: client can undo what it says.
_TRANSFER_CODINGS = frozenset({"chunked", "gzip", "x-gzip", "compress", "x-compress", "deflate", "identity"})


def _says_a_coding(header: tuple[str, str]) -> bool:
    name, value = header
    return name.lower() != "transfer-encoding" or any(
        one.split(";")[0].strip().lower() in _TRANSFER_CODINGS for one in value.split(",")
    )


def _head_bytes(exchange: Exchange, framing: str) -> bytes:
    head = exchange.head
    assert head is not None
    headers: Headers = tuple(filter(_says_a_coding, head.headers))
    said = any(name.lower() == "transfer-encoding" for name, _ in headers)
    if framing == _CHUNKED and (not said or head.header("content-length")):
        headers = (
            *((name, value) for name, value in headers if name.lower() not in _FRAMING_HEADERS),
            ("transfer-encoding", "chunked"),
        )
    lines = [f"HTTP/{head.http_version} {head.status} {head.reason}"]
    lines += [f"{name}: {value}" for name, value in headers]
    text = "\r\n".join(line.replace("\r", "").replace("\n", "") for line in lines)
    return text.encode("latin-1", "replace") + b"\r\n\r\n"


def _interim_heads(exchange: Exchange, head_us: int) -> Iterator[Step]:
    """1xx heads that came before the final one."""
    listed = exchange.notes.get("interim")
    for one in listed if isinstance(listed, list) else ():
        if isinstance(one, dict) and isinstance(one.get("status"), int) and 101 < one["status"] < 200:
            offset = one.get("offset_us")
            pairs = [pair for pair in one.get("headers") or () if isinstance(pair, list | tuple) and len(pair) == 2]
            head = ResponseHead(one["status"], tuple((str(name), str(value)) for name, value in pairs))
            shown = changed(exchange, head=changed(head, reason=str(one.get("reason") or _phrase(one["status"]))))
            yield Step(offset if isinstance(offset, int) else head_us, _head_bytes(shown, "none"))


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _trailers(exchange: Exchange) -> bytes:
    listed = exchange.notes.get("trailers")
    if not isinstance(listed, list | tuple):
        return b""
    lines = [f"{one[0]}: {one[1]}\r\n" for one in listed if isinstance(one, list | tuple) and len(one) == 2]
    return "".join(line for line in lines if line.count("\n") == 1).encode("latin-1", "replace")
