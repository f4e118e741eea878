"""Answers that are one JSON object instead of a stream: a completion becomes the chunks it would have been, an error
keeps OpenAI's shape."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from streamlab.exchange import ResponseHead
from streamlab.rules.repair import ENVELOPE_KEYS, Change, Chunk, Done, Draft, ErrorPayload, Story
from streamlab.rules.repairs.errors import error_shape, told_error
from streamlab.wire import reading
from streamlab.wire.payload import JsonObject, decode_payload, encode_json

_RULE = "nonstream-json-for-stream"


def is_whole_answer(value: JsonObject) -> bool:
    """Whether this is a whole chat completion."""
    if value.get("object") == "chat.completion.chunk":
        return False
    return any(isinstance(choice.get("message"), dict) for choice in reading.choices(value))


def streamed(value: JsonObject, story: Story) -> Iterator[Draft]:
    """The chunks a chat completion would have been: role, text, tool calls, finish, usage, ``[DONE]``."""
    sources = (story.at,)
    for choice in reading.choices(value):
        for delta, finish in _deltas(choice):
            part = {"index": choice.get("index", 0), "delta": delta, "logprobs": None, "finish_reason": finish}
            yield _draft(value, sources, choices=[part])
    usage = reading.usage(value)
    if usage and story.usage_wanted is not False:
        yield _draft(value, sources, choices=[], usage=usage)
    yield Draft(Done(None), sources, [Change(_RULE, "")])


def _draft(value: JsonObject, sources: tuple[int, ...], **members: Any) -> Draft:
    envelope = {key: value[key] for key in ENVELOPE_KEYS if key in value}
    envelope["object"] = "chat.completion.chunk"
    return Draft(Chunk(None, {**envelope, **members}), sources, [Change(_RULE, "choices")])


def _deltas(choice: JsonObject) -> Iterator[tuple[JsonObject, str | None]]:
    message = reading.as_object(choice.get("message"))
    calls = reading.tool_calls(message)
    yield {"role": "assistant", "content": None if calls and not message.get("content") else ""}, None
    for key in (*reading.REASONING_KEYS, "content", "refusal"):
        if message.get(key):
            yield {key: message[key]}, None
    for at, call in enumerate(calls):
        yield {"tool_calls": [{"index": at, **{key: call[key] for key in call if key != "index"}}]}, None
    if isinstance(message.get("function_call"), dict):
        yield {"function_call": message["function_call"]}, None
    reason = choice.get("finish_reason")
    yield {}, reason if isinstance(reason, str) else None


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
