"""The streams that `relay_load` sends: what they ask for, and how their events look around the time they were sent."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
END = b"0\r\n\r\n"
#: Where the sixteen hexadecimal digits of an event's send time stand, and its padding.
_STAMP, _NOISE = "0123456789abcdef", "@"
_NOISES = [b"aZ09bY18cX27dW36"[:size] for size in range(16)]


def _framed(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _event(delta: dict[str, Any] | None, finish: str | None = None, **extra: Any) -> bytes:
    """An event; without a delta it has no choice."""
    envelope = {"id": "chatcmpl-bench", "object": "chat.completion.chunk", "created": 1700000000, "model": "bench"}
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    payload = {**envelope, "choices": [choice] if delta is not None else [], **extra}
    return b"data: " + json.dumps(payload, separators=(",", ":")).encode() + b"\n\n"


@dataclass(frozen=True)
class Kind:
    """Streams of one kind: where and how they are asked for, and their events as bytes."""

    path: bytes
    body: bytes
    opening: tuple[bytes, ...]
    chunk: bytes
    closing: tuple[bytes, ...]

    @cached_property
    def request(self) -> bytes:
        """What asks for one."""
        head = b"POST %b HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n"
        return head % (self.path, len(self.body)) + self.body

    @cached_property
    def start(self) -> bytes:
        """All before the first chunk."""
        return HEAD + b"".join(map(_framed, self.opening))

    @cached_property
    def stop(self) -> bytes:
        """All behind the last."""
        return b"".join(map(_framed, self.closing)) + END

    @cached_property
    def marks(self) -> tuple[bytes, bytes, bytes]:
        """What stands in a chunk before its stamp, behind it up to the padding, and behind that."""
        before, _, behind = self.chunk.partition(_STAMP.encode())
        behind, _, rest = behind.partition(_NOISE.encode())
        return before, behind, rest

    def event(self, stamp: int) -> bytes:
        """A chunk that was sent at this time; its padding has a length that hangs on that."""
        before, behind, rest = self.marks
        return b"".join((before, b"%016x" % stamp, behind, _NOISES[stamp % 16] if rest else b"", rest))

    def framed(self, stamp: int) -> bytes:
        """The same in an HTTP chunk."""
        return _framed(self.event(stamp))


def _kind(opening: list[bytes], chunk: bytes, closing: list[bytes], **asked: Any) -> Kind:
    return Kind(b"/v1/chat/completions", _body(**asked), tuple(opening), chunk, (*closing, b"data: [DONE]\n\n"))


def _body(**asked: Any) -> bytes:
    return json.dumps({**asked, "stream": True}, separators=(",", ":")).encode()


def _text(**extra: Any) -> tuple[list[bytes], bytes, list[bytes]]:
    opening, chunk = _event({"role": "assistant", "content": ""}, **extra), _event({"content": _STAMP}, **extra)
    return [opening], chunk, [_event({}, "stop", **extra)]


_USAGE = {"prompt_tokens": 12, "completion_tokens": 250, "total_tokens": 262}
_TOOL = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}


def _usage() -> Kind:
    opening, chunk, closing = _text(usage=None)
    return _kind(opening, chunk, [*closing, _event(None, usage=_USAGE)], stream_options={"include_usage": True})


def _padding() -> Kind:
    opening, chunk, closing = _text(obfuscation=_NOISE)
    noises = [one.replace(_NOISE.encode(), b"xYz") for one in (*opening, *closing)]
    return _kind(noises[:1], chunk, noises[1:])


def _call() -> Kind:
    def arguments(text: str) -> bytes:
        return _event({"tool_calls": [{"index": 0, "function": {"arguments": text}}]})

    function = {"name": "get_weather", "arguments": ""}
    opened = {"index": 0, "id": "call_0123456789", "type": "function", "function": function}
    opening = _event({"role": "assistant", "content": None, "tool_calls": [opened]})
    return _kind(
        [opening, arguments('{"city":"')], arguments(_STAMP), [arguments('"}'), _event({}, "tool_calls")], tools=[_TOOL]
    )


def _reasoning() -> Kind:
    opening, text, closing = _text()
    said = [text.replace(_STAMP.encode(), word) for word in (b"So", b" it", b" is")]
    return _kind(opening, _event({"reasoning_content": _STAMP}), [*said, *closing])


def _message_event(kind: str, **members: Any) -> bytes:
    payload = json.dumps({"type": kind, **members}, separators=(",", ":"))
    return f"event: {kind}\ndata: {payload}\n\n".encode()


def _messages() -> Kind:
    message = {"id": "msg_0123456789abcdefghijkl", "type": "message", "role": "assistant", "model": "bench"}
    ends = {"content": [], "stop_reason": None, "stop_sequence": None}
    start = {**message, **ends, "usage": {"input_tokens": 12, "output_tokens": 1}}
    opening = (
        _message_event("message_start", message=start),
        _message_event("content_block_start", index=0, content_block={"type": "text", "text": ""}),
    )
    closing = (
        _message_event("content_block_stop", index=0),
        _message_event(
            "message_delta", delta={"stop_reason": "end_turn", "stop_sequence": None}, usage={"output_tokens": 250}
        ),
        _message_event("message_stop"),
    )
    chunk = _message_event("content_block_delta", index=0, delta={"type": "text_delta", "text": _STAMP})
    return Kind(b"/v1/messages", _body(max_tokens=1024), opening, chunk, closing)


KINDS = {
    "text": _kind(*_text()),
    "usage": _usage(),
    "padding": _padding(),
    "call": _call(),
    "reasoning": _reasoning(),
    "messages": _messages(),
}
