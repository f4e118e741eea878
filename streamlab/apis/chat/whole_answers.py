"""A chat completion that is one JSON object instead of a stream becomes the chunks it would have been."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from streamlab.rules.repair import ENVELOPE_KEYS, Change, Chunk, Done, Draft, RepairState
from streamlab.wire import reading
from streamlab.wire.payload import JsonObject

_RULE = "nonstream-json-for-stream"


def is_whole_answer(value: JsonObject) -> bool:
    """Whether this is a whole chat completion."""
    if value.get("object") == "chat.completion.chunk":
        return False
    return any(isinstance(choice.get("message"), dict) for choice in reading.choices(value))


def streamed(value: JsonObject, state: RepairState) -> Iterator[Draft]:
    """The chunks a chat completion would have been: role, text, tool calls, finish, usage, ``[DONE]``."""
    sources = (state.at,)
    for choice in reading.choices(value):
        for delta, finish in _deltas(choice):
            part = {"index": choice.get("index", 0), "delta": delta, "logprobs": None, "finish_reason": finish}
            yield _draft(value, sources, choices=[part])
    usage = reading.usage(value)
    if usage and state.include_usage is not False:
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
