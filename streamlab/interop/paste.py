"""One reader for evidence as people paste it: strings in, the exchange that they show out.

Bytes that read as a stream are taken as they are: they are evidence. Only where something that a terminal, a log or a
chat window adds is plainly there, and the stream reads better without it, is it taken off; what, stands in the notes.
Where events are all that is left of the wire, ``notes["framing"]`` says ``unknown`` and no rule on framing speaks.
Where part of them was left out (``…``), ``notes["body"]`` says ``shortened`` and nothing is judged.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from streamlab.errors import UnreadableInputError
from streamlab.exchange import Ending, Exchange, ResponseHead, Segment
from streamlab.interop.curl_command import request_of
from streamlab.interop.curl_trace import peel_trace
from streamlab.interop.dumps import peel_column, peel_dump, peel_visible_ends
from streamlab.interop.encoded import (
    is_data_url,
    peel_blanks,
    peel_curly_quotes,
    peel_data_url,
    peel_digits,
    peel_entities,
    peel_markdown_escapes,
    peel_percent,
    peel_quoted_printable,
)
from streamlab.interop.http_text import STATUS, head_and_rest, request_and_rest
from streamlab.interop.inspected import peel_inspected
from streamlab.interop.numbers import peel_numbers_of_bytes
from streamlab.interop.objects import peel_objects, peel_table
from streamlab.interop.pasted import LARGEST_PASTE, Paste, score
from streamlab.interop.peeling import (
    peel_colours,
    peel_command,
    peel_curl_verbose,
    peel_fences,
    peel_html,
    peel_json_log,
    peel_literals,
    peel_missing_blanks,
    peel_numbers,
    peel_prefixes,
    peel_utf16,
    peel_wraps,
)
from streamlab.interop.saved import decoded
from streamlab.interop.sessions import peel_diff, peel_httpie, peel_session
from streamlab.interop.shortened import is_shortened
from streamlab.interop.viewers import peel_messages
from streamlab.interop.wrapped_events import peel_wrapped_events
from streamlab.lazy_pattern import lazy_pattern
from streamlab.redaction import redact_headers, redact_url
from streamlab.storage.bare_body import read_bare_body
from streamlab.wire.binary_frames import MEDIA_TYPE, is_framed
from streamlab.wire.bodies import BodyKind, sniff
from streamlab.wire.left_chunks import LeftChunks, is_chunked
from streamlab.wire.payload import decode_payload
from streamlab.wire.visible import visible

_LAYERS: tuple[Callable[[Paste], Paste | None], ...] = (
    peel_utf16,
    peel_colours,
    peel_dump,
    peel_numbers_of_bytes,
    peel_digits,
    peel_data_url,
    peel_percent,
    peel_quoted_printable,
    peel_blanks,
    peel_visible_ends,
    peel_trace,
    peel_session,
    peel_diff,
    peel_command,
    peel_wrapped_events,
    peel_json_log,
    peel_html,
    peel_fences,
    peel_curl_verbose,
    peel_httpie,
    peel_column,
    peel_literals,
    peel_numbers,
    peel_prefixes,
    peel_wraps,
    peel_missing_blanks,
    peel_entities,
    peel_curly_quotes,
    peel_markdown_escapes,
    peel_table,
    peel_messages,
    peel_inspected,
    peel_objects,
)
#: What shows a text for the first time, whatever is still to be taken off that.
_OPENING = (peel_utf16, peel_colours, peel_dump, peel_visible_ends, peel_column, peel_json_log, peel_html, peel_fences)
#: What may hide the JSON of events and leave ``[DONE]`` as it is, which then is an event without any stray line.
_BESIDE_EVENTS = (peel_quoted_printable, peel_entities, peel_curly_quotes, peel_markdown_escapes)
_ROUNDS = 4
_COMMAND = lazy_pattern(rb"\bcurl(?:\.exe)?\s[^\n]*(?:(?<=[\\^`])\r?\n[^\n]*)*")
_LAST_LINES = lazy_pattern(rb"(?:\r?\n){0,2}")
_TYPE = ("content-type", "text/event-stream")
_BINARY_TYPE = ("content-type", MEDIA_TYPE)


def read_pasted(data: bytes) -> Exchange:
    """The exchange that a bare body or a paste shows. Raises UnreadableInputError where nothing in it is an event."""
    data = decoded(data)
    if is_framed(data):
        return replace(read_bare_body(data), head=ResponseHead(200, (_BINARY_TYPE,)))
    paste = _peeled(data) if len(data) <= LARGEST_PASTE else Paste(data)
    if not paste.took and paste.head is None:
        _require_events(data)
        return _noted(read_bare_body(data))
    _require_events(paste.body)
    head = paste.head or ResponseHead(200, (_TYPE,))
    request = paste.request
    if request is not None:
        request = replace(request, url=redact_url(request.url), headers=redact_headers(request.headers))
    notes: dict[str, Any] = {"imported_as": "paste", "taken_off": list(paste.took)}
    if not paste.framed:
        notes["framing"] = "unknown"
    exchange = Exchange(
        request=request,
        head=replace(head, headers=redact_headers(head.headers)),
        segments=tuple(_segments(paste)),
        ending=Ending.COMPLETE,
        end_us=paste.reads[-1][0] if paste.reads else None,
        notes=notes,
    )
    return _noted(exchange)


def _noted(exchange: Exchange) -> Exchange:
    """The exchange, with a note where something was left out of it when it was pasted: then nothing is judged."""
    body = exchange.body
    if len(body) > LARGEST_PASTE or not is_shortened(body):
        return exchange
    return replace(exchange, notes={**exchange.notes, "body": "shortened"})


def is_paste(body: bytes) -> bool:
    """Whether a body holds more than a stream: something that reads better without."""
    return len(body) <= LARGEST_PASTE and _peeled(body).took != ()


def _segments(paste: Paste) -> Iterator[Segment]:
    if sum(size for _, size in paste.reads) != len(paste.body):
        if body := _without_spare_lines(paste.body):
            yield Segment(None, body)
        return
    at = 0
    for offset_us, size in paste.reads:
        yield Segment(offset_us, paste.body[at : at + size])
        at += size


def _without_spare_lines(body: bytes) -> bytes:
    """Without blank lines behind the one that ends the last event: whatever showed the stream may have added them."""
    end = len(body.rstrip(b"\r\n"))
    kept = _LAST_LINES.match(body, end)
    return body[: kept.end()] if kept is not None and kept.end() > end else body


def _peeled(data: bytes) -> Paste:
    """The paste with every layer off that hides the stream."""
    paste = _without_head(Paste(data))
    now = score(paste.body)
    for _ in range(_ROUNDS):
        before = paste
        for peel in _LAYERS:
            hides = peel in _BESIDE_EVENTS or (peel in (peel_fences, peel_curl_verbose) and paste.head is None)
            if now.clean and not hides:
                continue
            peeled = peel(paste)
            if peeled is None:
                continue
            peeled = _without_head(peeled)
            then = score(peeled.body)
            if not then.events and (spaced := peel_missing_blanks(peeled)) is not None:
                peeled, then = spaced, score(spaced.body)
            if (then > now and then.events > 0) or (not now.events and peel in _OPENING):  # fewer lines are no reason
                paste, now = peeled, then
        if paste == before:
            break
    return _with_request(paste, data)


def _without_head(paste: Paste) -> Paste:
    """The body of a paste that holds a head, or both (``curl -i``, HTTPie), with text before them."""
    first = STATUS.search(paste.body)
    if first is None:
        return paste
    head, body = head_and_rest(paste.body[first.start() :])
    if head is None:
        return paste
    request, _ = request_and_rest(paste.body[: first.start()])
    known = paste.request if paste.request is not None else request
    if "chunked" in (head.header("transfer-encoding") or "").lower() and is_chunked(body):
        body = b"".join(LeftChunks().pieces(body))  # off the wire, as a sniffer or ``curl --raw`` shows it
    return replace(paste, body=body, head=head, request=known, took=(*paste.took, "a response head"))


def _with_request(paste: Paste, data: bytes) -> Paste:
    """The request of a command pasted above the stream, where the paste shows none with a body."""
    if paste.request is not None and paste.request.body is not None:
        return paste
    found = _COMMAND.search(data if b"\0" not in data[:200] else paste.body)
    request = request_of(found[0].decode("utf-8", "replace")) if found is not None else None
    if request is None:
        return paste
    if not paste.took and paste.head is None:
        return paste
    return replace(paste, request=request)


def _require_events(body: bytes) -> None:
    """Refuse what is no stream and no answer."""
    kind = sniff(body[: 1 << 20])
    field = re.search(rb"(?:\A|\A\xef\xbb\xbf|[\r\n])[ \t]*(?:data|error) ?:", body, re.IGNORECASE)
    if kind is BodyKind.SSE and field is not None and not is_data_url(body):
        return
    if kind in (BodyKind.JSON, BodyKind.NDJSON):
        payload = decode_payload(body if kind is BodyKind.JSON else body.split(b"\n", 1)[0])
        value = payload.value
        if (not payload.ok and re.match(rb"\s*(?:\[\s*)?\{", body)) or (
            value and (type(value) is dict or (type(value) is list and dict in map(type, value)))
        ):
            return
    shown = visible(body[:40].decode("utf-8", "backslashreplace"), 60)
    if not body:
        raise UnreadableInputError("an empty file: nothing in it is an event of a stream")
    raise UnreadableInputError(f"nothing in it is an event of a stream (it begins “{shown}”)")
