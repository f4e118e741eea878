"""A stream as what its events mean, and as what a client holds after them."""

from __future__ import annotations

from typing import Any

from streamlab.apis import api_of_json
from streamlab.wire.accumulate import Accumulator
from streamlab.wire.events import Chunk, Comment, Done, ErrorPayload, StreamEvent
from streamlab.wire.payload import decode_payload
from streamlab.wire.stream import StreamDecoder

#: ("chunk" | "error" | "json" | "[DONE]" | "undecodable", what it carries), in the order of the stream.
Parsed = list[tuple[str, Any]]


def parsed(stream: bytes) -> Parsed:
    """A stream as what its events mean: kind and JSON. Comments and framing do not count; an answer that is no stream
    but a JSON object is that object."""
    if stream.lstrip()[:1] == b"{" and (whole := decode_payload(stream)).ok:
        return [("error" if isinstance(whole.value, dict) and "error" in whole.value else "json", whole.value)]
    decoder = StreamDecoder()
    return [meaning_of(event) for event in (*decoder.feed(stream), *decoder.finish()) if not isinstance(event, Comment)]


def meaning_of(event: StreamEvent) -> tuple[str, Any]:
    """An event's kind and what it carries: JSON, the text of a payload that is none, or None."""
    if isinstance(event, Done):
        return "[DONE]", None
    if isinstance(event, Chunk | ErrorPayload):
        kind = "chunk" if isinstance(event, Chunk) else "error"
        return kind if _named(event) else f"{kind} under another name", event.json
    return "undecodable", event.sse.data if event.sse is not None else None


def _named(event: Chunk | ErrorPayload) -> bool:
    """Whether an event has the name by which clients know it, where they go by names."""
    kind = event.json.get("type")
    if event.sse is None or not isinstance(kind, str) or not api_of_json(event.json).read_by_name:
        return True
    return event.sse.event == kind.encode("utf-8", "replace")


def held(stream: Parsed) -> dict[str, Any]:
    """What a client holds after these events, without what differs between equals."""
    holding = Accumulator()
    for kind, value in stream:
        if kind == "chunk":
            holding.feed(value)
    whole = holding.completion()
    usage = whole.get("usage")
    counted = ("prompt_tokens", "completion_tokens", "total_tokens")
    return {
        "events_besides_chunks": sorted({kind for kind, _ in stream if kind != "chunk"}),
        "text": whole.get("content") or "",
        "refusal": whole.get("refusal") or None,
        "calls": [call.get("function", call.get("custom")) for call in whole["tool_calls"]],
        "finish_reason": whole.get("finish_reason"),
        "usage": {key: usage.get(key) for key in counted} if isinstance(usage, dict) else None,
    }
