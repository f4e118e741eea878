"""Google's native ``streamGenerateContent``: what the Gemini channels of one-api and one-hub read from.

With ``alt=sse`` an event stream with CRLF and no ``[DONE]``; without it one JSON array. The model name picks how the
answer ends: ``gemini-stop-every`` marks STOP on every event, ``gemini-stop-separate`` sends it alone,
``gemini-max-tokens`` and ``gemini-safety`` end early,
``gemini-error`` and ``gemini-cut`` break off; all others mark the last event.
"""

from __future__ import annotations

import json
import re
from typing import Any

from streamlab.standins.answers import objects, speak, tidied, tokens
from streamlab.standins.base import Minter, Scenario, StandinServer
from streamlab.standins.plain_http import HttpRequest, HttpResponse, JsonObject

_TARGET = re.compile(r"/v1(?:beta|main|)/models/(?P<model>[^/:?]+):(?P<verb>generateContent|streamGenerateContent)$")
#: Tokens in one event.
_PIECE = 6


def content_request(body: JsonObject) -> JsonObject:
    """A generateContent request in the words of a chat request, as far as the speaker needs it."""
    messages = [{"role": "user", "content": content.get("parts")} for content in objects(body.get("contents"))]
    declared: list[JsonObject] = []
    for group in objects(body.get("tools")):
        for name in ("functionDeclarations", "function_declarations"):
            declared += objects(group.get(name))
    return tidied({"messages": messages, "tools": declared})


def candidates(model: str, body: JsonObject) -> list[JsonObject]:
    """The candidates of the answer, one an event; ``body`` is a chat request. ``{"error": …}`` is an error event."""
    reply = speak(body)
    if reply.tools:
        call = {"functionCall": {"name": reply.tools[0].name, "args": json.loads(reply.tools[0].arguments)}}
        return [_candidate([call], "STOP")]
    pieces = tokens(reply.text)
    texts = ["".join(pieces[at : at + _PIECE]) for at in range(0, len(pieces), _PIECE)]
    if model == "gemini-thinking":
        thought = _candidate([{"text": "Weighing it up."}, {"text": texts[0], "thought": True}], None)
        return [thought, *(_candidate([{"text": text}], None) for text in texts[:-1]), _text(texts[-1], "STOP")]
    if model == "gemini-stop-every":
        return [_text(text, "STOP") for text in texts]
    if model == "gemini-stop-separate":
        return [*(_text(text, None) for text in texts), _text("", "STOP")]
    if model == "gemini-max-tokens":
        return [*(_text(text, None) for text in texts[:1]), _text(texts[1 % len(texts)], "MAX_TOKENS")]
    if model == "gemini-safety":
        return [_text(texts[0], None), {"finishReason": "SAFETY", "index": 0}]
    if model == "gemini-error":
        return [_text(texts[0], None), {"error": {"code": 503, "message": "Overloaded.", "status": "UNAVAILABLE"}}]
    if model == "gemini-cut":
        return [_text(text, None) for text in texts[:2]]
    return [*(_text(text, None) for text in texts[:-1]), _text(texts[-1], "STOP")]


def _candidate(parts: list[JsonObject], finish: str | None) -> JsonObject:
    candidate: JsonObject = {"content": {"parts": parts, "role": "model"}}
    if finish:
        candidate["finishReason"] = finish
    return candidate | {"index": 0}


def _text(text: str, finish: str | None) -> JsonObject:
    return _candidate([{"text": text}], finish)


class Gemini(StandinServer):
    """generativelanguage.googleapis.com, without the keys."""

    name = "gemini"
    description = "Gemini's native streamGenerateContent (alt=sse is CRLF, no [DONE])"
    versions = ("v1beta",)
    base_path = "/v1beta"
    scenarios = (
        Scenario(
            "native",
            "Gemini's own protocol: no chunks in OpenAI's sense, CRLF, no [DONE].",
            "nobody",
            {"contents": [{"role": "user", "parts": [{"text": "Why is the sea salty?"}]}]},
            path="/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
        ),
    )

    async def answer(self, request: HttpRequest, response: HttpResponse) -> None:
        match = _TARGET.match(request.path)
        try:
            body = content_request(request.json())
        except ValueError:
            await self._fail(response, 400, "Invalid JSON payload received.", "INVALID_ARGUMENT")
            return
        if match is None:
            await self._fail(response, 404, "Requested entity was not found.", "NOT_FOUND")
            return
        model = match["model"]
        answers = [self._event(model, one, self.minter(request)) for one in candidates(model, body)]
        if match["verb"] == "generateContent" or "alt=sse" not in request.target:
            await self.setting.generate(_PIECE * len(answers))
            whole: Any = answers if match["verb"] == "streamGenerateContent" else answers[-1]
            await response.whole(200, self._head("application/json; charset=UTF-8"), _spaced(whole))
            return
        await response.start(200, [*self._head("text/event-stream"), ("Transfer-Encoding", "chunked")])
        for answer in answers:
            await self.setting.generate(_PIECE)
            await response.send(b"data: " + _spaced(answer) + b"\r\n\r\n")
        if model == "gemini-cut":
            response.cut()
        else:
            await response.end()

    def _event(self, model: str, candidate: JsonObject, mint: Minter) -> JsonObject:
        if "error" in candidate:
            return candidate
        usage = {"promptTokenCount": 9, "candidatesTokenCount": _PIECE, "totalTokenCount": 9 + _PIECE}
        made = {"candidates": [candidate], "usageMetadata": usage, "modelVersion": model}
        return made | {"responseId": mint.letters(22)}

    def _head(self, content_type: str) -> list[tuple[str, str]]:
        return [("Content-Type", content_type), ("Date", self.setting.date), ("Server", "scaffolding on HTTPServer2")]

    async def _fail(self, response: HttpResponse, status: int, message: str, code: str) -> None:
        error = {"error": {"code": status, "message": message, "status": code}}
        await response.whole(status, self._head("application/json; charset=UTF-8"), _spaced(error))


def _spaced(value: Any) -> bytes:
    """JSON with a space after each colon, as Google's front end writes it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ": ")).encode()
