"""Anthropic's Messages API: ``message_start`` … ``message_stop``, or a whole message where the stream was ignored."""

from __future__ import annotations

import json
from typing import Any

from streamlab.apis.translator import Events, Translator
from streamlab.wire.events import Done, ErrorPayload
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import as_list, as_object

_REASONS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "compaction": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
_INPUT = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")


class AnthropicTranslator(Translator):
    """Content blocks become text, reasoning and tool calls."""

    def __init__(self, body: JsonObject) -> None:
        super().__init__(body)
        self._usage: JsonObject = {}
        self._blocks: dict[Any, int] = {}  # content block index -> tool call index
        self._inputs: dict[Any, JsonObject] = {}  # content block index -> input given at the start, no delta yet
        self._ended = False

    def chunk(self, value: JsonObject) -> Events:
        kind = value.get("type")
        if kind == "message_start":
            return self._start(as_object(value.get("message")))
        if kind == "content_block_start":
            return self._open(value.get("index"), as_object(value.get("content_block")))
        if kind == "content_block_delta":
            return self._delta(value.get("index"), as_object(value.get("delta")))
        if kind == "content_block_stop":
            return self._close(value.get("index"))
        if kind == "message_delta":
            return self._end(as_object(value.get("delta")).get("stop_reason"), value.get("usage"))
        if kind == "message_stop":
            return self._stop()
        return self._whole(value) if kind == "message" else ()

    def _start(self, message: JsonObject) -> Events:
        self.name_stream(message, message.get("id"), message.get("model"))
        self._add_usage(message.get("usage"))
        yield self.made({"content": ""})

    def _add_usage(self, usage: Any) -> None:
        self._usage.update({key: value for key, value in as_object(usage).items() if value is not None})

    def _open(self, at: Any, block: JsonObject) -> Events:
        kind = block.get("type")
        if kind == "text" and block.get("text"):
            yield self.made({"content": block["text"]})
        elif kind == "thinking" and block.get("thinking"):
            yield self.made({"reasoning_content": block["thinking"]})
        elif kind == "tool_use":
            number = self._blocks[_key(at)] = len(self._blocks)
            self._inputs[_key(at)] = as_object(block.get("input"))
            function = {"name": block.get("name"), "arguments": ""}
            call = {"index": number, "id": block.get("id"), "type": "function", "function": function}
            yield self.made({"tool_calls": [call]})
        elif kind not in ("text", "thinking"):
            self.lost[f"a content block of type {kind}"] = None

    def _delta(self, at: Any, delta: JsonObject) -> Events:
        kind = delta.get("type")
        if kind == "text_delta" and delta.get("text"):
            yield self.made({"content": delta["text"]})
        elif kind == "thinking_delta" and delta.get("thinking"):
            yield self.made({"reasoning_content": delta["thinking"]})
        elif kind == "input_json_delta":
            piece = delta.get("partial_json")
            if piece and _key(at) in self._blocks:
                self._inputs.pop(_key(at), None)
                yield self._arguments(_key(at), piece)
        elif kind in ("citations_delta",):
            self.lost["citations"] = None

    def _arguments(self, at: Any, piece: str) -> Any:
        return self.made({"tool_calls": [{"index": self._blocks[at], "function": {"arguments": piece}}]})

    def _close(self, at: Any) -> Events:
        """A tool call whose input came with its start, or that has none."""
        given = self._inputs.pop(_key(at), None)
        if given is not None:
            yield self._arguments(_key(at), json.dumps(given, ensure_ascii=False, separators=(",", ":")))

    def _end(self, reason: Any, usage: Any) -> Events:
        self._add_usage(usage)
        if not isinstance(reason, str) or not reason:
            return
        known = _REASONS.get(reason)
        if known is None:
            error = {"message": f"the upstream stopped with {reason}", "type": "upstream_error", "code": reason}
            yield ErrorPayload(None, {"error": error})
            return
        self._ended = True
        yield self.made({}, 0, known)

    def _stop(self) -> Events:
        if not self._ended:
            return
        usage = self._usage
        if usage:
            cached = usage.get("cache_read_input_tokens")
            thoughts = as_object(usage.get("output_tokens_details")).get("thinking_tokens")
            yield self.usage(
                sum(usage[key] for key in _INPUT if type(usage.get(key)) is int),
                usage.get("output_tokens"),
                prompt_tokens_details={"cached_tokens": cached} if cached else None,
                completion_tokens_details={"reasoning_tokens": thoughts} if thoughts else None,
            )
        yield Done(None)

    def _whole(self, message: JsonObject) -> Events:
        """A message that was not streamed."""
        yield from self._start(message)
        for at, block in enumerate(as_list(message.get("content"))):
            yield from self._open(at, as_object(block))
            yield from self._close(at)
        yield from self._end(message.get("stop_reason"), None)
        yield from self._stop()

    def error(self, value: JsonObject) -> Events:
        error = as_object(value["error"])
        shape = {"message": error.get("message"), "type": error.get("type"), "param": None, "code": None}
        yield ErrorPayload(None, {"error": shape if error else value["error"]})


def _key(at: Any) -> Any:
    return at if isinstance(at, int | str) else None
