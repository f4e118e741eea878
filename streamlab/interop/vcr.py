"""VCR cassettes, as vcrpy writes them: YAML or JSON, version 1.

A cassette holds requests and responses and nothing else: times, HTTP chunks and the ending are lost in it, and reading
one back gives an exchange that ended complete with timing unknown.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Sequence
from typing import Any

import yaml

from streamlab.errors import UnreadableInputError
from streamlab.exchange import Exchange, Headers, Request, ResponseHead, Segment
from streamlab.redaction import redact_headers, redact_url


def to_vcr(exchanges: Sequence[Exchange]) -> str:
    """A YAML cassette of the exchanges that were answered, secrets taken out."""
    interactions = [_interaction(exchange) for exchange in exchanges if exchange.head is not None]
    return str(yaml.dump({"interactions": interactions, "version": 1}, Dumper=_Dumper, allow_unicode=True))


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


class _Dumper(yaml.SafeDumper):
    """Text that is no UTF-8 goes out as !!binary, as vcrpy does."""


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


def parse_yaml(text: bytes) -> Any:
    """A YAML document; None when it is none. Only plain data is built, whatever the tags say."""
    try:
        return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (yaml.YAMLError, ValueError, RecursionError, UnicodeDecodeError):
        return None


def from_vcr(value: dict[str, Any]) -> Iterator[Exchange]:
    """The exchanges of a cassette, in order. Raises UnreadableInputError."""
    for number, one in enumerate(value["interactions"]):
        try:
            yield _exchange(one)
        except (KeyError, TypeError, ValueError, AttributeError, binascii.Error) as error:
            raise UnreadableInputError(f"interaction {number} of this cassette is damaged: {error!r}") from None


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
            str(asked.get("method", "POST")),
            str(asked.get("uri") or asked.get("url") or ""),
            _headers(asked.get("headers")),
            _bytes(asked_body) if asked_body is not None else None,
        ),
        head=ResponseHead(
            int(code if code is not None else 200),
            _headers(answered.get("headers")),
            reason=str(status.get("message") or "") if isinstance(status, dict) else "",
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
        return _bytes(value["string"])
    return str(value).encode("utf-8", "surrogatepass")


def _headers(grouped: Any) -> Headers:
    pairs: list[tuple[str, str]] = []
    for name, values in (grouped or {}).items():
        listed = values if isinstance(values, list) else [values]
        pairs += [(str(name), value.decode("latin-1") if isinstance(value, bytes) else str(value)) for value in listed]
    return tuple(pairs)
