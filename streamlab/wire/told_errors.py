"""What an event that tells of an error without an ``error`` member says."""

from __future__ import annotations

from typing import Any

from streamlab.wire import error_objects, reading
from streamlab.wire.payload import JsonObject

#: Members that hold what went wrong, in the order in which they are asked.
MESSAGE_KEYS = (
    *("message", "Message", "msg", "detail", "details", "error_msg", "errmsg", "err_msg", "status_msg"),
    *("error_message", "errorMessage", "error_description", "reason", "ret_msg", "exception", "err", "Error", "ERROR"),
    *("traceback", "fault", "description", "title", "text"),
)
_CODE_KEYS = ("code", "error_code", "errcode", "err_code", "status_code", "statusCode", "ret_code", "status")


def told_error(payload: JsonObject, event_name: bytes | None = None) -> JsonObject | None:
    """What an error without an ``error`` member says, as the inside of one; None when it is none."""
    if error_objects.failed_event(event_name, payload) is None or reading.usage(payload):
        return None
    base = reading.as_object(payload.get("base_resp"))
    if base.get("status_code"):
        return {"message": as_text(base.get("status_msg")), "code": base["status_code"]}
    message = next((payload[key] for key in MESSAGE_KEYS if payload.get(key)), None)
    errors = payload.get("errors")
    if message is None and isinstance(errors, list) and errors:
        first = errors[0]
        return first if isinstance(first, dict) else {"message": as_text(first)}
    code = next((payload[key] for key in _CODE_KEYS if payload.get(key) is not None), None)
    return {"message": message or as_text(payload), "type": payload.get("type"), "code": code}


def as_text(value: Any) -> str:
    """A value as a message."""
    import json  # deferred: hardly any stream tells of an error

    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
