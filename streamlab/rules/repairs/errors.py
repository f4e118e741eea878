"""Errors inside a stream, in OpenAI's shape: ``{"error": {"message", "type", "param", "code"}}``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from streamlab.rules.api import Scope
from streamlab.rules.repair import ABSENT, Change, Draft, Drafts, Origin, Repair, Stage, error_event
from streamlab.wire import error_objects, reading
from streamlab.wire.choice_parts import kinds_of
from streamlab.wire.events import Chunk, ErrorPayload
from streamlab.wire.payload import JsonObject, decode_payload
from streamlab.wire.reading import Fact
from streamlab.wire.told_deltas import meant_delta
from streamlab.wire.told_errors import MESSAGE_KEYS, as_text, told_error


class ErrorShape(Repair):
    """Whatever says that something went wrong becomes an error object with OpenAI's four members."""

    rules = (
        "error-string",
        "error-flat-object",
        "error-code-shape",
        "error-null-or-empty-key",
        "error-beside-choices",
    )
    stage = Stage.ERROR
    minds = 0
    on = Fact.ERROR | Fact.NO_CHOICES
    apis = Scope.CHUNKS

    def shape(self, chunk: JsonObject) -> bool:
        return "error" in chunk or any(
            "error" in choice or "error" in reading.delta(choice) for choice in reading.choices(chunk)
        )

    def event(self, draft: Draft) -> Drafts:
        event = draft.event
        if isinstance(event, ErrorPayload):
            answers = tuple(_answers_beside(draft))
            error_shape(draft)
            return (*answers, draft)
        elif isinstance(event, Chunk):
            if "error" in event.json and not event.json["error"]:
                draft.drop("error-null-or-empty-key", event.json, "error", "")
            if not draft.came_named and error_objects.may_be_remark(event.json):
                return (draft,)  # what comes next will tell
            found = told_error(event.json, draft.came_named) or _error_in_choice(event.json)
            if found is not None:
                draft.event = ErrorPayload(None, {"error": found})
                draft.changes.append(Change("error-flat-object", "", event.json, {"error": dict(found)}))
                error_shape(draft)
        return (draft,)


def _answers_beside(draft: Draft) -> Iterator[Draft]:
    """Take the choices out of an error event; what they add to the answer goes into chunks of its own."""
    if type(draft.json.get("choices")) is not list:
        return
    for position, choice in enumerate(reading.choices(draft.json)):
        if choice.get("text") or kinds_of(meant_delta(choice)):
            yield draft.like("error-beside-choices", {**choice, "finish_reason": None}, f"choices[{position}]")
    draft.drop("error-beside-choices", draft.json, "choices", "")


def _error_in_choice(chunk: JsonObject) -> JsonObject | None:
    """An error that a choice carries instead of an answer."""
    for choice in reading.choices(chunk):
        error = choice.get("error") or reading.delta(choice).get("error")
        if error and not kinds_of(meant_delta(choice)):
            return error if isinstance(error, dict) else {"message": as_text(error)}
    return None


def error_in(text: str) -> ErrorPayload:
    """The error event for a line that tells of a failure: where it is JSON, what that says; else the text is its
    message."""
    read = decode_payload(text.strip().encode("utf-8", "surrogatepass"))
    value = reading.as_object(read.value) if read.ok else {}
    told = value.get("error") or (told_error(value) if value else None)
    if not told:
        return error_event(text, "upstream_error")
    draft = Draft(ErrorPayload(None, {"error": told}), ())
    error_shape(draft)
    return ErrorPayload(None, draft.json)


def worded(rule: str, was: Any, event: ErrorPayload) -> list[Change]:
    """How a text became the message of an error: type and code are ours where it was no JSON that has them."""
    error = event.json["error"]
    made = ("type", "code") if error.get("type") == "upstream_error" else ()
    said = {key: value for key, value in error.items() if key not in made}
    more = [Change(rule, f"error.{key}", ABSENT, error[key], Origin.INVENTED) for key in made]
    return [Change(rule, "", was, {**event.json, "error": said}), *more]


def error_shape(draft: Draft, kind: str | None = None, *, kind_told: bool = False) -> None:
    """Give the ``error`` member the four members that OpenAI's clients read; ``kind`` is its type where it has none,
    which is made up but where ``kind_told``."""
    payload = draft.json
    error = payload["error"]
    if isinstance(error, dict) and isinstance(error.get("error"), dict) and not error.get("message"):
        draft.put("error-code-shape", payload, "error", error["error"], "")
        error = payload["error"]
    if not isinstance(error, dict):
        told = kind_told or isinstance(payload.get("error_type"), str)
        if "error_type" in payload:
            draft.note("error-string", "error_type", payload["error_type"], ABSENT)
        draft.put("error-string", payload, "error", _as_error(payload, kind), "")
        if not told:
            draft.note("error-string", "error.type", ABSENT, payload["error"]["type"], Origin.INVENTED)
        return
    if not isinstance(error.get("message"), str):
        found = next((error[key] for key in MESSAGE_KEYS if error.get(key)), None)
        message = found if isinstance(found, str) else as_text(error.get("message") or found or dict(error))
        draft.put("error-code-shape", error, "message", message, "error.")
    if not isinstance(error.get("type"), str):
        origin = Origin.DERIVED if kind_told else Origin.INVENTED
        draft.put("error-code-shape", error, "type", kind or _kind(error), "error.", origin)
    if "param" not in error:
        draft.put("error-code-shape", error, "param", None, "error.")
    code = error.get("code")
    if "code" not in error or not (code is None or isinstance(code, str)):
        draft.put("error-code-shape", error, "code", None if code is None else as_text(code), "error.")


def _as_error(payload: JsonObject, usual: str | None) -> JsonObject:
    """An ``error`` that is no object as one: a text is its message, else what stands beside it says what it was."""
    error, kind = payload["error"], payload.pop("error_type", None)
    beside = None if isinstance(error, str) else next((payload[key] for key in MESSAGE_KEYS if payload.get(key)), None)
    kind = kind if isinstance(kind, str) else usual or "server_error"
    return {"message": as_text(error if beside is None else beside), "type": kind, "param": None, "code": None}


def _kind(error: JsonObject) -> str:
    code = error.get("code", error.get("http_status_code"))
    if isinstance(code, int) and 400 <= code < 500:
        return "invalid_request_error"
    return "server_error"
