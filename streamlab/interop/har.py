"""HAR 1.2, the archive that browsers export: one entry an exchange.

What HAR has no field for (read offsets, HTTP chunks, the ending) is written as ``_streamlab``, which other readers
skip. Chromium lists the events of a stream with their times, as ``_eventSourceMessages``: they give the body its
arrival times, and where no body was kept they become one.
"""

from __future__ import annotations

import base64
import binascii
import itertools
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from streamlab.apis import UNKNOWN, api_of_json, api_of_path
from streamlab.errors import UnreadableInputError
from streamlab.exchange import Ending, Exchange, Headers, Request, ResponseHead, Segment
from streamlab.interop.pasted import whole_json
from streamlab.interop.peeling import json_lines
from streamlab.record import changed
from streamlab.redaction import redact_headers, redact_url
from streamlab.storage.bare_body import one_segment
from streamlab.storage.exchange_fields import FieldReader
from streamlab.wire.bodies import BodyKind, sniff
from streamlab.wire.sse import SSEDecoder

_ASKS = frozenset(("input", "prompt", "contents"))
#: A time beyond this is a mistake: thirty years.
_LONGEST_MS = 1e12


def to_har(exchanges: Sequence[Exchange], version: str) -> dict[str, Any]:
    """A HAR log of the exchanges, secrets taken out."""
    return {
        "log": {
            "version": "1.2",
            "creator": {"name": "streamlab", "version": version},
            "entries": [_entry(exchange) for exchange in exchanges],
        }
    }


def _entry(exchange: Exchange) -> dict[str, Any]:
    head_us = exchange.head.offset_us if exchange.head is not None else None
    end_us = exchange.end_us
    wait = head_us / 1000 if head_us is not None else -1
    receive = (end_us - head_us) / 1000 if end_us is not None and head_us is not None else -1
    entry = {
        "startedDateTime": exchange.started_at or "1970-01-01T00:00:00.000Z",
        "time": end_us / 1000 if end_us is not None else 0,
        "request": _request(exchange.request),
        "response": _response(exchange),
        "cache": {},
        "timings": {"send": 0, "wait": max(wait, 0), "receive": max(receive, 0)},
        "_streamlab": {
            "segments": [[segment.offset_us, len(segment.data)] for segment in exchange.segments],
            "http_chunks": None if exchange.http_chunks is None else list(exchange.http_chunks),
            "head_us": head_us,
            "end_us": end_us,
            "ending": str(exchange.ending),
            "label": exchange.label,
            "tap": exchange.tap,
            "started_at": exchange.started_at,
            "notes": exchange.notes,
            "request_known": exchange.request is not None,
            "response_known": exchange.head is not None,
        },
    }
    messages = _event_messages(exchange)
    return {**entry, "_eventSourceMessages": messages} if messages else entry


def _event_messages(exchange: Exchange) -> list[dict[str, Any]]:
    """The events with their times by the wall clock, as Chromium's developer tools write and show them."""
    head = exchange.head
    if head is None or "event-stream" not in (head.header("content-type") or "") or head.header("content-encoding"):
        return []
    started, decoder, messages = _wall_clock(exchange.started_at) or 0.0, SSEDecoder(), []
    for segment in exchange.segments:
        for event in decoder.feed(segment.data):
            if event.data is not None:
                messages.append(
                    {
                        "time": started + (segment.offset_us or 0) / 1_000_000,
                        "eventName": (event.event or b"message").decode("utf-8", "replace"),
                        "eventId": (event.id or b"").decode("utf-8", "replace"),
                        "data": event.text,
                    }
                )
    return messages


def _request(request: Request | None) -> dict[str, Any]:
    request = request or Request("GET", "")
    url = redact_url(request.url)
    entry: dict[str, Any] = {
        "method": request.method,
        "url": url,
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _pairs(redact_headers(request.headers)),
        "queryString": [{"name": name, "value": value} for name, value in parse_qsl(urlsplit(url).query)],
        "headersSize": -1,
        "bodySize": len(request.body) if request.body is not None else -1,
    }
    if request.body is not None:
        mime = next((value for name, value in request.headers if name.lower() == "content-type"), "")
        entry["postData"] = {"mimeType": mime, **_text(request.body)}
    return entry


def _response(exchange: Exchange) -> dict[str, Any]:
    head = exchange.head or ResponseHead(0)
    body = exchange.body
    return {
        "status": head.status,
        "statusText": head.reason,
        "httpVersion": f"HTTP/{head.http_version}",
        "cookies": [],
        "headers": _pairs(redact_headers(head.headers)),
        "content": {"size": len(body), "mimeType": head.header("content-type") or "", **_text(body)},
        "redirectURL": "",
        "headersSize": -1,
        "bodySize": len(body),
    }


def _pairs(headers: Headers) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in headers]


def _text(body: bytes) -> dict[str, str]:
    try:
        return {"text": body.decode("utf-8")}
    except UnicodeDecodeError:
        return {"text": base64.b64encode(body).decode("ascii"), "encoding": "base64"}


# -- reading -----------------------------------------------------------------------------------------------------


def is_har(value: Any) -> bool:
    """Whether a JSON document is a HAR log."""
    return isinstance(value, dict) and isinstance(value.get("log"), dict) and "entries" in value["log"]


def from_har(value: dict[str, Any]) -> Iterator[Exchange]:
    """The exchanges of a HAR log, in order. Raises UnreadableInputError."""
    entries = value["log"]["entries"]
    if not isinstance(entries, list):
        raise UnreadableInputError("the log of this HAR has no list of entries")
    for number, entry in enumerate(entries):
        reader = FieldReader(f"entry {number} of this HAR")
        try:
            exchange = reader.storable(_exchange(entry, reader))
        except (KeyError, TypeError, ValueError, ArithmeticError, AttributeError, binascii.Error) as error:
            reader.fail(f"is damaged: {_one_line(error)}")
        if "_streamlab" in entry or is_api_call(exchange):
            yield exchange


def _one_line(error: Exception) -> str:
    return " ".join(repr(error).split())[:200]


def _exchange(entry: dict[str, Any], reader: FieldReader) -> Exchange:
    asked, answered, ours = entry["request"], entry["response"], entry.get("_streamlab")
    post = asked.get("postData") or {}
    request = Request(
        str(asked["method"]), str(asked["url"]), _headers(asked), _bytes(post) if post.get("text") is not None else None
    )
    content = answered.get("content") or {}
    body = _bytes(content)
    if ours is not None:
        return _own(ours, reader, request, answered, body)
    status = _status(answered)
    head_us = _microseconds((entry.get("timings") or {}).get("wait"))
    head = ResponseHead(status, _response_headers(answered), head_us, str(answered.get("statusText") or ""))
    messages = entry.get("_eventSourceMessages")
    segments = _event_segments(entry, messages, body, head_us or 0) if isinstance(messages, list) else one_segment(body)
    sockets = entry.get("_webSocketMessages")
    if isinstance(sockets, list):
        return _socket(request, head, sockets)
    notes = {} if segments or "text" in content else {"body": "unknown"}
    timed = bool(segments) and all(segment.offset_us is not None for segment in segments)
    return Exchange(
        request=request,
        head=head if status else None,
        segments=segments,
        ending=Ending.COMPLETE if status else Ending.UNREACHABLE,
        end_us=_end_us(entry, segments) if timed else None,
        started_at=_started_at(entry),
        notes=notes,
    )


def _socket(request: Request, head: ResponseHead, messages: list[Any]) -> Exchange:
    """What came over a WebSocket, as events: no event stream framed it."""
    received = [one.get("data") for one in messages if isinstance(one, dict) and one.get("type") == "receive"]
    values = [value for one in received if isinstance(value := whole_json(str(one).encode("utf-8", "replace")), dict)]
    sent = next((one.get("data") for one in messages if isinstance(one, dict) and one.get("type") == "send"), None)
    if isinstance(sent, str) and request.body is None:
        request = changed(request, body=sent.encode("utf-8", "replace"))
    notes = {"imported_as": "paste", "taken_off": ["messages of a WebSocket"], "framing": "unknown"}
    return Exchange(request=request, head=head, segments=one_segment(json_lines(values)), notes=notes)


def is_api_call(exchange: Exchange) -> bool:
    """Whether an entry of a browser's archive asked a model, or was answered by one; pages and pictures did not."""
    request, head = exchange.request, exchange.head
    if request is not None and request.method.upper() == "OPTIONS":
        return False  # a browser asks so whether it may
    if head is not None and "event-stream" in (head.header("content-type") or ""):
        return True
    if request is not None and api_of_path(request.url) is not UNKNOWN:
        return True
    asked = whole_json(request.body) if request is not None and request.body else None
    if isinstance(asked, dict) and (
        "messages" in asked or ("model" in asked and ("input" in asked or "prompt" in asked))
    ):
        return True
    return sniff(exchange.body) is BodyKind.SSE or api_of_json(whole_json(exchange.body)) is not UNKNOWN


def _own(ours: Any, reader: FieldReader, request: Request, answered: dict[str, Any], body: bytes) -> Exchange:
    """An entry that we wrote: what HAR has no field for stands in ``_streamlab``, and is held to its promises."""
    if not isinstance(ours, dict):
        reader.fail('"_streamlab" is not an object')
    head = None
    if reader.flag(ours.get("response_known", True), "response_known"):
        reason = str(answered.get("statusText") or "")
        version = str(answered.get("httpVersion") or "").removeprefix("HTTP/") or "1.1"
        head_us = reader.time(ours.get("head_us"), "head_us")
        head = ResponseHead(_status(answered), _headers(answered), head_us, reason, version)
    elif body:
        reader.fail(f"no response, but a body of {len(body)} bytes")
    return Exchange(
        request=request if reader.flag(ours.get("request_known", True), "request_known") else None,
        head=head,
        segments=reader.segments(ours.get("segments"), body),
        http_chunks=reader.chunks(ours.get("http_chunks"), body),
        ending=reader.ending(ours.get("ending", Ending.COMPLETE)),
        end_us=reader.time(ours.get("end_us"), "end_us"),
        label=reader.text(ours.get("label"), "label"),
        tap=reader.text(ours.get("tap"), "tap"),
        started_at=reader.text(ours.get("started_at"), "started_at"),
        notes=reader.notes(ours.get("notes")),
    )


def _status(answered: dict[str, Any]) -> int:
    """The status code; 0 where no answer came, as browsers write it."""
    status = answered.get("status") or 0
    return int(status) if isinstance(status, int | float) else 0


def _started_at(entry: dict[str, Any]) -> str | None:
    """The moment in the form recordings have it: UTC, microseconds; None when there is no telling."""
    when = _wall_clock(entry.get("startedDateTime"))
    return None if when is None else datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _headers(message: dict[str, Any]) -> Headers:
    # Browsers list HTTP/2's pseudo-headers (":authority") with the others.
    return tuple(
        (str(one["name"]), str(one["value"]))
        for one in message.get("headers") or ()
        if not str(one["name"]).startswith(":")
    )


def _response_headers(answered: dict[str, Any]) -> Headers:
    """A foreign HAR holds the decoded body, so the coding its headers name is not there any more."""
    return tuple(one for one in _headers(answered) if one[0].lower() != "content-encoding")


def _bytes(holder: dict[str, Any]) -> bytes:
    text = holder.get("text") or ""
    if holder.get("encoding") == "base64":
        return base64.b64decode("".join(str(text).split()), validate=True)
    return str(text).encode("utf-8", "surrogatepass")


def _microseconds(milliseconds: Any) -> int | None:
    """Whole microseconds of what may be no number, none, or more than there is time."""
    if not isinstance(milliseconds, int | float) or not 0 <= milliseconds < _LONGEST_MS:
        return None
    return int(milliseconds * 1000)


def _event_segments(entry: dict[str, Any], messages: list[Any], body: bytes, head_us: int) -> tuple[Segment, ...]:
    """The body event by event as Chromium timed it, by the wall clock; one read of unknown time where its list is not
    that of the body. Nothing can have come before the head, whatever the clock said."""
    offsets = [_offset(entry, message, head_us) for message in messages]
    if body:
        pieces = _pieces(body, messages)
    else:
        pieces = [_framed(message) for message in messages] if any(one.get("data") for one in messages) else []
    if not pieces:
        return one_segment(body)
    if None in offsets:
        return tuple(Segment(None, piece) for piece in pieces)
    latest = itertools.accumulate((offset or 0 for offset in offsets), max)
    return tuple(map(Segment, latest, pieces))


def _pieces(body: bytes, messages: list[Any]) -> list[bytes]:
    """The bytes of each message's event, with what came before it; [] when body and messages differ. A sanitized
    archive keeps the messages without their data."""
    decoder = SSEDecoder()
    ends = [(event.span[1], event.text) for event in (*decoder.feed(body), *decoder.finish()) if event.data is not None]
    listed = [str(message.get("data", "")) for message in messages]
    if len(ends) != len(listed) or (any(listed) and [text for _, text in ends] != listed):
        return []
    bounds = [0, *(end for end, _ in ends[:-1]), len(body)]
    return [body[start:stop] for start, stop in itertools.pairwise(bounds)]


def _framed(message: dict[str, Any]) -> bytes:
    lines = [f"event: {message['eventName']}"] if message.get("eventName") not in (None, "", "message") else []
    lines += [f"id: {message['eventId']}"] if message.get("eventId") else []
    lines += [f"data: {line}" for line in str(message.get("data", "")).split("\n")]
    return ("\n".join(lines) + "\n\n").encode("utf-8", "surrogatepass")


def _offset(entry: dict[str, Any], message: dict[str, Any], head_us: int) -> int | None:
    """Microseconds since the request was sent; an entry starts before that, with waiting and connecting."""
    when, started = message.get("time"), _wall_clock(entry.get("startedDateTime"))
    if not isinstance(when, int | float) or started is None or not abs(when - started) * 1000 < _LONGEST_MS:
        return None
    return max(head_us, int((when - started) * 1_000_000) - _before_sending_us(entry))


def _before_sending_us(entry: dict[str, Any]) -> int:
    timings = entry.get("timings") or {}
    return sum(_microseconds(timings.get(name)) or 0 for name in ("blocked", "dns", "connect"))


def _end_us(entry: dict[str, Any], segments: Sequence[Segment]) -> int | None:
    whole = _microseconds(entry.get("time"))
    if whole is None:
        return None
    return max(whole - _before_sending_us(entry), segments[-1].offset_us or 0)


def _wall_clock(text: Any) -> float | None:
    try:
        parsed = datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    except ValueError:
        return None
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
