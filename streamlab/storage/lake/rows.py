"""An exchange as a row of Parquet, and back. Rows may come from elsewhere: every value is checked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple

from streamlab.errors import UnreadableInputError
from streamlab.exchange import Exchange, Request, ResponseHead, Segment
from streamlab.judging.trend import upstream_of
from streamlab.storage.exchange_fields import FieldReader
from streamlab.storage.recorders import day_of
from streamlab.wire.payload import decode_payload

if TYPE_CHECKING:
    import pyarrow

#: The version of the files; one more with every change that an older reader would misread.
SCHEMA = 1
#: Where a file says it.
SCHEMA_KEY = b"streamlab.lake"


class RecordedBy(NamedTuple):
    """Where an exchange was recorded: by whom, and what it is called there; None where that is not known."""

    recorder: str
    process: str | None = None
    number: int | None = None


def schema() -> pyarrow.Schema:
    """The columns of a file of exchanges."""
    import pyarrow as pa

    text, number = pa.string(), pa.int64()
    columns = {
        "hash": text,
        "day": text,
        "recorder": text,
        "process": text,
        "number": number,
        "started_at": text,
        "label": text,
        "tap": text,
        "server": text,
        "model": text,
        "method": text,
        "url": text,
        "request_headers": text,
        "request_body": pa.binary(),
        "status": number,
        "reason": text,
        "http_version": text,
        "response_headers": text,
        "head_us": number,
        "ending": text,
        "end_us": number,
        "notes": text,
        "redacted": pa.bool_(),
        "bytes": number,
        "sha256": text,
        "offsets_us": pa.list_(number),
        "lengths": pa.list_(number),
        "http_chunks": pa.list_(number),
        "body": pa.binary(),
    }
    return pa.schema(list(columns.items()), metadata={SCHEMA_KEY: str(SCHEMA).encode()})


def hash_of(exchange: Exchange) -> str:
    """What an exchange is called in every lake: SHA-256 of all that was recorded of it, before anything is masked."""
    request, head = exchange.request, exchange.head
    told = (
        exchange.started_at,
        exchange.label,
        exchange.tap,
        (request.method, request.url, request.headers, request.body is not None) if request else None,
        (head.status, head.headers, head.offset_us, head.reason, head.http_version) if head else None,
        [(one.offset_us, len(one.data)) for one in exchange.segments],
        exchange.http_chunks,
        str(exchange.ending),
        exchange.end_us,
        exchange.notes,
    )
    found = hashlib.sha256(json.dumps(told, sort_keys=True).encode())
    found.update(b"\0" + (request.body or b"" if request else b"") + b"\0" + exchange.body)
    return found.hexdigest()


def row_of(exchange: Exchange, name: str, origin: RecordedBy, *, redacted: bool) -> dict[str, Any]:
    """The row of an exchange that is called ``name``."""
    body = exchange.body
    return {
        **told_of(exchange, name, origin),
        "redacted": redacted,
        "bytes": len(body),
        "sha256": hashlib.sha256(body).hexdigest(),
        "offsets_us": [one.offset_us for one in exchange.segments],
        "lengths": [len(one.data) for one in exchange.segments],
        "http_chunks": exchange.http_chunks,
        "body": body,
    }


def told_of(exchange: Exchange, name: str, origin: RecordedBy) -> dict[str, Any]:
    """The columns that need no bytes of the answer."""
    request, head = exchange.request, exchange.head
    return {
        "hash": name,
        "day": day_of(exchange.started_at),
        "recorder": origin.recorder,
        "process": origin.process,
        "number": origin.number,
        "started_at": exchange.started_at,
        "label": exchange.label,
        "tap": exchange.tap,
        "server": upstream_of(request.url if request else None),
        "model": _model(request.body if request else None),
        "method": request.method if request else None,
        "url": request.url if request else None,
        "request_headers": json.dumps(request.headers) if request else None,
        "request_body": request.body if request else None,
        "status": head.status if head else None,
        "reason": head.reason if head else None,
        "http_version": head.http_version if head else None,
        "response_headers": json.dumps(head.headers) if head else None,
        "head_us": head.offset_us if head else None,
        "ending": str(exchange.ending),
        "end_us": exchange.end_us,
        "notes": json.dumps(exchange.notes),
    }


def _model(body: bytes | None) -> str | None:
    asked = decode_payload(body).value if body else None
    model = asked.get("model") if isinstance(asked, dict) else None
    return model if isinstance(model, str) and model.isprintable() else None


def exchange_of(row: Mapping[str, Any], place: str) -> Exchange:
    """The exchange of a row. Raises UnreadableInputError, in one line that begins with ``place``."""
    reader = FieldReader(place, "its body")
    body = row["body"] or b""
    if hashlib.sha256(body).hexdigest() != row["sha256"]:
        reader.fail("damaged: its body is not what its sha256 says")
    offsets, lengths = row["offsets_us"] or [], row["lengths"] or []
    if len(offsets) != len(lengths) or sum(lengths) != len(body):
        reader.fail("damaged: its reads do not add up to its body")
    ends = list(accumulate(lengths))
    exchange = Exchange(
        request=_request(row, reader),
        head=_head(row, reader),
        segments=tuple(
            Segment(offset, body[end - length : end])
            for offset, length, end in zip(offsets, lengths, ends, strict=True)
        ),
        http_chunks=reader.chunks(row["http_chunks"], body),
        ending=reader.ending(row["ending"]),
        end_us=row["end_us"],
        label=row["label"],
        tap=row["tap"],
        started_at=row["started_at"],
        notes=reader.notes(_json(row, "notes", reader)),
    )
    return reader.storable(exchange)


def _request(row: Mapping[str, Any], reader: FieldReader) -> Request | None:
    if row["url"] is None:
        return None
    headers = reader.headers(_json(row, "request_headers", reader), "request")
    return Request(row["method"] or "", row["url"], headers, row["request_body"])


def _head(row: Mapping[str, Any], reader: FieldReader) -> ResponseHead | None:
    if row["status"] is None:
        return None
    headers = reader.headers(_json(row, "response_headers", reader), "response")
    return ResponseHead(row["status"], headers, row["head_us"], row["reason"] or "", row["http_version"] or "1.1")


def _json(row: Mapping[str, Any], name: str, reader: FieldReader) -> Any:
    try:
        return json.loads(row[name] or "null")
    except (ValueError, RecursionError):
        reader.fail(f"damaged: {name} is no JSON")


def notes_of(text: str | None) -> dict[str, Any]:
    """The notes of a row; none where they are damaged."""
    try:
        found = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def damaged(error: UnreadableInputError) -> str:
    """Why a row is no exchange, in one line."""
    return " ".join(str(error).split())[:500]
