"""The events of an exchange as rows: when each was complete, how long after the one before, and what it says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from streamlab.exchange import Exchange
from streamlab.judging.held_reads import AT_ONCE
from streamlab.wire import reading
from streamlab.wire.calls import called
from streamlab.wire.events import Chunk, Comment, Done, ErrorPayload, StreamEvent
from streamlab.wire.payload import JsonObject
from streamlab.wire.stream import StreamDecoder
from streamlab.wire.visible import visible

_PREVIEW = 60
#: What a delta of a typed event adds.
_ADDED = ("text", "thinking", "partial_json")


class TimelineRow(NamedTuple):
    """One event. ``gap_us`` is the time since the event before; None where timing is unknown. ``preview`` is safe to
    show."""

    event: int
    offset_us: int | None
    gap_us: int | None
    start: int
    size: int
    kind: str
    preview: str


def timeline_rows(exchange: Exchange) -> Iterator[TimelineRow]:
    """The rows, in order, read as the exchange is read."""
    decoder = StreamDecoder(exchange.head.header("content-encoding") if exchange.head is not None else None)
    number, before = 0, None
    for offset_us, events in _arrivals(decoder, exchange):
        for event in events:
            gap = None if offset_us is None or before is None else offset_us - before
            if event.sse is not None:
                size = len(event.sse.raw)
                yield TimelineRow(number, offset_us, gap, event.sse.start, size, kind(event), preview(event))
            number, before = number + 1, offset_us


def _arrivals(decoder: StreamDecoder, exchange: Exchange) -> Iterator[tuple[int | None, list[StreamEvent]]]:
    for segment in exchange.segments:
        for at in range(0, len(segment.data), AT_ONCE):  # a file is one segment
            yield segment.offset_us, decoder.feed(segment.data[at : at + AT_ONCE])
    yield exchange.end_us, decoder.finish()


def kind(event: StreamEvent) -> str:
    """One word for what an event is."""
    if isinstance(event, Done):
        return "done"
    if isinstance(event, ErrorPayload):
        return "error"
    if isinstance(event, Comment):
        if event.sse.comments:
            return "comment"
        fields = (event.sse.event, event.sse.id, event.sse.retry)
        return (
            "no event" if fields == (None, None, None) else "no data"
        )  # text that is no line of a stream, or no data line
    if not isinstance(event, Chunk):
        return "not json"
    return _chunk_kind(event)


def _chunk_kind(event: Chunk) -> str:
    named = event.json.get("type")
    if isinstance(named, str):
        return visible(named, 40)
    words = []
    for choice in reading.choices(event.json):
        delta = reading.delta(choice)
        words += ["role"] if delta.get("role") and not reading.content(delta) else []
        words += ["text"] if reading.content(delta) or choice.get("text") else []
        words += ["reasoning"] if reading.reasoning(delta) else []
        words += ["tool"] if reading.tool_calls(delta) else []
        words += ["finish"] if reading.finish_reason(choice) is not None else []
    words += ["usage"] if reading.usage(event.json) else []
    return "+".join(dict.fromkeys(words)) or "chunk"


def preview(event: StreamEvent) -> str:
    """The telling part of an event, made visible and short."""
    sse = event.sse
    if isinstance(event, Chunk):
        return visible(_chunk_preview(event), _PREVIEW)
    if sse is None:
        return ""
    if sse.data is None:
        return visible(sse.raw.strip(b"\r\n").decode("utf-8", "replace"), _PREVIEW)
    return visible(sse.data[: 4 * _PREVIEW].decode("utf-8", "replace"), _PREVIEW)


def _chunk_preview(event: Chunk) -> str:
    parts = []
    for choice in reading.choices(event.json):
        delta = reading.delta(choice)
        text = reading.content(delta) or choice.get("text")
        if isinstance(text, str) and text:
            parts.append(f'"{text[:_PREVIEW]}"')
        if thought := reading.reasoning(delta):
            parts.append(f'thinks "{thought[:_PREVIEW]}"')
        for call in reading.tool_calls(delta):
            shown = [str(one) for one in (call.get("id"), *called(call)) if one]
            parts.append(f"call {call.get('index', '?')}: {' '.join(shown)[:_PREVIEW]}")
        reason = reading.finish_reason(choice)
        if reason is not None:
            parts.append(f"finish_reason {reason!r}"[:_PREVIEW])
        if not parts and delta:
            parts.append(", ".join(map(str, delta))[:_PREVIEW])
    inner = reading.as_object(event.json.get("delta"))
    parts += [f'"{inner[key][:_PREVIEW]}"' for key in _ADDED if isinstance(inner.get(key), str)]
    if isinstance(event.json.get("delta"), str):
        parts.append(f'"{event.json["delta"][:_PREVIEW]}"')
    parts += _typed(event.json)
    usage = reading.usage(event.json) or reading.usage(reading.as_object(event.json.get("response")))
    if usage is not None:
        parts.append(f"usage {usage.get('total_tokens', usage.get('output_tokens', '?'))} tokens"[:_PREVIEW])
    return " ".join(parts)


def _typed(value: JsonObject) -> list[str]:
    """What an event with a type tells beside text: the block or item that it opens or closes, why and how it ends."""
    thing = reading.as_object(value.get("content_block") or value.get("item"))
    parts = [next((thing[key] for key in ("name", "type") if isinstance(thing.get(key), str)), "")]
    reason = reading.as_object(value.get("delta")).get("stop_reason")
    parts += [repr(reason)] if reason is not None else []
    response = reading.as_object(value.get("response"))
    error = reading.as_object(response.get("error")).get("message")
    status = response.get("status")
    parts += [f"status {status!r}"] if status and not str(value.get("type")).endswith((str(status), "created")) else []
    parts += [error] if isinstance(error, str) else []
    return [part[:_PREVIEW] for part in parts if part]
