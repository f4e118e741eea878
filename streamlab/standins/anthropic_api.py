"""Anthropic's Messages API as api.anthropic.com streams it: what Claude Code and the Anthropic SDKs expect.

Events by name, blocks one after the other, the first ``partial_json`` empty, a ping after the first block's start, some
spaces of padding before the last brace, one ``message_delta`` with the usage, ``message_stop``, and the body ends. With
``thinking`` in the request the answer is thought about first.
"""

from __future__ import annotations

import json
from typing import Any, ClassVar

from streamlab.standins.answers import objects, speak, tidied, tokens
from streamlab.standins.base import Minter, Scenario, StandinServer, compact
from streamlab.standins.plain_http import HttpRequest, HttpResponse, JsonObject

_THOUGHT = ("I know", " this one", "; a short answer will do.")
#: The tool that scenarios offer.
READ_TOOL: JsonObject = {
    "name": "read_file",
    "description": "Reads a file",
    "input_schema": {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]},
}


def messages(model: str, prompt: str, **more: Any) -> JsonObject:
    """The body of a streamed request with one user message."""
    body = {"model": model, "max_tokens": 1024, "stream": True, "messages": [{"role": "user", "content": prompt}]}
    return body | more


def as_chat(body: JsonObject) -> JsonObject:
    """A Messages request in the words of a chat request, as far as the speaker needs it."""
    turns = []
    for message in objects(body.get("messages")):
        results = [part for part in objects(message.get("content")) if part.get("type") == "tool_result"]
        content = results[0].get("content") if results else message.get("content")
        turns.append({"role": "tool" if results else message.get("role"), "content": content})
    tools = [{"name": tool.get("name"), "parameters": tool.get("input_schema")} for tool in objects(body.get("tools"))]
    return tidied({"model": body.get("model"), "messages": turns, "tools": tools})


class MessagesAnswer:
    """One answer: its blocks, whole, and the events of its stream."""

    def __init__(self, body: JsonObject, mint: Minter) -> None:
        self.model = str(body.get("model") or "claude-sonnet-5")
        self.id = f"msg_01{mint.letters(22)}"
        chat = as_chat(body)
        reply = speak(chat)
        self.blocks: list[JsonObject] = []
        thinking = body.get("thinking")
        if isinstance(thinking, dict) and thinking.get("type") in ("enabled", "adaptive"):
            signature = f"EqQB{mint.letters(60)}"
            self.blocks.append({"type": "thinking", "thinking": "".join(_THOUGHT), "signature": signature})
        self.stop_reason = "tool_use" if reply.tools else "end_turn"
        self.stop_sequence: str | None = None
        text = reply.text if reply.tools else self._cut(reply.text, body)
        if text:
            self.blocks.append({"type": "text", "text": text})
        for call in reply.tools:
            tool_id = f"toolu_01{mint.letters(22)}"
            block = {"type": "tool_use", "id": tool_id, "name": call.name, "input": json.loads(call.arguments)}
            self.blocks.append(block)
        self.tokens = 4 + sum(len(tokens(_said(block))) for block in self.blocks)
        self.input = 8 + len(tokens(compact(chat["messages"])))

    def _cut(self, text: str, body: JsonObject) -> str:
        """The text as far as stop_sequences and max_tokens let it go."""
        listed = body.get("stop_sequences")
        words = [word for word in listed if isinstance(word, str) and word] if isinstance(listed, list) else []
        found = min((word for word in words if word in text), key=text.index, default=None)
        if found is not None:
            text, self.stop_reason, self.stop_sequence = text.partition(found)[0], "stop_sequence", found
        limit, pieces = body.get("max_tokens"), tokens(text)
        if isinstance(limit, int) and len(pieces) > limit:
            text, self.stop_reason, self.stop_sequence = "".join(pieces[:limit]), "max_tokens", None
        return text

    @property
    def usage(self) -> JsonObject:
        """Input tokens, as both ends of the stream say them."""
        return {"input_tokens": self.input, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}

    def message(self, **members: Any) -> JsonObject:
        """The message object; empty unless ``members`` say otherwise."""
        empty: JsonObject = {"content": [], "stop_reason": None, "stop_sequence": None}
        usage = {**self.usage, "output_tokens": 1, "service_tier": "standard"}
        base = {"model": self.model, "id": self.id, "type": "message", "role": "assistant"}
        return {**base, **empty, "usage": usage, **members}

    def whole(self) -> JsonObject:
        """The answer as one object."""
        usage = {**self.usage, "output_tokens": self.tokens, "service_tier": "standard"}
        ended = {"stop_reason": self.stop_reason, "stop_sequence": self.stop_sequence}
        return self.message(content=self.blocks, **ended, usage=usage)

    def events(self) -> list[JsonObject]:
        """The events of the stream, in order."""
        made: list[JsonObject] = [{"type": "message_start", "message": self.message()}]
        for index, block in enumerate(self.blocks):
            made += block_events(index, block)
        if self.blocks:
            made.insert(2, {"type": "ping"})
        delta = {"stop_reason": self.stop_reason, "stop_sequence": self.stop_sequence}
        usage = {**self.usage, "output_tokens": self.tokens}
        return [*made, {"type": "message_delta", "delta": delta, "usage": usage}, {"type": "message_stop"}]


def block_events(index: int, block: JsonObject) -> list[JsonObject]:
    """The events of one block."""
    empty: JsonObject = {"text": "", "thinking": "", "signature": "", "input": {}}
    start = {key: empty.get(key, value) for key, value in block.items()}
    deltas: list[JsonObject] = []
    if block["type"] == "text":
        deltas = [{"type": "text_delta", "text": piece} for piece in tokens(block["text"])]
    elif block["type"] == "thinking":
        deltas = [{"type": "thinking_delta", "thinking": piece} for piece in _THOUGHT]
        deltas.append({"type": "signature_delta", "signature": block["signature"]})
    elif block["type"] == "tool_use":
        pieces = ["", *tokens(compact(block["input"]))]
        deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
    return [
        {"type": "content_block_start", "index": index, "content_block": start},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def _said(block: JsonObject) -> str:
    return str(block.get("text") or block.get("thinking") or compact(block.get("input")))


def frame(event: JsonObject, padding: int = 0) -> bytes:
    """One event as api.anthropic.com frames it."""
    if event["type"] == "ping":
        return b'event: ping\ndata: {"type": "ping"}\n\n'
    text = f"{compact(event)[:-1]}{' ' * padding}}}"
    return f"event: {event['type']}\ndata: {text}\n\n".encode()


class MessagesServer(StandinServer):
    """What every server of the Messages API here shares: its head, its errors, and who is asked for what."""

    base_path = "/v1"
    models: ClassVar[tuple[str, ...]] = ()  # how the names of its models begin; () where it takes any

    async def answer(self, request: HttpRequest, response: HttpResponse) -> None:
        if self.models and request.method == "GET" and request.path.endswith("/models"):
            listed = {"data": [{"type": "model", "id": "claude-sonnet-5", "display_name": "Claude Sonnet 5"}]}
            await response.whole(200, self.head(request, "application/json"), compact(listed).encode())
            return
        if not request.path.endswith("/messages"):
            await self.fail(response, request, 404, "not_found_error", "Not Found")
            return
        try:
            body = request.json()
        except ValueError:
            await self.fail(response, request, 400, "invalid_request_error", "The request body is not valid JSON")
            return
        if not isinstance(body, dict) or not objects(body.get("messages")):
            message = "messages: at least one message is required"
            await self.fail(response, request, 400, "invalid_request_error", message)
            return
        if self.models and not str(body.get("model")).startswith(self.models):
            await self.fail(response, request, 404, "not_found_error", f"model: {body.get('model')}")
            return
        answer = MessagesAnswer(body, self.minter(request))
        if body.get("stream") is not True:
            await self.setting.generate(answer.tokens)
            await response.whole(200, self.head(request, "application/json"), compact(answer.whole()).encode())
            return
        await self.stream(request, response, answer)

    async def stream(self, request: HttpRequest, response: HttpResponse, answer: MessagesAnswer) -> None:
        """Sends the stream."""
        await self.start(request, response)
        for at, event in enumerate(answer.events()):
            await self.setting.generate()
            await response.send(frame(event, (at * 7 + len(answer.id)) % 16))
        await response.end()

    async def start(self, request: HttpRequest, response: HttpResponse) -> None:
        """Sends the head of a stream."""
        head = self.head(request, "text/event-stream; charset=utf-8")
        await response.start(200, [*head, ("Cache-Control", "no-cache"), ("Transfer-Encoding", "chunked")])

    def head(self, request: HttpRequest, content_type: str) -> list[tuple[str, str]]:
        """The head of every answer."""
        request_id = f"req_011{self.minter(request).letters(21)}"
        return [("Date", self.setting.date), ("Content-Type", content_type), ("request-id", request_id)]

    async def fail(self, response: HttpResponse, request: HttpRequest, status: int, kind: str, message: str) -> None:
        """An HTTP error in Anthropic's shape."""
        error = {"type": "error", "error": {"type": kind, "message": message}, "request_id": None}
        await response.whole(status, self.head(request, "application/json"), compact(error).encode())


class AnthropicApi(MessagesServer):
    """api.anthropic.com, without the keys."""

    name = "anthropic"
    description = "the Messages API as Anthropic streams it"
    versions = ("2026-08",)
    models = ("claude",)
    scenarios = (
        Scenario(
            "text",
            "A plain answer; nothing to find.",
            "nobody",
            messages("claude-sonnet-5", "Why is the sea salty?"),
            path="/messages",
        ),
        Scenario(
            "thinking",
            "An answer that is thought about first.",
            "nobody",
            messages("claude-sonnet-5", "Why is the sea salty?", thinking={"type": "adaptive"}),
            path="/messages",
        ),
        Scenario(
            "tool",
            "A tool call.",
            "nobody",
            messages("claude-sonnet-5", "Call the tool for Oslo.", tools=[READ_TOOL]),
            path="/messages",
        ),
    )
