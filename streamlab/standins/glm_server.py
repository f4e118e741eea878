"""What the GLM-4 and ChatGLM3 demo servers share on the wire: FastAPI, uvicorn and sse-starlette around one generator.

Both *peek*: they take the first payload off the generator to look at it, and never put it back. So the role chunk is
always lost, a stream whose only payload is ``[DONE]`` becomes an empty 200, and the head is not sent before the first
payload exists.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

from streamlab.standins.answers import Reply
from streamlab.standins.base import Setting, StandinServer, compact
from streamlab.standins.plain_http import HttpResponse, JsonObject

#: Characters the model must have produced before the first content chunk is sent.
GATE = 7


class GeneratorFailedError(Exception):
    """The server's own code raised while streaming; what the client sees depends on whether the head was sent."""


class GlmServer(StandinServer):
    """A FastAPI application behind uvicorn, with sse-starlette for streams."""

    async def stream(self, response: HttpResponse, payloads: AsyncIterator[str]) -> None:
        """Peeks, answers with an event stream of the remaining payloads, and breaks off where the generator raises."""
        try:
            if not await anext(payloads, ""):
                await self.internal_error(response)
                return
            await self.start_stream(response)
        except GeneratorFailedError:
            await self.internal_error(response)
            return
        await self.send_payloads(response, payloads)

    async def start_stream(self, response: HttpResponse) -> None:
        headers = [
            ("date", self.setting.date),
            ("server", "uvicorn"),
            ("cache-control", "no-cache"),
            ("connection", "keep-alive"),
            ("x-accel-buffering", "no"),
            ("content-type", "text/event-stream; charset=utf-8"),
            ("transfer-encoding", "chunked"),
        ]
        await response.start(200, headers)

    async def send_payloads(self, response: HttpResponse, payloads: AsyncIterator[str]) -> None:
        """One HTTP chunk an event; a generator that raises cuts the connection, without the last chunk."""
        try:
            async for payload in payloads:
                await response.send(event(payload))
        except GeneratorFailedError:
            response.cut()
            return
        await response.end()

    async def internal_error(self, response: HttpResponse) -> None:
        headers = [
            ("date", self.setting.date),
            ("server", "uvicorn"),
            ("content-length", ""),
            ("content-type", "text/plain; charset=utf-8"),
        ]
        await response.whole(500, headers, b"Internal Server Error")

    async def json_answer(self, response: HttpResponse, status: int, answer: JsonObject) -> None:
        headers = [
            ("date", self.setting.date),
            ("server", "uvicorn"),
            ("content-length", ""),
            ("content-type", "application/json"),
        ]
        await response.whole(status, headers, compact(answer).encode())


def event(payload: str) -> bytes:
    """An event as sse-starlette writes it: CRLF, and one ``data:`` line for each line of the payload."""
    lines = re.split(r"\r\n|\r|\n", payload)
    return ("".join(f"data: {line}\r\n" for line in lines) + "\r\n").encode()


def model_text(reply: Reply, lead: str) -> str:
    """The raw text the model generates: ``lead`` and the answer, or a tool's name over its arguments."""
    if reply.tools:
        return f"{reply.tools[0].name}\n{reply.tools[0].arguments}"
    return lead + reply.text


def completion(setting: Setting, model: str, reply: Reply, **extra: Any) -> JsonObject:
    """The answer to a request that is not streamed. These servers get that right, leading white space removed."""
    message: JsonObject = {"role": "assistant", "content": reply.text.strip() or None, **extra}
    return {
        "model": model,
        "id": "",
        "object": "chat.completion",
        "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls" if reply.tools else "stop"}],
        "created": setting.epoch,
        "usage": {"prompt_tokens": 12, "total_tokens": 12 + len(reply.text), "completion_tokens": len(reply.text)},
    }
