"""Answers of our own, in OpenAI's error shape, for when there is nothing of the upstream's to pass on."""

from __future__ import annotations

import json
from http import HTTPStatus

from streamlab.wire.http1 import HttpFault

#: What the clients of a server read as the kind of a refusal.
_CODES = {401: "invalid_token", 403: "forbidden"}


def refusal_response(fault: HttpFault) -> bytes:
    """The answer to a request that goes nowhere."""
    code = _CODES.get(fault.status, "invalid_http_request")
    return error_response(fault.status, f"streamlab: {fault.reason}", code, "invalid_request_error")


def error_response(status: int, message: str, code: str, kind: str = "streamlab_error") -> bytes:
    """A complete HTTP/1.1 response that ends its connection; official clients show ``message`` to their user."""
    body = json.dumps({"error": {"message": message, "type": kind, "param": None, "code": code}}).encode()
    head = (
        f"HTTP/1.1 {status} {_reason(status)}\r\n"
        "Content-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n"
        "Connection: close\r\n"
        "\r\n"
    )
    return head.encode() + body


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"
