"""Faults on demand applied to an exchange: what comes out is an exchange like any other, played, checked, exported.

The same faults with the same seed make the same exchange, byte for byte and microsecond for microsecond.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Sequence
from http import HTTPStatus

from streamlab.exchange import Ending, Exchange, Headers, Request, ResponseHead, Segment
from streamlab.playback.faults import Action, Change, Faults, Gzip, StatusFault
from streamlab.playback.script import Finish
from streamlab.record import changed
from streamlab.wire.content_coding import BodyDecoder
from streamlab.wire.sse import SSEDecoder

#: Two reads of a split event come so far apart, so that a client reads them one by one.
_APART_US = 2_000
_COMMENT = b": keep-alive\n\n"
_OPENAI_KINDS = {401: "invalid_request_error", 404: "invalid_request_error", 429: "requests"}
_CODES = {401: "invalid_api_key", 429: "rate_limit_exceeded", 500: "server_error", 503: "service_unavailable"}

#: A piece of the body, by arrival: microseconds and bytes.
_Piece = tuple[int, bytes]


def faulty(exchange: Exchange, faults: Faults, *, speed: float = 1.0, request: int = 0) -> Exchange:
    """The exchange as the ``request``-th client (from 0) meets it.

    The recorded times are divided by ``speed`` (0: all at once), the faults' own are not.
    """
    status = faults.status
    if status is not None and (status.requests is None or request < status.requests):
        return _delayed(_error(exchange, status), faults, request)
    if exchange.head is None:
        return exchange
    pieces, ending = _changed(_events(exchange, speed, faults.gap_us), faults.changes)
    end_us = max(pieces[-1][0] if pieces else 0, _scaled(exchange.end_us, speed))
    if ending is not None:
        end_us = pieces[-1][0] if pieces else 0
    if faults.keepalive_us is not None:
        pieces = list(_kept_alive(pieces, _scaled(exchange.head.offset_us, speed), end_us, faults.keepalive_us))
    made = changed(
        exchange,
        head=_head(exchange.head, faults, speed),
        segments=tuple(Segment(at, data) for at, data in _compressed(pieces, faults.gzip) if data),
        http_chunks=None,
        end_us=end_us,
        request=exchange.request or Request("POST", "/"),
    )
    if ending is not None:
        made = changed(made, ending=_ENDINGS[ending], notes={"ending_reason": "rst"} if ending is Finish.RST else {})
    return _delayed(made, faults, request)


_ENDINGS = {
    Finish.FIN: Ending.UPSTREAM_CUT,
    Finish.RST: Ending.UPSTREAM_CUT,
    Finish.HOLD: Ending.TIMED_OUT,
}
_FINISHES = {Action.CUT: Finish.FIN, Action.RESET: Finish.RST, Action.STALL: Finish.HOLD}


def _scaled(offset_us: int | None, speed: float) -> int:
    return int((offset_us or 0) / speed) if speed else 0


def _events(exchange: Exchange, speed: float, gap_us: int | None) -> list[_Piece]:
    """The decoded body, an event a piece; what follows the last whole event is a piece as well."""
    head = exchange.head
    body = BodyDecoder.of(head)
    decoder, found, at = SSEDecoder(), list[_Piece](), 0
    for segment in exchange.segments:
        at = _scaled(segment.offset_us, speed)
        found += [(at, event.raw) for event in decoder.feed(body.feed(segment.data))]
    found += [(at, event.raw) for event in decoder.feed(body.finish())]
    found += [(at, event.raw) for event in decoder.finish()]
    if gap_us is not None and found:
        start = found[0][0]
        found = [(start + number * gap_us, data) for number, (_, data) in enumerate(found)]
    return found


def _changed(events: list[_Piece], changes: Sequence[Change]) -> tuple[list[_Piece], Finish | None]:
    """The pieces after every change, and how the answer breaks off, if it does. Places count what was recorded."""
    groups = [[one] for one in events]  # what has become of each recorded event
    swapped: set[int] = set()
    merged: dict[int, int] = {}
    end: tuple[int, int] | None = None  # (event, byte in it) at which the answer ends
    finish: Finish | None = None
    for change in changes:
        event, inside = _place(events, change)
        if change.action in _FINISHES and (change.action is not Action.STALL or change.number is None):
            if end is None or (event, inside) < end:
                end, finish = (event, inside), _FINISHES[change.action]
        elif event >= len(groups):
            continue
        elif change.action is Action.STALL:
            _stall(groups, event, inside, change.number or 0)
        elif change.action is Action.SWAP:
            swapped.add(event)
        elif change.action is Action.MERGE:
            merged[event] = change.number or 1
        else:
            groups[event] = _ACTIONS[change.action](
                groups[event], inside if change.in_bytes else None, change.number or 0
            )
    if end is not None:
        groups = [*groups[: end[0]], *([_first(groups[end[0]], end[1])] if end[0] < len(groups) else [])]
    return _put_together(groups, swapped, merged), finish


def _place(events: list[_Piece], change: Change) -> tuple[int, int]:
    """The recorded event a change is about, and the byte in it."""
    if not change.in_bytes:
        return change.at, 0
    left = change.at
    for number, (_, data) in enumerate(events):
        if left < len(data):
            return number, left
        left -= len(data)
    return len(events), 0


def _first(pieces: list[_Piece], count: int) -> list[_Piece]:
    kept = []
    for at, data in pieces:
        kept.append((at, data[:count]))
        count = max(0, count - len(data))
    return kept


def _stall(groups: list[list[_Piece]], event: int, inside: int, for_us: int) -> None:
    if inside and len(groups[event]) == 1:
        at, data = groups[event][0]
        groups[event] = [(at, data[:inside]), (at, data[inside:])]
    first = True
    for number in range(event, len(groups)):
        for part, (at, data) in enumerate(groups[number]):
            stays = first and inside and number == event and part == 0
            groups[number][part] = (at if stays else at + for_us, data)
        first = False


def _duplicated(pieces: list[_Piece], _inside: int | None, _number: int) -> list[_Piece]:
    return pieces * 2


def _dropped(_pieces: list[_Piece], _inside: int | None, _number: int) -> list[_Piece]:
    return []


def _corrupted(pieces: list[_Piece], inside: int | None, _number: int) -> list[_Piece]:
    """A bit flipped in one byte: the one asked for, or the middle one of the event."""
    whole = b"".join(data for _, data in pieces)
    at = len(whole) // 2 if inside is None else inside
    return [(pieces[0][0], whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])] if whole else pieces


def _split(pieces: list[_Piece], _inside: int | None, number: int) -> list[_Piece]:
    whole, at = b"".join(data for _, data in pieces), pieces[0][0] if pieces else 0
    count = min(number, len(whole)) or 1
    bounds = [len(whole) * one // count for one in range(count + 1)]
    return [(at + one * _APART_US, whole[bounds[one] : bounds[one + 1]]) for one in range(count)]


_ACTIONS = {
    Action.DUPLICATE: _duplicated,
    Action.DROP: _dropped,
    Action.CORRUPT: _corrupted,
    Action.SPLIT: _split,
}


def _put_together(groups: list[list[_Piece]], swapped: set[int], merged: dict[int, int]) -> list[_Piece]:
    for event in sorted(swapped):
        if event + 1 < len(groups):
            groups[event], groups[event + 1] = groups[event + 1], groups[event]
    pieces, number = list[_Piece](), 0
    while number < len(groups):
        together = merged.get(number, 1)
        taken = [one for group in groups[number : number + together] for one in group]
        pieces += [(taken[-1][0], b"".join(data for _, data in taken))] if together > 1 and taken else taken
        number += together
    ordered, latest = list[_Piece](), 0
    for at, data in pieces:
        latest = max(latest, at)
        ordered.append((latest, data))
    return ordered


def _kept_alive(pieces: list[_Piece], start_us: int, end_us: int, every_us: int) -> list[_Piece]:
    """Comments where nothing came for so long: between events, never inside of one."""
    made, last, whole = list[_Piece](), start_us, True
    for at, data in (*pieces, (end_us, b"")):
        while whole and at - last > every_us:
            last += every_us
            made.append((last, _COMMENT))
        made.append((at, data))
        last, whole = max(last, at), not data or data.endswith((b"\n\n", b"\r\n\r\n", b"\r\r"))
    return made


def _compressed(pieces: list[_Piece], how: Gzip | None) -> list[_Piece]:
    """The same, gzipped and flushed at each piece, as a server that streams compressed does; or each a member."""
    if how is None:
        return pieces
    if how is Gzip.MEMBERS:
        return [(at, gzip.compress(data, mtime=0)) for at, data in pieces if data]
    coder = zlib.compressobj(wbits=31)
    made = [(at, coder.compress(data) + coder.flush(zlib.Z_SYNC_FLUSH)) for at, data in pieces]
    return made if how is Gzip.UNFINISHED else [*made, (pieces[-1][0] if pieces else 0, coder.flush())]


def _head(head: ResponseHead, faults: Faults, speed: float) -> ResponseHead:
    gone = {"content-length", "content-encoding"}
    if faults.close_delimited:
        gone |= {"transfer-encoding", "connection", "keep-alive"}
    headers: Headers = tuple(one for one in head.headers if one[0].lower() not in gone)
    if faults.gzip is not None:
        headers += (("content-encoding", "gzip"),)
    if not faults.close_delimited and head.header("transfer-encoding") is None:
        headers += (("transfer-encoding", "chunked"),)
    return changed(head, headers=headers, offset_us=_scaled(head.offset_us, speed), http_version="1.1")


def _error(exchange: Exchange, status: StatusFault) -> Exchange:
    """What OpenAI answers with such a status, in its shape."""
    kind = _OPENAI_KINDS.get(status.code, "server_error" if status.code >= 500 else "invalid_request_error")
    phrase = next((one.phrase for one in HTTPStatus if one == status.code), "")
    said = {"message": phrase or "error", "type": kind, "param": None, "code": _CODES.get(status.code)}
    body = json.dumps({"error": said}).encode()
    headers: Headers = (("content-type", "application/json"), ("content-length", str(len(body))))
    if status.retry_after is not None:
        headers += (("retry-after", str(status.retry_after)),)
    return Exchange(
        request=exchange.request or Request("POST", "/"),
        head=ResponseHead(status.code, headers, 0, phrase),
        segments=(Segment(0, body),),
        ending=Ending.COMPLETE,
        end_us=0,
    )


def _delayed(exchange: Exchange, faults: Faults, request: int) -> Exchange:
    """Everything later by the latency; the jitter is that of this request, the same every time."""
    if not faults.latency_us or exchange.head is None:
        return exchange
    chance = zlib.crc32(f"{faults.seed}:{request}".encode()) / (1 << 31) - 1
    by = max(0, faults.latency_us + round(chance * faults.jitter_us))
    return changed(
        exchange,
        head=changed(exchange.head, offset_us=(exchange.head.offset_us or 0) + by),
        segments=tuple(Segment((one.offset_us or 0) + by, one.data) for one in exchange.segments),
        end_us=(exchange.end_us or 0) + by,
    )
