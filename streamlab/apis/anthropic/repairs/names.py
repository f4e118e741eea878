"""The frame of an event: its type in the JSON, its name in the line, no ``[DONE]``; errors as Anthropic sends them."""

from __future__ import annotations

from typing import Any, Final

from streamlab.apis.anthropic.expectations import ERROR, ERROR_TYPES, EVENT_TYPES
from streamlab.apis.anthropic.reader import is_content
from streamlab.rules.repair import (
    ABSENT,
    Change,
    Chunk,
    Done,
    Draft,
    Drafts,
    ErrorPayload,
    Origin,
    Repair,
    Stage,
    Undecodable,
)
from streamlab.rules.repairs.event_lines import note_line
from streamlab.rules.repairs.framing import frame
from streamlab.wire.error_objects import flat_error
from streamlab.wire.payload import FaultKind, JsonObject, encode_json
from streamlab.wire.reading import Fact, as_object

_NAMES: Final = {kind.encode(): kind for kind in EVENT_TYPES}
_TEXTS: Final = ("message", "msg", "detail", "error_msg", "errmsg", "error_message", "reason")
_SHAPE = "messages-error-shape-wrong"


class MessageNames(Repair):
    """Takes a missing type from the event line; drops ``[DONE]``."""

    rules = ("messages-data-type-missing", "messages-done-marker")
    stage = Stage.PAYLOAD
    on = Fact.DONE | Fact.LINES

    def event(self, draft: Draft) -> Drafts:
        event = draft.event
        if type(event) is Done:
            self.state.account.drop(draft, "messages-done-marker")
            return ()
        if type(event) is Chunk and event.sse is not None:
            kind = event.json.get("type")
            named = _NAMES.get(event.sse.event or b"")
            if named is not None and not (type(kind) is str and kind):
                value = {"type": named, **{key: held for key, held in event.json.items() if key != "type"}}
                draft.event = Chunk(None, value, event.faults)
                draft.changes.append(
                    Change("messages-data-type-missing", "type", event.json.get("type", ABSENT), named)
                )
        return (draft,)


class MessageErrors(Repair):
    """Gives an error its line, its type and an object with type and message, and keeps what it said."""

    rules = (_SHAPE,)
    stage = Stage.ERROR
    on = Fact.ERROR | Fact.UNDECODABLE

    def event(self, draft: Draft) -> Drafts:
        event = draft.event
        if type(event) is ErrorPayload and is_content(event.json):
            self.state.account.cannot(_SHAPE, "it stands in an event that says something else")
            draft.event = Chunk(event.sse, event.json, event.faults)
        elif type(event) is ErrorPayload:
            self._shape(draft, event.json)
        elif type(event) is Chunk and (event.json.get("type") == ERROR or _untyped_error(event.json)):
            self._told(draft, event.json, event.json.get("error") or _said(event.json))
        elif type(event) is Undecodable:
            self._undecodable(draft, event)
        return (draft,)

    def _shape(self, draft: Draft, value: JsonObject) -> None:
        told = value["error"]
        fine = type(told) is dict and type(told.get("type")) is str and type(told.get("message")) is str
        if value.get("type") != ERROR or not fine:
            self._told(draft, value, told)

    @staticmethod
    def _told(draft: Draft, value: JsonObject, told: Any) -> None:
        inner = told if type(told) is dict else {}
        message = told if type(told) is str else next((inner[key] for key in _TEXTS if inner.get(key)), None)
        if message is None:
            message = encode_json(told).decode("utf-8", "replace")
        kind = inner.get("type") if type(inner.get("type")) is str else _type_of(inner)
        shaped = {**inner, "type": kind, "message": message if type(message) is str else encode_json(message).decode()}
        beside = value.keys() - {"type", "error"} if value.get("error") else {"request_id"}
        kept = {key: held for key, held in value.items() if key in beside}
        draft.event = ErrorPayload(None, {"type": ERROR, "error": shaped, **kept})
        draft.changes.append(Change(_SHAPE, "", value or ABSENT, dict(draft.event.json)))

    def _undecodable(self, draft: Draft, event: Undecodable) -> None:
        truncated = any(fault.kind is FaultKind.TRUNCATED for fault in event.faults)
        if truncated and any(change.rule == "sse-unterminated-final-event" for change in draft.changes):
            self.state.account.cannot("json-truncated", "the stream breaks off inside an event")
            was = event.sse.data[:200] if event.sse.data is not None else ABSENT
            error = {"type": "api_error", "message": "the upstream broke off inside an event"}
            draft.event = ErrorPayload(None, {"type": ERROR, "error": error})
            draft.changes.append(Change("sse-unterminated-final-event", "", was))
            draft.changes.append(Change("sse-unterminated-final-event", "error", ABSENT, error, Origin.INVENTED))
        elif event.sse.event == b"error":
            self._told(draft, {}, (event.sse.text or "").strip() or "the upstream failed without saying why")


class MessageFrames(Repair):
    """Names every event by its type, in a line before the data."""

    rules = ("messages-event-line-missing", "messages-event-name-mismatch")
    stage = Stage.END
    on = Fact.LINES

    def event(self, draft: Draft) -> Drafts:
        event = draft.event
        if type(event) is not Chunk and type(event) is not ErrorPayload:
            return (draft,)
        kind = event.json.get("type")
        if type(kind) is not str or not kind:
            return (draft,)
        name = kind.encode("utf-8", "replace").replace(b"\n", b" ").replace(b"\r", b" ")
        sse = event.sse
        known = kind in EVENT_TYPES
        if sse is not None and (sse.event == name or not known):
            return (draft,)
        rule = "messages-event-name-mismatch" if draft.line else "messages-event-line-missing"
        note_line(draft, name, rule if kind != ERROR else _SHAPE)
        payload = sse.data if sse is not None and sse.data is not None else encode_json(event.json)
        draft.event = type(event)(frame(payload, name), event.json)
        return (draft,)


def _untyped_error(value: JsonObject) -> bool:
    return type(value.get("type")) is not str and flat_error(value) is not None


def _said(value: JsonObject) -> Any:
    return {key: held for key, held in value.items() if key != "type"} or "the upstream failed without saying why"


def _type_of(error: JsonObject) -> str:
    code = next((error[key] for key in ("code", "status", "http_status_code") if type(error.get(key)) is int), None)
    return ERROR_TYPES.get(code or 0, "api_error")


__all__ = ["MessageErrors", "MessageFrames", "MessageNames", "as_object"]
