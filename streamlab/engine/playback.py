"""An exchange turned into what a server has to do: which bytes to send when, and how to end.

Nothing here knows a clock or a socket; ``servers/replay.py`` performs the `Script`. Offsets are microseconds since the
request's first byte, as recorded; where timing is unknown every offset is 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from http import HTTPStatus
from typing import NamedTuple

from streamlab.errors import UsageError
from streamlab.exchange import Ending, Exchange, Headers, ResponseHead
from streamlab.wire.sse import SSEDecoder
from streamlab.wire.stream import BodyDecoder


class Finish(StrEnum):
    """What a server does after the last byte."""

    KEEP_ALIVE = "keep-alive"  # the message ended properly; the connection may carry another
    FIN = "fin"  # close in order
    RST = "rst"  # reset the connection
    HOLD = "hold"  # send nothing more and stay open until the client goes


class Step(NamedTuple):
    """Bytes to put on the wire, framing included, at a time."""

    offset_us: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Script:
    """A performance: ``steps`` in order, then ``finish`` at ``end_us``. Without steps nothing is answered at all."""

    steps: Iterable[Step]
    finish: Finish
    end_us: int


class Fault(NamedTuple):
    """A fault on demand: what happens (`Finish`), after so many body bytes or, with ``events``, so many events."""

    finish: Finish
    after: int
    events: bool = False


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
    fault: Fault | None = None,
    transform: Callable[[Exchange], Iterator[tuple[int | None, bytes]]] | None = None,
) -> Script:
    """What a server does to play ``exchange``.

    ``transform`` replaces the body (a normalizer): it yields (offset, bytes) pairs in identity coding.
    """
    if exchange.head is None:
        return Script((), Finish.FIN if exchange.ending is Ending.COMPLETE else Finish.RST, exchange.end_us or 0)
    head_us = exchange.head.offset_us
    if head_us is None:
        head_us = (exchange.segments[0].offset_us or 0) if exchange.segments else 0
    changed = transform is not None or segments != "recorded"
    framing = _framing(exchange, changed)
    pieces = _cut_pieces(exchange, segments, transform)
    finish = _recorded_finish(exchange, framing)
    if fault is not None:
        pieces, finish = _faulty(exchange, pieces, fault), fault.finish
    faithful = fault is None and not changed
    missing = exchange.notes.get("missing_bytes") if faithful and finish is not Finish.KEEP_ALIVE else 0
    steps = _steps(exchange, head_us, framing, pieces, finish, missing if isinstance(missing, int) else 0, faithful)
    return Script(steps, finish, exchange.end_us or 0)


def _framing(exchange: Exchange, changed: bool) -> str:
    assert exchange.head is not None
    coding = (exchange.head.header("transfer-encoding") or "").lower()
    if exchange.http_chunks is not None or "chunked" in coding:
        return "chunked"
    if exchange.head.header("content-length") is not None:
        return "chunked" if changed else "length"
    return "close" if exchange.request is not None else "chunked"


def _recorded_finish(exchange: Exchange, framing: str) -> Finish:
    reason = str(exchange.notes.get("ending_reason") or "")
    if exchange.ending is Ending.COMPLETE:
        return Finish.FIN if framing == "close" else Finish.KEEP_ALIVE
    if exchange.ending is Ending.TIMED_OUT:
        return Finish.HOLD
    if exchange.ending is Ending.UPSTREAM_CUT and reason != "rst":
        return Finish.FIN
    # Client gone, recorder stopped: nobody knows what would have come, so no client may take it for an end.
    return Finish.RST


# -- the body, cut as asked --------------------------------------------------------------------------------------


def _cut_pieces(
    exchange: Exchange, segments: str | int, transform: Callable[[Exchange], Iterator[tuple[int | None, bytes]]] | None
) -> Iterator[_Piece]:
    if transform is None and segments == "recorded":
        return _recorded(exchange)
    source = transform(exchange) if transform is not None else _reads(exchange)
    timed = ((offset or 0, data) for offset, data in source if data)
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
                left = size = min(next(chunks, len(data)), 1 << 62) if chunks is not None else len(data)
            piece, data = data[:left], data[left:]
            left -= len(piece)
            yield _Piece(offset, piece, first, left == 0, size)


def _by_event(exchange: Exchange, timed: Iterator[tuple[int, bytes]]) -> Iterator[_Piece]:
    encoding = exchange.head.header("content-encoding") if exchange.head is not None else None
    if not BodyDecoder(encoding).identity:
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


def _faulty(exchange: Exchange, pieces: Iterator[_Piece], fault: Fault) -> Iterator[_Piece]:
    left = _bytes_of_events(exchange, fault.after) if fault.events else fault.after
    for piece in pieces:
        if left <= 0:
            return
        if len(piece.data) > left:
            yield piece._replace(data=piece.data[:left], last=False)
            return
        left -= len(piece.data)
        yield piece


def _bytes_of_events(exchange: Exchange, count: int) -> int:
    decoder, seen = SSEDecoder(), 0
    for segment in exchange.segments:
        for event in decoder.feed(segment.data):
            if seen == count:
                return event.start
            seen += 1
    return 1 << 62


# -- on the wire -------------------------------------------------------------------------------------------------


def _steps(
    exchange: Exchange,
    head_us: int,
    framing: str,
    pieces: Iterator[_Piece],
    finish: Finish,
    missing: int,
    faithful: bool,
) -> Iterator[Step]:
    assert exchange.head is not None
    yield from _interim_heads(exchange, head_us)
    yield Step(head_us, _head_bytes(exchange, framing))
    offset = head_us
    held: _Piece | None = None
    for piece in pieces:
        if held is not None:
            yield _framed(held, framing, 0)
        held, offset = piece, max(offset, piece.offset_us)
    if held is not None:
        # The last chunk of a cut recording was announced larger than what came of it.
        yield _framed(held, framing, missing)
    if faithful and isinstance(unframed := exchange.notes.get("unframed"), str):
        # What broke the HTTP framing, as it came.
        when = exchange.notes.get("unframed_us")
        yield Step(when if isinstance(when, int) else offset, unframed.encode("latin-1", "replace"))
    if framing == "chunked" and finish is Finish.KEEP_ALIVE:
        yield Step(exchange.end_us if exchange.end_us is not None else offset, b"0\r\n" + _trailers(exchange) + b"\r\n")


def _framed(piece: _Piece, framing: str, missing: int) -> Step:
    if framing != "chunked":
        return Step(piece.offset_us, piece.data)
    opening = b"%x\r\n" % (piece.chunk + missing) if piece.first else b""
    closing = b"\r\n" if piece.last and not missing else b""
    return Step(piece.offset_us, opening + piece.data + closing)


_FRAMING_HEADERS = frozenset({"transfer-encoding", "content-length"})


def _head_bytes(exchange: Exchange, framing: str) -> bytes:
    head = exchange.head
    assert head is not None
    headers: Headers = head.headers
    if framing == "chunked" and not (head.header("transfer-encoding") and not head.header("content-length")):
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
            shown = replace(exchange, head=replace(head, reason=str(one.get("reason") or _phrase(one["status"]))))
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
