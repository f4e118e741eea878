"""Perfect streams, as OpenAI sends them, for tests to bend: build one, change one thing, see what is said.

`chat_text`, `chat_tool`, `chat_tools` and `chat_usage` give the payloads (JSON objects) of a conforming stream in
order, without ``[DONE]``; `sse` frames payloads; `exchange` wraps bytes into an exchange with request and timing.
"""

from __future__ import annotations

import json
from typing import Any

from streamlab.exchange import Ending, Exchange, Request, ResponseHead, Segment

Payload = dict[str, Any]
ID, CREATED, MODEL, FINGERPRINT = (
    "chatcmpl-B9MHDbslfkBeAs8l4bebGdFOJ6PeG",
    1741570283,
    "gpt-4o-2024-08-06",
    "fp_fc9f1d7035",
)
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Current weather of a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
HEADERS = (("content-type", "text/event-stream; charset=utf-8"), ("transfer-encoding", "chunked"))


def chunk(delta: Payload | None = None, finish: str | None = None, index: int = 0, **extra: Any) -> Payload:
    """One chat chunk; ``extra`` adds or replaces top-level members."""
    return {
        "id": ID,
        "object": "chat.completion.chunk",
        "created": CREATED,
        "model": MODEL,
        "service_tier": "default",
        "system_fingerprint": FINGERPRINT,
        "choices": [{"index": index, "delta": delta or {}, "logprobs": None, "finish_reason": finish}],
        **extra,
    }


def chat_text(*pieces: str, finish: str = "stop") -> list[Payload]:
    """A text answer: role chunk, one chunk a piece, finish chunk."""
    pieces = pieces or ("Spring", " is", " here", ".")
    return [
        chunk({"role": "assistant", "content": "", "refusal": None}),
        *(chunk({"content": piece}) for piece in pieces),
        chunk({}, finish),
    ]


def call(index: int, call_id: str | None = None, name: str | None = None, arguments: str = "") -> Payload:
    """One tool call fragment: the opening one when an id is given, else a later one."""
    if call_id is None:
        return {"index": index, "function": {"arguments": arguments}}
    return {"index": index, "id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def chat_tool(*pieces: str, name: str = "get_weather") -> list[Payload]:
    """One tool call: it opens in the first chunk."""
    pieces = pieces or ('{"', "city", '":"', "Oslo", '"}')
    opening = {"role": "assistant", "content": None, "tool_calls": [call(0, "call_a1B2c3D4", name)], "refusal": None}
    return [
        chunk(opening),
        *(chunk({"tool_calls": [call(0, arguments=piece)]}) for piece in pieces),
        chunk({}, "tool_calls"),
    ]


def chat_tools() -> list[Payload]:
    """Two parallel tool calls."""
    return [
        chunk({"role": "assistant", "content": None}),
        chunk({"tool_calls": [call(0, "call_a1B2c3D4", "get_weather")]}),
        chunk({"tool_calls": [call(0, arguments='{"city":')]}),
        chunk({"tool_calls": [call(0, arguments='"Oslo"}')]}),
        chunk({"tool_calls": [call(1, "call_e5F6g7H8", "get_weather")]}),
        chunk({"tool_calls": [call(1, arguments='{"city":')]}),
        chunk({"tool_calls": [call(1, arguments='"Rome"}')]}),
        chunk({}, "tool_calls"),
    ]


USAGE = {
    "prompt_tokens": 12,
    "completion_tokens": 4,
    "total_tokens": 16,
    "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
    "completion_tokens_details": {
        "reasoning_tokens": 0,
        "audio_tokens": 0,
        "accepted_prediction_tokens": 0,
        "rejected_prediction_tokens": 0,
    },
}


def chat_usage(*pieces: str) -> list[Payload]:
    """A text answer with ``stream_options.include_usage``: null everywhere, then a chunk of its own."""
    return [{**payload, "usage": None} for payload in chat_text(*pieces)] + [chunk(choices=[], usage=dict(USAGE))]


def completions_text(*pieces: str) -> list[Payload]:
    """An answer of legacy completions: its chunks have text instead of a delta."""

    def text(piece: str, finish: str | None = None) -> Payload:
        choice = {"text": piece, "index": 0, "logprobs": None, "finish_reason": finish}
        return {
            "id": "cmpl-8Xk2pQ",
            "object": "text_completion",
            "created": CREATED,
            "choices": [choice],
            "model": "gpt-3.5-turbo-instruct",
        }

    return [*(text(piece) for piece in pieces or ("Spring", " is", " here", ".")), text("", "stop")]


def dump(payload: Any) -> bytes:
    """Compact JSON."""
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def frame(payload: Any) -> bytes:
    """One event; bytes are taken as the payload's text."""
    return b"data: " + (payload if isinstance(payload, bytes) else dump(payload)) + b"\n\n"


def sse(payloads: list[Any], done: bool = True) -> bytes:
    """A whole body."""
    return b"".join(map(frame, payloads)) + (b"data: [DONE]\n\n" if done else b"")


def request_for(
    *, tools: bool = False, usage: bool = False, path: str = "/v1/chat/completions", **extra: Any
) -> Request:
    """The request a client would have sent."""
    body: Payload = {"model": MODEL, "stream": True, "messages": [{"role": "user", "content": "How is the weather?"}]}
    if tools:
        body["tools"] = [TOOL]
    if usage:
        body["stream_options"] = {"include_usage": True}
    body.update(extra)
    return Request("POST", f"http://127.0.0.1:8000{path}", (("content-type", "application/json"),), dump(body))


def exchange(
    body: bytes | list[bytes],
    *,
    request: Request | None = None,
    status: int = 200,
    headers: tuple[tuple[str, str], ...] = HEADERS,
    ending: Ending = Ending.COMPLETE,
    timed: bool = True,
    **extra: Any,
) -> Exchange:
    """An exchange of these bytes. ``body`` as a list gives the segments; else each event is one, 30 ms apart."""
    pieces = body if isinstance(body, list) else [part + b"\n\n" for part in body.split(b"\n\n")[:-1]]
    if not isinstance(body, list) and b"".join(pieces) != body:
        pieces = [body]
    segments = tuple(Segment(200_000 + 30_000 * at if timed else None, piece) for at, piece in enumerate(pieces))
    last = segments[-1].offset_us if segments and timed else 200_000
    return Exchange(
        request=request or request_for(tools=b"tool_calls" in b"".join(pieces)),
        head=ResponseHead(status, headers, 190_000 if timed else None),
        segments=segments,
        ending=ending,
        end_us=(last or 0) + 1_000 if timed else None,
        **extra,
    )


RESPONSE_ID = "resp_68a1f0c2d4b48191a7c3e5f6a7b8c9d0"


def response(status: str, output: list[Payload] | None = None, **extra: Any) -> Payload:
    """The response object inside the events that carry one; usage is there when it is completed."""
    usage = {
        "input_tokens": 12,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": 4,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 16,
    }
    return {
        "id": RESPONSE_ID,
        "object": "response",
        "created_at": CREATED + 20_000_000,
        "status": status,
        "background": False,
        "error": None,
        "incomplete_details": None,
        "model": MODEL,
        "output": output or [],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": usage if status == "completed" else None,
        "metadata": {},
        **extra,
    }


def numbered(events: list[Payload]) -> list[Payload]:
    """The events with a sequence_number each, counted from 0."""
    return [{"type": event["type"], "sequence_number": at, **event} for at, event in enumerate(events)]


def _around(item: Payload, done: Payload, inside: list[Payload]) -> list[Payload]:
    return numbered(
        [
            {"type": "response.created", "response": response("in_progress")},
            {"type": "response.in_progress", "response": response("in_progress")},
            {"type": "response.output_item.added", "output_index": 0, "item": item},
            *({"type": event["type"], "item_id": item["id"], "output_index": 0, **event} for event in inside),
            {"type": "response.output_item.done", "output_index": 0, "item": done},
            {"type": "response.completed", "response": response("completed", [done])},
        ]
    )


def responses_text(*pieces: str) -> list[Payload]:
    """A text answer of the Responses API: its events in order."""
    pieces = pieces or ("Spring", " is", " here", ".")
    text = "".join(pieces)
    item = {
        "id": "msg_68a1f0c2e5c48191",
        "type": "message",
        "status": "in_progress",
        "content": [],
        "role": "assistant",
    }
    empty = {"type": "output_text", "annotations": [], "logprobs": [], "text": ""}
    part = {**empty, "text": text}
    inside: list[Payload] = [
        {"type": "response.content_part.added", "content_index": 0, "part": empty},
        *(
            {"type": "response.output_text.delta", "content_index": 0, "delta": piece, "logprobs": []}
            for piece in pieces
        ),
        {"type": "response.output_text.done", "content_index": 0, "text": text, "logprobs": []},
        {"type": "response.content_part.done", "content_index": 0, "part": part},
    ]
    return _around(item, {**item, "status": "completed", "content": [part]}, inside)


def responses_tool(*pieces: str) -> list[Payload]:
    """One function call of the Responses API."""
    pieces = pieces or ('{"', "city", '":"', "Oslo", '"}')
    item = {
        "id": "fc_68a1f0c2e5c48191",
        "type": "function_call",
        "status": "in_progress",
        "arguments": "",
        "call_id": "call_a1B2c3D4",
        "name": "get_weather",
    }
    arguments = "".join(pieces)
    inside: list[Payload] = [
        *({"type": "response.function_call_arguments.delta", "delta": piece} for piece in pieces),
        {"type": "response.function_call_arguments.done", "arguments": arguments},
    ]
    return _around(item, {**item, "status": "completed", "arguments": arguments}, inside)


def named(payload: Payload, name: str | None = None) -> bytes:
    """One event of the Responses API, with its ``event:`` line."""
    return b"event: " + (name or payload["type"]).encode() + b"\n" + frame(payload)


def responses_sse(payloads: list[Payload]) -> bytes:
    """A whole body of the Responses API: events with names, no ``[DONE]``."""
    return b"".join(map(named, payloads))


def responses_exchange(body: bytes, **extra: Any) -> Exchange:
    """An exchange of the Responses API."""
    asked: Payload = {"model": MODEL, "stream": True, "input": "How is the weather?"}
    request = Request(
        "POST", "http://127.0.0.1:8000/v1/responses", (("content-type", "application/json"),), dump(asked)
    )
    return exchange(body, **{"request": request, **extra})
