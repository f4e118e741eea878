"""Ollama's own API: one JSON object a line, from ``/api/chat`` or ``/api/generate``."""

from __future__ import annotations

import json

from streamlab.apis.translator import Events, Translator, call_id
from streamlab.wire.events import Done, ErrorPayload
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import as_list, as_object

_REASONS = {"stop": "stop", "length": "length"}


class OllamaTranslator(Translator):
    """Messages become text, reasoning and tool calls; the last object brings the counts."""

    def __init__(self, body: JsonObject) -> None:
        super().__init__(body)
        self._calls = 0

    def chunk(self, value: JsonObject) -> Events:
        self.name_stream(value, None, value.get("model"), value.get("created_at"))
        message = as_object(value.get("message")) or {
            "content": value.get("response"),
            "thinking": value.get("thinking"),
        }
        for key, name in (("thinking", "reasoning_content"), ("content", "content")):
            text = message.get(key)
            if isinstance(text, str) and text:
                yield self.made({name: text})
        for call in as_list(message.get("tool_calls")):
            yield self.made({"tool_calls": [self._call(as_object(call))]})
        if message.get("images"):
            self.lost["images"] = None
        if value.get("done") is True:
            yield from self._end(value)

    def _call(self, call: JsonObject) -> JsonObject:
        function = as_object(call.get("function"))
        given, arguments = call.get("id"), function.get("arguments")
        if not isinstance(arguments, str):
            arguments = json.dumps({} if arguments is None else arguments, ensure_ascii=False, separators=(",", ":"))
        number, self._calls = self._calls, self._calls + 1
        return {
            "index": number,
            "id": given if isinstance(given, str) and given else call_id(self.id, number, function.get("name")),
            "type": "function",
            "function": {"name": function.get("name"), "arguments": arguments},
        }

    def _end(self, value: JsonObject) -> Events:
        reason = _REASONS.get(str(value.get("done_reason") or "stop"))
        if reason is None:
            word = value.get("done_reason")
            error = {"message": f"the upstream stopped with {word}", "type": "upstream_error", "code": str(word)}
            yield ErrorPayload(None, {"error": error})
            return
        yield self.made({}, 0, "tool_calls" if self._calls and reason == "stop" else reason)
        if "eval_count" in value or "prompt_eval_count" in value:
            yield self.usage(value.get("prompt_eval_count"), value.get("eval_count"))
        yield Done(None)
