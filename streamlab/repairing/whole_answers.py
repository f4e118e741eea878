"""Answers that are one JSON object instead of a stream and tell of an error: it keeps OpenAI's shape."""

from __future__ import annotations

from streamlab.exchange import ResponseHead
from streamlab.rules.repair import Draft, ErrorPayload
from streamlab.rules.repairs.errors import error_shape, told_error
from streamlab.wire.payload import JsonObject, decode_payload, encode_json


def error_body(value: JsonObject) -> JsonObject | None:
    """The error that a JSON object is, as ``{"error": ...}``; None when it is none."""
    if value.get("error"):
        return value
    found = told_error(value)
    return {"error": found} if found is not None else None


def error_status_body(body: bytes, head: ResponseHead | None) -> bytes:
    """The body of an answer with an error status, in OpenAI's shape; unchanged when it has that shape already."""
    payload = decode_payload(body)
    value = payload.value if payload.ok else None
    inner = value.get("error") if isinstance(value, dict) else None
    if isinstance(value, dict) and isinstance(inner, dict) and isinstance(inner.get("message"), str):
        draft = Draft(ErrorPayload(None, value), ())
        error_shape(draft)
        return encode_json(value) if draft.changes else body
    status = head.status if head is not None else 500
    error = error_body(value) if isinstance(value, dict) else None
    if error is None:
        text = body.decode("utf-8", "replace").strip()
        error = {"error": {"message": text[:4000] or f"the upstream answered {status} without a body", "code": None}}
    draft = Draft(ErrorPayload(None, {"error": error["error"]}), ())
    error_shape(draft)
    shaped: JsonObject = draft.json["error"]
    if shaped.get("type") == "server_error" and 400 <= status < 500:
        shaped["type"] = "invalid_request_error"
    ordered = {key: shaped.pop(key) for key in ("message", "type", "param", "code")}
    return encode_json({"error": {**ordered, **shaped}})
