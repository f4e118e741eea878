"""Hugging Face's text-generation-inference, by release: ``data:`` without a space, ``eos_token``, no ``[DONE]``."""

from __future__ import annotations

import json
from typing import Any

from streamlab.standins.answers import Reply, speak, tidied, tokens
from streamlab.standins.base import WEATHER_TOOL, Scenario, StandinServer, chat, compact
from streamlab.standins.plain_http import HttpRequest, HttpResponse, JsonObject

_MODEL = "acme/meadow-8b-instruct"
_BUILDS = {"2.0.4": "f426a33", "2.1.0": "192d49a", "2.2.0": "db7e043", "2.3.0": "169178b", "3.2.0": "411a282"}


class Tgi(StandinServer):
    """One release; the differences between them are the properties below."""

    name = "tgi"
    description = "text-generation-inference: data: without a space and eos_token (2.0.4), [DONE] since 2.2.0"
    versions = ("2.0.4", "2.1.0", "2.2.0", "2.3.0", "3.2.0")
    scenarios = (
        Scenario(
            "no-space",
            "data: without a space, object text_completion, id empty, eos_token, no [DONE].",
            "TGI 2.0.4",
            chat("tgi", "Why is the sea salty?"),
            (
                "sse-no-space-after-colon",
                "object-wrong",
                "chunk-id-missing-or-empty",
                "finish-reason-unknown-value",
                "done-missing",
            ),
            {"version": "2.0.4"},
        ),
        Scenario(
            "object-tool-call",
            "tool_calls is an object, the name is inside the arguments, which end in a stop token.",
            "TGI 2.0.4",
            chat("tgi", "What is the weather in Oslo?", tools=[WEATHER_TOOL]),
            ("sse-no-space-after-colon", "object-wrong", "finish-reason-unknown-value", "done-missing"),
            {"version": "2.0.4"},
        ),
        Scenario(
            "error-200",
            "A wrong parameter: 200 and one event with a plain error string.",
            "TGI 2.0.4",
            chat("tgi", "Why is the sea salty?", top_p=2),
            ("sse-no-space-after-colon", "error-string"),
            {"version": "2.0.4"},
        ),
        Scenario(
            "eos-token",
            "With the space and [DONE], but finish_reason eos_token.",
            "TGI 2.2.0",
            chat("tgi", "海水为什么咸？"),
            ("chunk-id-missing-or-empty", "finish-reason-unknown-value"),
            {"version": "2.2.0"},
        ),
        Scenario(
            "tools-without-finish",
            "Tool calls end without any finish chunk.",
            "TGI 3.2.0",
            chat("tgi", "What is the weather in Lima?", tools=[WEATHER_TOOL]),
            ("finish-reason-missing", "chunk-id-missing-or-empty"),
            {"version": "3.2.0"},
        ),
    )

    @property
    def _release(self) -> tuple[int, ...]:
        return tuple(int(part) for part in self.setting.version.split("."))

    async def answer(self, request: HttpRequest, response: HttpResponse) -> None:
        try:
            body = tidied(request.json())
        except ValueError:
            await self._json(response, 422, {"error": "Failed to parse the request body", "error_type": "json"})
            return
        reply = speak(body)
        error = self._validate(body)
        if not body.get("stream"):
            if error:
                await self._json(response, 422, error)
                return
            await self.setting.generate(len(tokens(reply.text)))
            await self._json(response, 200, self._completion(reply))
            return
        await response.start(200, [("content-type", "text/event-stream"), *self._headers(), _CHUNKED])
        if error:
            await response.send(self._event(error))
        else:
            await self._stream(response, reply, body)
        if not error and self._release >= (2, 2, 0):
            await response.send(b"data: [DONE]\n\n")
        await response.end()

    async def _stream(self, response: HttpResponse, reply: Reply, body: JsonObject) -> None:
        for delta in self._deltas(reply):
            await self.setting.generate()
            last_call = not reply.text and self._release < (3, 2, 0) and "</s>" in compact(delta)
            await response.send(self._event(self._chunk(delta, self._finish if last_call else None)))
        if reply.text:
            await self.setting.generate()
            await response.send(self._event(self._chunk({"role": "assistant", "content": ""}, self._finish)))
        if self._release >= (2, 3, 0) and body.get("stream_options", {}).get("include_usage"):
            usage = {"prompt_tokens": 12, "completion_tokens": 12, "total_tokens": 24}
            await response.send(self._event(self._envelope("chat.completion.chunk") | {"choices": [], "usage": usage}))

    def _deltas(self, reply: Reply) -> list[JsonObject]:
        if not reply.tools:
            return [{"role": "assistant", "content": piece} for piece in tokens(reply.text)]
        tool = reply.tools[0]
        if self._release >= (3, 2, 0):
            calls = [(tool.name, ""), *((None, piece) for piece in tokens(tool.arguments))]
            return [{"role": "assistant", "tool_calls": [_call(name, piece, "0")]} for name, piece in calls]
        wrapped = json.dumps({"function": {"_name": tool.name} | json.loads(tool.arguments)}, ensure_ascii=False)
        return [{"role": "assistant", "tool_calls": _call(None, p, "")} for p in [*tokens(wrapped), "</s>"]]

    @property
    def _finish(self) -> str:
        return "stop" if self._release >= (2, 3, 0) else "eos_token"

    def _chunk(self, delta: JsonObject, finish: str | None) -> JsonObject:
        kind = "text_completion" if self._release < (2, 1, 0) else "chat.completion.chunk"
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return self._envelope(kind) | {"choices": [choice]}

    def _envelope(self, kind: str) -> JsonObject:
        head = [("id", ""), ("object", kind)]
        if self._release >= (2, 2, 0):
            head.reverse()
        fingerprint = f"{self.setting.version}-sha-{_BUILDS[self.setting.version]}"
        return dict(head) | {"created": self.setting.epoch, "model": _MODEL, "system_fingerprint": fingerprint}

    def _completion(self, reply: Reply) -> JsonObject:
        message: JsonObject = {"role": "assistant", "content": reply.text}
        if reply.tools:
            calls = [_call(tool.name, tool.arguments, str(at)) for at, tool in enumerate(reply.tools)]
            message = {"role": "assistant", "tool_calls": calls}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": self._finish}
        usage = {"prompt_tokens": 12, "completion_tokens": 12, "total_tokens": 24}
        return self._envelope("chat.completion") | {"choices": [choice], "usage": usage}

    def _validate(self, body: JsonObject) -> JsonObject | None:
        for name, top in (("top_p", 1), ("temperature", 100)):
            value = body.get(name)
            if isinstance(value, (int, float)) and not 0 < value <= top:
                return {"error": f"Input validation error: `{name}` is out of range", "error_type": "validation"}
        return None

    def _event(self, payload: JsonObject) -> bytes:
        """An event as axum writes it: the space after the colon came with axum 0.7, in TGI 2.1.0."""
        return f"data:{' ' if self._release >= (2, 1, 0) else ''}{compact(payload)}\n\n".encode()

    def _headers(self) -> list[tuple[str, str]]:
        return [
            ("cache-control", "no-cache"),
            ("x-compute-type", "gpu+optimized"),
            ("x-compute-characters", "60"),
            ("x-accel-buffering", "no"),
            ("date", self.setting.date),
        ]

    async def _json(self, response: HttpResponse, status: int, answer: JsonObject) -> None:
        headers = [("content-type", "application/json"), *self._headers()]
        await response.whole(status, headers, compact(answer).encode())


_CHUNKED = ("transfer-encoding", "chunked")


def _call(name: str | None, arguments: str, ident: str) -> dict[str, Any]:
    return {"index": 0, "id": ident, "type": "function", "function": {"name": name, "arguments": arguments}}
