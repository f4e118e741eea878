"""An exchange as a directory: ``exchange.json`` and ``body.sse``; the format of the corpus, exports and fixtures.

The body is kept byte for byte. A request body that is JSON is stored as JSON, for people to read; where writing that
JSON compactly would not give the recorded bytes back, the exact text is kept beside it as ``body_text`` (and wins on
reading, as long as it still says the same). A body that is not JSON is kept as ``body_text``, or as ``body_base64``
when it is not UTF-8, with ``body`` null. JSON bodies of foreign files read as compact JSON bytes.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from typing import Any, NoReturn

from streamlab.errors import CouldNotRunError, NotFoundError, UnreadableInputError
from streamlab.exchange import Ending, Exchange, Request, ResponseHead
from streamlab.storage.exchange_fields import FieldReader
from streamlab.storage.files import largest_input, read_regular, replace_file

FORMAT = "streamlab.exchange/1"
_META, _BODY = "exchange.json", "body.sse"
#: An exchange.json is read whole; a larger one is refused.
_MAX_META = 256 * 1024 * 1024
#: Where `Exchange.notes` keeps keys this version does not know, by the object they were found in.
_UNKNOWN = "_unknown"
_TOP_KEYS = frozenset(
    (
        "format",
        "request",
        "response",
        "segments",
        "http_chunks",
        "end_us",
        "ending",
        "notes",
        "label",
        "tap",
        "started_at",
    )
)
_REQUEST_KEYS = frozenset(("method", "url", "headers", "body", "body_text", "body_base64"))
_RESPONSE_KEYS = frozenset(("status", "reason", "http_version", "headers", "head_us"))
#: Segments on one line of an exchange.json.
_PER_LINE = 8


# --- reading


def read_exchange_dir(path: str | os.PathLike[str], largest: int | None = None) -> Exchange:
    """The exchange in a directory; ``largest`` defaults to what the running command reads at most.

    Raises NotFoundError or UnreadableInputError, in one line each.
    """
    largest = largest_input.get() if largest is None else largest
    folder = _as_pathlib_has_it(os.fspath(path))
    if not os.path.isdir(folder):
        raise NotFoundError(f"{folder}: no such directory")
    reader, meta = _opened(os.path.join(folder, _META), _read_inside(folder, _META, min(largest, _MAX_META)))
    has_body = meta.get("response") is not None or os.path.lexists(os.path.join(folder, _BODY))
    return reader.exchange(meta, _read_inside(folder, _BODY, largest) if has_body else b"")


def exchange_of(name: str, raw: bytes, body: bytes) -> Exchange:
    """The exchange of an exchange.json, called ``name``, and its body. Raises UnreadableInputError in one line."""
    reader, meta = _opened(name, raw)
    return reader.exchange(meta, body)


def _opened(name: str, raw: bytes) -> tuple[_MetaReader, dict[str, Any]]:
    try:
        meta = json.loads(raw)
    except RecursionError:
        raise UnreadableInputError(f"{name}: nested too deeply") from None
    except ValueError as error:  # bad UTF-8, bad JSON, numbers of thousands of digits
        raise UnreadableInputError(f"{name}: not JSON: {_one_line(error)}") from None
    reader = _MetaReader(name, _BODY)
    if not isinstance(meta, dict) or meta.get("format") != FORMAT:
        reader.fail(f'"format" is not "{FORMAT}"')
    return reader, meta


def _as_pathlib_has_it(path: str) -> str:
    """A path without what stands in it for nothing."""
    if path == os.path.normpath(path):
        return path
    from pathlib import Path  # deferred: with what it loads it takes longer than to read an exchange

    return str(Path(path))


def _read_inside(folder: str, name: str, largest: int) -> bytes:
    path = os.path.join(folder, name)
    if not os.path.lexists(path):
        raise UnreadableInputError(f"{folder}: has no {name}")
    return read_regular(path, largest, within=folder)


class _MetaReader(FieldReader):
    """Checks an exchange.json value by value."""

    def exchange(self, meta: dict[str, Any], body: bytes) -> Exchange:
        head = self._head(meta.get("response"))
        if head is None and body:
            self.fail(f'"response" is null, but {_BODY} holds {len(body)} bytes')
        return Exchange(
            request=self._request(meta.get("request")),
            head=head,
            segments=self.segments(meta.get("segments"), body),
            http_chunks=self.chunks(meta.get("http_chunks"), body),
            ending=self.ending(meta.get("ending", Ending.COMPLETE)),
            end_us=self.time(meta.get("end_us"), "end_us"),
            label=self.text(meta.get("label"), "label"),
            tap=self.text(meta.get("tap"), "tap"),
            started_at=self.text(meta.get("started_at"), "started_at"),
            notes={**self.notes(meta.get("notes")), **_unknown_keys(meta)},
        )

    def _request(self, value: Any) -> Request | None:
        if value is None:
            return None
        if not isinstance(value, dict):
            self.fail('"request" is not an object')
        method = self.text(value.get("method"), "request.method") or "POST"
        url = self.text(value.get("url"), "request.url")
        return Request(method, url or "", self.headers(value.get("headers"), "request"), self._request_body(value))

    def _request_body(self, value: dict[str, Any]) -> bytes | None:
        coded = self.text(value.get("body_base64"), "request.body_base64")
        if coded is not None:
            try:
                import base64  # deferred: few requests are bytes

                return base64.b64decode(coded, validate=True)
            except ValueError:
                self.fail('"request.body_base64" is not base64')
        body = value.get("body")
        text = self.text(value.get("body_text"), "request.body_text")
        if text is not None and (body is None or _says(text, body)):
            return text.encode()
        return None if body is None else _compact(body)

    def _head(self, value: Any) -> ResponseHead | None:
        if value is None:
            return None
        if not isinstance(value, dict):
            self.fail('"response" is not an object')
        return ResponseHead(
            self.status(value.get("status"), "response.status"),
            self.headers(value.get("headers"), "response"),
            self.time(value.get("head_us"), "response.head_us"),
            self.text(value.get("reason"), "response.reason") or "",
            self.text(value.get("http_version"), "response.http_version") or "1.1",
        )


def _unknown_keys(meta: Mapping[str, Any]) -> dict[str, Any]:
    """``{"_unknown": {"exchange": ..., "request": ..., "response": ...}}``, only what there is."""
    found = {}
    known = (("exchange", meta, _TOP_KEYS), ("request", meta.get("request"), _REQUEST_KEYS))
    for place, value, keys in (*known, ("response", meta.get("response"), _RESPONSE_KEYS)):
        rest = {key: item for key, item in (value or {}).items() if key not in keys}
        if rest:
            found[place] = rest
    return {_UNKNOWN: found} if found else {}


# --- request bodies


def _compact(value: Any) -> bytes:
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:  # half a character, as an escape
        return json.dumps(value, separators=(",", ":")).encode()


def _says(text: str, value: Any) -> bool:
    try:
        return bool(json.loads(text) == value)
    except (ValueError, RecursionError):
        return False


def _as_json(body: bytes) -> Any:
    """The value of a body that JSON represents fully; raises ValueError for anything else."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise ValueError("a key is given twice")
        return found

    def refuse(name: str) -> NoReturn:
        raise ValueError(f"{name} is not JSON")

    try:
        value = json.loads(body.decode(), object_pairs_hook=unique, parse_constant=refuse)
        json.dumps(value, allow_nan=False)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return value


def _body_fields(body: bytes | None) -> dict[str, Any]:
    if body is None:
        return {"body": None}
    try:
        value = _as_json(body)
    except ValueError:
        try:
            return {"body": None, "body_text": body.decode()}
        except UnicodeDecodeError:
            import base64

            return {"body": None, "body_base64": base64.b64encode(body).decode()}
    exact = value is not None and _compact(value) == body
    return {"body": value} if exact else {"body": value, "body_text": body.decode()}


# --- writing


def write_exchange_dir(exchange: Exchange, path: str | os.PathLike[str]) -> None:
    """Write an exchange as a directory, redacted, made if missing; files already there are replaced, others left.

    The same exchange gives the same bytes. Raises CouldNotRunError when the disk refuses, and leaves no new directory.
    """
    from pathlib import Path

    folder = Path(path)
    is_new = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        replace_file(folder / _BODY, (segment.data for segment in exchange.segments))
        replace_file(folder / _META, [exchange_json(exchange)])
    except OSError as error:
        if is_new:
            with contextlib.suppress(OSError):
                (folder / _BODY).unlink(missing_ok=True)
                folder.rmdir()
        raise CouldNotRunError(f"{folder}: {(error.strerror or str(error)).lower()}") from None


def exchange_json(exchange: Exchange) -> bytes:
    """The text of its exchange.json: one top-level key a paragraph, segments several a line."""
    unknown = exchange.notes.get(_UNKNOWN)
    extra: dict[str, Any] = unknown if isinstance(unknown, dict) else {}
    segments = [(segment.offset_us, len(segment.data)) for segment in exchange.segments]
    unknown_times = all(offset is None for offset, _ in segments)
    entries: dict[str, Any] = {
        "format": FORMAT,
        "request": _request_fields(exchange.request, extra.get("request") or {}),
        "response": _response_fields(exchange.head, extra.get("response") or {}),
        "segments": None if unknown_times and len(segments) <= 1 else [list(pair) for pair in segments],
        "http_chunks": None if exchange.http_chunks is None else list(exchange.http_chunks),
        "end_us": exchange.end_us,
        "ending": exchange.ending.value,
        "label": exchange.label,
        "tap": exchange.tap,
        "started_at": exchange.started_at,
        "notes": {key: value for key, value in exchange.notes.items() if key != _UNKNOWN},
        **(extra.get("exchange") or {}),
    }
    optional = ("http_chunks", "label", "tap", "started_at")
    lines = [
        f"{_dump(key)}: {_dump_entry(key, value)}"
        for key, value in entries.items()
        if value is not None or key not in optional
    ]
    text = "{" + ",\n ".join(lines) + "}\n"
    try:
        return text.encode()
    except UnicodeEncodeError:  # half a character in the notes or a body: escape everything
        return json.dumps(json.loads(text), indent=1).encode() + b"\n"


def _request_fields(request: Request | None, extra: Mapping[str, Any]) -> dict[str, Any] | None:
    if request is None:
        return None
    from streamlab.redaction import redact_headers, redact_url  # deferred: who reads does without

    return {
        "method": request.method,
        "url": redact_url(request.url),
        "headers": [list(pair) for pair in redact_headers(request.headers)],
        **_body_fields(request.body),
        **extra,
    }


def _response_fields(head: ResponseHead | None, extra: Mapping[str, Any]) -> dict[str, Any] | None:
    if head is None:
        return None
    from streamlab.redaction import redact_headers

    fields: dict[str, Any] = {
        "status": head.status,
        "headers": [list(pair) for pair in redact_headers(head.headers)],
        "head_us": head.offset_us,
    }
    if head.reason:
        fields["reason"] = head.reason
    if head.http_version != "1.1":
        fields["http_version"] = head.http_version
    return {**fields, **extra}


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _dump_entry(key: str, value: Any) -> str:
    if key in ("segments", "http_chunks") and isinstance(value, list):
        rows = [", ".join(_dump(item) for item in value[at : at + _PER_LINE]) for at in range(0, len(value), _PER_LINE)]
        return "[" + ",\n  ".join(rows) + "]"
    return json.dumps(value, ensure_ascii=False, indent=1).replace("\n", "\n ")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
