"""Objects and lines that tell of an error without looking like one: the only place where that is decided."""

from __future__ import annotations

import re
from typing import Any

from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import as_list, as_object

_ERROR_FIELD = re.compile(rb"(?:\A|[\r\n])(?:\xef\xbb\xbf)?error[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE)
_CODES = ("code", "error_code", "err_code", "errcode", "status_code", "statusCode")
_TEXTS = ("message", "msg", "error_msg", "errmsg", "err_msg", "error_message", "errorMessage", "reason")
_SUCCESS = frozenset({"", "0", "200", "ok", "success", "none"})
_FAILURE = frozenset({"error", "fail", "failed", "failure"})
_ABOUT_A_FAILURE = frozenset({"message", "request_id", "requestId", "trace_id", "timestamp", "path"})


def error_field(raw: bytes) -> tuple[bytes, tuple[int, int]] | None:
    """What a line ``error: ...`` of an event says, and where the line stands in ``raw``; None when there is none."""
    match = _ERROR_FIELD.search(raw)
    if match is None:
        return None
    start = match.start() + (1 if raw[match.start() : match.start() + 1] in (b"\r", b"\n") else 0)
    return match.group(1), (start, match.end())


def flat_error(value: JsonObject) -> tuple[str, Any] | None:
    """The member, as (path, value), that shows an object without ``error`` and without choices to be an error all
    the same; None when nothing does. A legal chunk or event never has one. The only place where this is decided."""
    if as_list(value.get("choices")):
        return None
    for key, sign in (("object", "error"), ("type", "error"), ("event", "error")):
        if value.get(key) == sign:
            return key, sign
    if value.get("success") is False:
        return "success", False
    status = as_object(value.get("base_resp")).get("status_code")
    if _failed(status):
        return "base_resp.status_code", status
    for key in ("errors", "detail"):
        if value.get(key) and type(value[key]) in (str, list, dict) and "usage" not in value:
            return key, value[key]
    return _coded_failure(value)


def _coded_failure(value: JsonObject) -> tuple[str, Any] | None:
    text = next((key for key in _TEXTS if type(value.get(key)) is str and value[key]), None)
    if text is None:
        return None
    for key in _CODES:
        if _failed(value.get(key)):
            return key, value[key]
    status = value.get("status")
    if (type(status) is int and status >= 400) or (type(status) is str and status.lower() in _FAILURE):
        return "status", status
    # OpenAI's own members without the "error" around them; a code that says success is a report of something else
    opened = "param" in value or ("code" in value and value["code"] is None)
    told = (opened and text == "message") or _ABOUT_A_FAILURE.issuperset(value)
    return (text, value[text]) if told else None


def _failed(code: Any) -> bool:
    """Whether a status code of any type means a failure; a missing one does not."""
    if type(code) is int:
        return code not in (0, 200)
    return type(code) is str and code.strip().lower() not in _SUCCESS
