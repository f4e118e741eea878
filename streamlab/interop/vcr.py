"""VCR cassettes, as vcrpy writes them: YAML or JSON, version 1.

A cassette holds requests and responses and nothing else: times, HTTP chunks and the ending are lost in it, and reading
one back gives an exchange that ended complete with timing unknown.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Sequence
from typing import Any

from streamlab.exchange import Exchange, Headers, Request, ResponseHead, Segment
from streamlab.redaction import redact_headers, redact_url
from streamlab.storage.exchange_fields import FieldReader


def to_vcr(exchanges: Sequence[Exchange]) -> str:
    """A YAML cassette of the exchanges that were answered, secrets taken out."""
    import yaml  # a twentieth of what `check` of one file would load

    interactions = [_interaction(exchange) for exchange in exchanges if exchange.head is not None]
    # What is no UTF-8 is bytes, which go out as !!binary, as with vcrpy.
    return str(yaml.safe_dump({"interactions": interactions, "version": 1}, allow_unicode=True))


def lost(exchange: Exchange) -> list[str]:
    """What a cassette cannot hold of this exchange, in words."""
    if exchange.head is None:
        return ["an exchange without an answer"]
    missing = []
    if exchange.timing_known and exchange.segments:
        missing.append("arrival times")
    if exchange.http_chunks is not None:
        missing.append("HTTP chunks")
    if exchange.ending != "complete":
        missing.append(f"the ending ({exchange.ending})")
    return missing


def _interaction(exchange: Exchange) -> dict[str, Any]:
    request, head = exchange.request or Request("GET", ""), exchange.head
    assert head is not None
    return {
        "request": {
            "body": _text(request.body) if request.body is not None else None,
            "headers": _grouped(redact_headers(request.headers)),
            "method": request.method,
            "uri": redact_url(request.url),
        },
        "response": {
            "body": {"string": _text(exchange.body)},
            "headers": _grouped(redact_headers(head.headers)),
            "status": {"code": head.status, "message": head.reason},
        },
    }


def _text(body: bytes) -> str | bytes:
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return body
    # YAML folds lone carriage returns and drops what its character set has not; bytes survive.
    return text if text.isprintable() or all(one.isprintable() or one in "\n\t" for one in text) else body


def _grouped(headers: Headers) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for name, value in headers:
        grouped.setdefault(name, []).append(value)
    return grouped


# -- reading -----------------------------------------------------------------------------------------------------


def is_cassette(value: Any) -> bool:
    """Whether a YAML or JSON document is a cassette."""
    return isinstance(value, dict) and isinstance(value.get("interactions"), list)


def from_vcr(value: dict[str, Any]) -> Iterator[Exchange]:
    """The exchanges of a cassette, in order. Raises UnreadableInputError."""
    for number, one in enumerate(value["interactions"]):
        reader = FieldReader(f"interaction {number} of this cassette")
        try:
            yield reader.storable(_exchange(one))
        except (KeyError, TypeError, ValueError, ArithmeticError, AttributeError, binascii.Error) as error:
            reader.fail(f"is damaged: {' '.join(repr(error).split())[:200]}")


def _exchange(one: dict[str, Any]) -> Exchange:
    asked, answered = one["request"], one["response"]
    body = answered.get("body")
    data = _bytes(body.get("string", body.get("base64_string")) if isinstance(body, dict) else body)
    if isinstance(body, dict) and "base64_string" in body:
        data = base64.b64decode(data)
    status = answered.get("status") or {}
    code = status.get("code", answered.get("status_code")) if isinstance(status, dict) else status
    asked_body = asked.get("body")
    return Exchange(
        request=Request(
            _plain(asked.get("method", "POST")),
            _plain(asked.get("uri") or asked.get("url") or ""),
            _headers(asked.get("headers")),
            _bytes(asked_body) if asked_body is not None else None,
        ),
        head=ResponseHead(
            int(code if code is not None else 200),
            _headers(answered.get("headers")),
            reason=_plain(status.get("message") or "") if isinstance(status, dict) else "",
        ),
        segments=(Segment(None, data),) if data else (),
        notes={"imported_as": "vcr"},
    )


def _bytes(value: Any) -> bytes:
    if value is None:
        return b""
    if isinstance(value, bytes):
        return value
    if isinstance(value, dict) and "string" in value:
        value = value["string"]
        return value if isinstance(value, bytes) else _plain(value).encode("utf-8", "surrogatepass")
    return _plain(value).encode("utf-8", "surrogatepass")


def _plain(value: Any) -> str:
    """The text of a scalar. The text of a list could be any size: YAML names a part of it again and again."""
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if not isinstance(value, str | int | float):
        raise TypeError(f"a text is wanted, not a {type(value).__name__}")
    return str(value)


def _headers(grouped: Any) -> Headers:
    pairs: list[tuple[str, str]] = []
    for name, values in (grouped or {}).items():
        listed = values if isinstance(values, list) else [values]
        pairs += [(_plain(name), _plain(value)) for value in listed]
    return tuple(pairs)
