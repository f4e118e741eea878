"""Objects and lines that tell of an error without looking like one: the only place where that is decided."""

from __future__ import annotations

import re
from typing import Any

from streamlab.lazy_pattern import lazy_pattern
from streamlab.wire.payload import FaultKind, JsonObject, decode_payload, encode_json
from streamlab.wire.reading import as_list, as_object
from streamlab.wire.sse import ServerSentEvent

_ERROR_FIELD = lazy_pattern(rb"(?:\A|[\r\n])(?:\xef\xbb\xbf)?error[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE)
_FINISH = lazy_pattern(rb"['\x22]finish_reason['\x22]\s*:\s*['\x22]\w")
#: Bytes of an event that are searched.
_LOOKED_AT = 65_536
_CODES = ("code", "Code", "error_code", "err_code", "errcode", "status_code", "statusCode", "ret_code", "ret")
_TEXTS = ("message", "msg", "error_msg", "errmsg", "err_msg", "error_message", "errorMessage", "reason")
#: Members by which a failure gives itself away, in any letters: what they hold is what went wrong.
_TELLING = frozenset(
    (
        *("err", "error", "exception", "traceback", "stack_trace", "stacktrace", "fault"),
        *("error_message", "errormessage", "error_msg", "errmsg", "err_msg", "error_description"),
    )
)
_TOLD_FIRST = frozenset({"errors", "detail"})
#: Names of events that report a failure.
ERROR_EVENTS = frozenset({b"error", b"exception", b"failure", b"fail", b"failed"})
#: Names of events by which a server remarks on something: the answer goes on.
_REMARKS = frozenset(
    (
        *(b"warning", b"warn", b"info", b"notice", b"log", b"debug", b"trace", b"status", b"progress", b"metadata"),
        *(b"message_metadata", b"usage", b"session", b"heartbeat", b"ping"),
    )
)
#: Types that name a failure: ``server_error``, ``ThrottlingException``; not ``error`` alone, which is told before.
_KIND = lazy_pattern(r"\w(?:error|exception|fault)\Z", re.IGNORECASE)
#: Texts that say something only beside a code of failure.
_MORE = ("details", "text", "ret_msg", "description", "title", "Message")
_SUCCESS = frozenset({"", "0", "200", "ok", "success", "none"})
_FAILURE = frozenset({"error", "fail", "failed", "failure"})
_ABOUT_A_FAILURE = frozenset({"message", "request_id", "requestId", "trace_id", "timestamp", "path"})

#: Words by which a line of text tells of a failure.
_FAILED = lazy_pattern(
    rb"\b(?:errors?|exception|traceback|failed|failure|timed out|timeout|out of memory)\b|\w(?:Error|Exception)\b",
    re.IGNORECASE,
)
#: One of these is in whatever `_FAILED` matches; to look for them takes a hundredth of the time.
_FAILED_PARTS = (b"error", b"exception", b"traceback", b"fail", b"timed out", b"timeout", b"out of memory")


def tells_of_failure(raw: bytes) -> bool:
    """Whether bytes that are no JSON object read as a report of a failure."""
    looked_at = raw[:_LOOKED_AT]
    lowered = looked_at.lower()
    return any(part in lowered for part in _FAILED_PARTS) and _FAILED.search(looked_at) is not None


def failed_without_data(sse: ServerSentEvent) -> bool:
    """Whether an event reports a failure by its name alone."""
    return not sse.data and (sse.event or b"").strip().lower() in ERROR_EVENTS


def error_field(raw: bytes) -> tuple[bytes, tuple[int, int]] | None:
    """What a line ``error: ...`` of an event says, and where the line stands in ``raw``; None when there is none."""
    match = _ERROR_FIELD.search(raw) if b"error" in raw.lower() else None
    if match is None:
        return None
    start = match.start() + (1 if raw[match.start() : match.start() + 1] in (b"\r", b"\n") else 0)
    return match.group(1), (start, match.end())


def said_in_field(value: bytes) -> bytes:
    """What a line ``error: ...`` says, as the payload of an event."""
    told = value.strip()
    if told[:1] not in (b"{", b'"', b"["):
        return value
    read = decode_payload(told)
    if read.ok and not any(fault.kind is FaultKind.TRAILING_TEXT for fault in read.faults):
        return b'{"error":' + told + b"}"
    return encode_json({"error": told.decode("utf-8", "replace")})


def hides_finish(raw: bytes) -> bool:
    """Whether an event that is no chunk holds a finish_reason all the same, where no client reads it."""
    return _FINISH.search(raw, 0, _LOOKED_AT) is not None


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
    return _member(value, _TOLD_FIRST) or _coded_failure(value) or _member(value, _TELLING) or _of_a_kind(value)


def _member(value: JsonObject, names: frozenset[str]) -> tuple[str, Any] | None:
    """The first member of one of these names that holds something, in an object that is no report of usage."""
    if "usage" in value:
        return None
    for key, held in value.items():
        if held and (key.lower() in names and key != "error") and type(held) in (str, list, dict):
            return key, held
    return None


def failed_event(name: bytes | None, value: JsonObject) -> tuple[str, Any] | None:
    """What shows the object of an event to be an error, as `flat_error` says it; or that the event is named so."""
    sign = flat_error(value)
    if sign is not None and name is not None and name.strip().lower() in _REMARKS and "error" not in sign:
        return None  # a text beside the name is no failure
    if sign is not None or name is None or name.strip().lower() not in ERROR_EVENTS:
        return sign
    counts = type(value.get("choices")) is list and as_object(value.get("usage"))
    if value.get("error") or as_list(value.get("choices")) or counts or type(value.get("type")) is str:
        return None  # an error in its place, a chunk, or what the API at hand knows by its type
    return "event", name.decode("utf-8", "replace").strip()


def may_be_remark(value: JsonObject) -> bool:
    """Whether nothing but its text shows an object to be an error, and the text speaks of no failure: if the answer
    goes on behind it, it was none."""
    if flat_error(value) is None or not _ABOUT_A_FAILURE.issuperset(value):
        return False
    text = value.get("message")
    return type(text) is str and not tells_of_failure(text.encode("utf-8", "replace"))


def _of_a_kind(value: JsonObject) -> tuple[str, Any] | None:
    """A ``type`` that names a failure, beside a text that may say which."""
    for key in ("__type", "type", "exception_type"):
        kind = value.get(key)
        if type(kind) is str and _KIND.search(kind) and not kind.isupper() and not kind.startswith("response."):
            return key, kind
    return None


def _coded_failure(value: JsonObject) -> tuple[str, Any] | None:
    text = next((key for key in (*_TEXTS, *_MORE) if type(value.get(key)) is str and value[key]), None)
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
