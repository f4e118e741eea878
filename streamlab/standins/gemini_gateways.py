"""one-api and its fork one-hub in front of Gemini: two ways to lose how the answer ended.

Both translate Gemini's events to chunks. ``upstream`` is the base URL of a Gemini endpoint, such as the ``gemini``
stand-in's;
without one they answer from the same speaker, as if Gemini stood behind them.
"""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import AsyncIterator
from typing import ClassVar

from streamlab.standins.answers import tidied
from streamlab.standins.base import WEATHER_TOOL, Minter, Scenario, chat, compact, go_json
from streamlab.standins.gemini import candidates
from streamlab.standins.oneapi import GoGateway, lines
from streamlab.standins.plain_http import (
    BrokenMessageError,
    HttpRequest,
    HttpResponse,
    JsonObject,
    upstream_call,
)

_FINISH = {"STOP": "stop", "MAX_TOKENS": "length", "SAFETY": "content_filter", "RECITATION": "content_filter"}


class GeminiGateway(GoGateway):
    """A gateway whose only channel is Gemini. ``on_cut`` is what it sends when Gemini breaks off, before [DONE]."""

    on_cut: ClassVar[bytes] = b""

    async def answer(self, request: HttpRequest, response: HttpResponse) -> None:
        mint = self.minter(request)
        error: JsonObject = {"message": "invalid request", "type": "one_api_error", "param": "", "code": "bad_request"}
        try:
            body = tidied(request.json())
        except ValueError:
            await self.fail(response, mint, 400, error)
            return
        if not body.get("stream"):
            await self._whole(body, response, mint)
            return
        try:
            await self._stream(body, response, mint)
        except (OSError, BrokenMessageError) as failed:
            if response.started:
                raise
            await self.fail(response, mint, 500, error | {"message": f"do request failed: {failed}"})

    async def _stream(self, body: JsonObject, response: HttpResponse, mint: Minter) -> None:
        source = self._gemini(body)
        first = await anext(source, None)
        await self.start_stream(response, mint)
        try:
            if first is not None:
                await self.translate(response, body, first, mint)
                async for event in source:
                    await self.translate(response, body, event, mint)
        except BrokenMessageError:
            await response.send(self.on_cut)
        await response.send(b"data: [DONE]\n\n")
        await response.end()

    @abstractmethod
    async def translate(self, response: HttpResponse, body: JsonObject, event: JsonObject, mint: Minter) -> None:
        """Sends the chunks that one Gemini event becomes."""

    async def _gemini(self, body: JsonObject) -> AsyncIterator[JsonObject]:
        """Gemini's events; raises BrokenMessageError where Gemini breaks off."""
        model = body["model"]
        if self.setting.upstream is None:
            for candidate in candidates(model, body):
                await self.setting.generate(6)
                yield candidate if "error" in candidate else {"candidates": [candidate]}
            if model == "gemini-cut":
                raise BrokenMessageError("unexpected EOF")
            return
        url = self.upstream_url(f"/v1beta/models/{model}:streamGenerateContent?alt=sse")
        asked = compact(_native(body)).encode()
        async with upstream_call(url, "POST", [("content-type", "application/json")], asked) as upstream:
            async for line in lines(upstream, strict=True):
                if line.startswith("data: "):
                    yield json.loads(line[6:])

    async def _whole(self, body: JsonObject, response: HttpResponse, mint: Minter) -> None:
        parts: list[JsonObject] = []
        finish = "stop"
        async for event in self._gemini(body):
            candidate = first_candidate(event)
            parts += candidate.get("content", {}).get("parts", ())
            finish = _FINISH.get(candidate.get("finishReason", ""), finish)
        message: JsonObject = {"role": "assistant", "content": "".join(part.get("text", "") for part in parts)}
        calls = [tool_call(part["functionCall"], mint) for part in parts if "functionCall" in part]
        answer = {
            "id": f"chatcmpl-{mint.hexadecimal(32)}",
            "object": "chat.completion",
            "created": self.setting.epoch,
            "model": body["model"],
            "choices": [
                {
                    "index": 0,
                    "message": message | ({"tool_calls": calls} if calls else {}),
                    "finish_reason": "tool_calls" if calls else finish,
                }
            ],
            "usage": {"prompt_tokens": 9, "completion_tokens": 9, "total_tokens": 18},
        }
        headers = [("Content-Type", "application/json"), *self._request_id(mint), ("Date", self.setting.date)]
        await response.whole(200, headers, go_json(answer).encode())


def _native(body: JsonObject) -> JsonObject:
    contents = [{"role": "user", "parts": [{"text": message["content"]}]} for message in body["messages"]]
    tools = [{"function_declarations": body["tools"]}] if body["tools"] else []
    return {"contents": contents, "tools": tools}


def first_candidate(event: JsonObject) -> JsonObject:
    found = event.get("candidates") or [{}]
    return found[0] if isinstance(found[0], dict) else {}


def tool_call(call: JsonObject, mint: Minter) -> JsonObject:
    function = {"name": call["name"], "arguments": compact(call.get("args", {}))}
    return {"id": f"call_{mint.letters(24)}", "type": "function", "function": function}


class OneApiGemini(GeminiGateway):
    """one-api: ``stop`` on every chunk up to v0.6.7-alpha.6, and no finish_reason at all ever after."""

    name = "oneapi-gemini"
    description = (
        "one-api in front of Gemini: stop on every chunk (v0.6.6), or never a finish_reason (v0.6.7 and later)"
    )
    versions = ("v0.6.7", "v0.6.6")
    request_id = True
    scenarios = (
        Scenario(
            "stop-everywhere",
            "finish_reason stop on every chunk: clients that believe it keep the first words only.",
            "one-api v0.6.6",
            chat("gemini-pro", "Why is the sea salty?"),
            ("finish-reason-every-chunk", "chunk-id-missing-or-empty"),
            {"version": "v0.6.6"},
        ),
        Scenario(
            "no-finish",
            "No chunk has a finish_reason, each has another id, and [DONE] follows.",
            "one-api v0.6.7",
            chat("gemini-pro", "海水为什么咸？请用一句话回答，不要太长。"),
            ("finish-reason-missing", "chunk-id-changes", "role-missing"),
            {"version": "v0.6.7"},
            ("gemini", {}),
        ),
        Scenario(
            "tool-lost",
            "The function call is dropped: one empty chunk and [DONE].",
            "one-api v0.6.7",
            chat("gemini-pro", "What is the weather in Nairobi?", tools=[WEATHER_TOOL]),
            ("finish-reason-missing", "role-missing"),
            {"version": "v0.6.7"},
        ),
        Scenario(
            "cut-masked",
            "Gemini's connection dies in the middle; the client sees a proper end with [DONE].",
            "the upstream, hidden by one-api",
            chat("gemini-cut", "How can I sleep better?"),
            ("finish-reason-missing",),
            {"version": "v0.6.7"},
            ("gemini", {}),
        ),
    )

    async def translate(self, response: HttpResponse, body: JsonObject, event: JsonObject, mint: Minter) -> None:
        parts = first_candidate(event).get("content", {}).get("parts") or [{}]
        choice: JsonObject = {"index": 0, "delta": {"content": parts[0].get("text", "")}}
        ids: JsonObject = {"id": f"chatcmpl-{mint.hexadecimal(32)}"}
        created = self.setting.epoch
        if self.setting.version == "v0.6.6":
            choice, ids, created = choice | {"finish_reason": "stop"}, {"id": ""}, 0
        chunk = {"object": "chat.completion.chunk", "created": created, "model": "gemini", "choices": [choice]}
        await response.send(f"data: {go_json(ids | chunk)}\n\n".encode())


class OneHub(GeminiGateway):
    """one-hub v0.13.1 (``22ce9b95``, stop on the last content chunk) and v0.14.0 (``d1d6c432``, two finish chunks)."""

    name = "onehub"
    description = "one-hub in front of Gemini: stop on the last content chunk, or finish chunks twice; an id per chunk"
    versions = ("d1d6c432", "22ce9b95")
    on_cut = b"data: unexpected EOF\n\n"
    scenarios = (
        Scenario(
            "double-finish",
            "A tool call ends twice: finish_reason tool_calls, then stop.",
            "one-hub v0.14.0",
            chat("gemini-1.5-flash", "What is the weather in Lima?", tools=[WEATHER_TOOL]),
            ("finish-reason-repeated",),
            {"version": "d1d6c432"},
            ("gemini", {}),
        ),
        Scenario(
            "stop-on-content",
            "stop sits on the last content chunk: clients that stop reading there lose the tail.",
            "one-hub v0.13.1",
            chat("gemini-1.5-flash", "Why is the sea salty?"),
            ("chunk-id-changes", "finish-reason-on-content-chunk"),
            {"version": "22ce9b95"},
        ),
        Scenario(
            "stop-every",
            "Models that mark STOP on every event: content and stop chunks take turns.",
            "one-hub v0.14.0",
            chat("gemini-stop-every", "Why is the sea salty?"),
            ("content-after-finish", "chunk-id-changes"),
            {"version": "d1d6c432"},
        ),
        Scenario(
            "upstream-cut",
            "Gemini's connection dies in the middle: an event that says unexpected EOF in plain text, then [DONE].",
            "the upstream, badly reported by one-hub",
            chat("gemini-cut", "How can I sleep better?"),
            ("plain-text-in-data", "finish-reason-missing"),
            {"version": "22ce9b95"},
            ("gemini", {}),
        ),
        Scenario(
            "safety-panic",
            "A filtered answer crashes the gateway: content_filter, an error event, [DONE].",
            "one-hub v0.13.1",
            chat("gemini-safety", "Why is the sea salty?"),
            ("chunk-id-changes",),
            {"version": "22ce9b95"},
        ),
    )

    async def translate(self, response: HttpResponse, body: JsonObject, event: JsonObject, mint: Minter) -> None:
        candidate, ident = first_candidate(event), f"chatcmpl-{mint.hexadecimal(32)}"
        finish = _FINISH.get(candidate.get("finishReason", ""))
        split = self.setting.version == "d1d6c432"
        choices = [self._choice(choice) for choice in self._choices(candidate, finish, split, mint)]
        if split and finish == "stop":
            choices.append(self._choice(({}, "stop")))
        elif split and choices == []:
            return
        out = "".join(f"data: {go_json(self._chunk(ident, body, choice))}\n\n" for choice in choices)
        if "content" not in candidate and finish:
            panic = {"code": "system error", "message": "stream processing panic", "type": "system_error"}
            out += f"data: {go_json({'error': panic})}\n\n"
        await response.send(out.encode())

    def _choices(
        self, candidate: JsonObject, finish: str | None, split: bool, mint: Minter
    ) -> list[tuple[JsonObject, str | None]]:
        """(delta, finish_reason) of the chunks of one candidate."""
        parts = candidate.get("content", {}).get("parts", ())
        call = next((part["functionCall"] for part in parts if "functionCall" in part), None)
        if call is not None:
            made = tool_call(call, mint)
            named = made | {"function": {"name": call["name"], "arguments": ""}, "index": 0}
            filled: JsonObject = {
                "id": "",
                "type": "function",
                "function": {"arguments": made["function"]["arguments"]},
                "index": 0,
            }
            deltas = [{"role": "assistant", "tool_calls": [named]}, {"role": "assistant", "tool_calls": [filled]}]
            return [(deltas[0], None), (deltas[1], None), ({}, "tool_calls")]
        text = "".join(part.get("text", "") for part in parts)
        delta: JsonObject = {"content": text, "role": "assistant"} if parts else {"role": "assistant"}
        return [(delta, None if split and finish == "stop" else finish)]

    def _choice(self, made: tuple[JsonObject, str | None]) -> JsonObject:
        return {"index": 0, "delta": made[0], "finish_reason": made[1]}

    def _chunk(self, ident: str, body: JsonObject, choice: JsonObject) -> JsonObject:
        envelope = {"id": ident, "object": "chat.completion.chunk", "created": self.setting.epoch}
        return envelope | {"model": body["model"], "choices": [choice]}
