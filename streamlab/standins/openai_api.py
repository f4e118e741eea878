"""A server that does everything right: api.openai.com's chat completions, as recorded in 2025 and 2026.

The baseline for probes, demos and comparisons. Streamed and not streamed, it gives the same answer to the same request.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from streamlab.standins.answers import Reply, ToolUse, speak, tidied, tokens
from streamlab.standins.base import WEATHER_TOOL, Minter, Scenario, StandinServer, chat, compact
from streamlab.standins.openai_requests import MODELS, ApiError, validate
from streamlab.standins.plain_http import HttpRequest, HttpResponse, JsonObject


@dataclass(slots=True)
class ChoicePlan:
    """One choice of an answer, cut into the tokens it is generated in."""

    index: int
    pieces: list[str]
    calls: list[tuple[ToolUse, str]]  # with the id of the call
    finish: str

    @property
    def text(self) -> str | None:
        return None if self.calls else "".join(self.pieces)

    @property
    def token_count(self) -> int:
        return len(self.pieces) + sum(len(tokens(call.arguments)) + 6 for call, _ in self.calls)


@dataclass(slots=True)
class Answer:
    """What a tidied request is to be answered with, before it is written as one object or as chunks."""

    body: JsonObject
    mint: Minter
    epoch: int
    choices: list[ChoicePlan] = field(default_factory=list)
    id: str = ""

    def __post_init__(self) -> None:
        self.id = f"chatcmpl-{self.mint.letters(29)}"
        reply = speak(self.body)
        for index in range(min(max(self.body.get("n") or 1, 1), 128)):
            self.choices.append(_plan(index, reply, self.body, self.mint))

    @property
    def model(self) -> str:
        asked: str = self.body["model"]
        return MODELS.get(asked, asked)

    @property
    def reasons(self) -> bool:
        """Reasoning models send no fingerprint, and no logprobs key."""
        return self.model.startswith("gpt-5")

    def envelope(self, kind: str) -> JsonObject:
        return {"id": self.id, "object": kind, "created": self.epoch, "model": self.model}

    @property
    def fingerprint(self) -> str | None:
        return None if self.reasons else "fp_51ea3d0c7b"

    def usage(self) -> JsonObject:
        prompt = 3 + sum(3 + len(tokens(message["content"])) for message in self.body["messages"])
        prompt += sum(len(tokens(compact(tool))) for tool in self.body["tools"])
        made = sum(choice.token_count for choice in self.choices)
        return {
            "prompt_tokens": prompt,
            "completion_tokens": made,
            "total_tokens": prompt + made,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": 0,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        }

    def logprobs(self, pieces: list[str]) -> JsonObject | None:
        """The log probabilities of some tokens, where they were asked for; made up, the same every time."""
        if not self.body.get("logprobs"):
            return None
        top = self.body.get("top_logprobs") or 0
        made = []
        for piece in pieces:
            entry = {"token": piece, "logprob": -len(piece) / 64, "bytes": list(piece.encode())}
            others = [{"token": "?" * n, "logprob": -4.0 - n, "bytes": [63] * n} for n in range(1, top)]
            made.append(entry | {"top_logprobs": [entry, *others][:top]})
        return {"content": made, "refusal": None}

    def completion(self) -> JsonObject:
        """The answer as one object."""
        choices = []
        for plan in self.choices:
            message: JsonObject = {"role": "assistant", "content": plan.text}
            if plan.calls:
                message["tool_calls"] = [_whole_call(call, ident) for call, ident in plan.calls]
            choice: JsonObject = {"index": plan.index, "message": message | {"refusal": None, "annotations": []}}
            if not self.reasons or self.body.get("logprobs"):
                choice["logprobs"] = self.logprobs(plan.pieces)
            choices.append(choice | {"finish_reason": plan.finish})
        tail = {"usage": self.usage(), "service_tier": "default", "system_fingerprint": self.fingerprint}
        return self.envelope("chat.completion") | {"choices": choices} | tail

    def chunks(self) -> Iterator[JsonObject]:
        """The answer as the chunks of a stream, in order."""
        options = self.body.get("stream_options") or {}
        asked = bool(options.get("include_usage"))
        padded = options.get("include_obfuscation", True)
        for delta, plan, finish, pieces in self._steps():
            choice: JsonObject = {"index": plan.index, "delta": delta}
            if not self.reasons or self.body.get("logprobs"):
                choice["logprobs"] = None if pieces is None else self.logprobs(pieces)
            yield self._chunk([choice | {"finish_reason": finish}], {"usage": None} if asked else {}, padded)
        if asked:
            yield self._chunk([], {"usage": self.usage()}, padded)

    def _chunk(self, choices: list[JsonObject], usage: JsonObject, padded: bool) -> JsonObject:
        head = {"service_tier": "default", "system_fingerprint": self.fingerprint, "choices": choices}
        padding = {"obfuscation": self.mint.letters(self.mint.number(1, 14))} if padded else {}
        return self.envelope("chat.completion.chunk") | head | usage | padding

    def _steps(self) -> Iterator[tuple[JsonObject, ChoicePlan, str | None, list[str] | None]]:
        """(delta, choice, finish_reason, tokens) of every chunk with a choice; choices take turns."""
        queues = [list(_steps(plan)) for plan in self.choices]
        for turn in range(max(len(queue) for queue in queues)):
            for plan, queue in zip(self.choices, queues, strict=True):
                if turn < len(queue):
                    delta, finish, pieces = queue[turn]
                    yield delta, plan, finish, pieces


def _plan(index: int, reply: Reply, body: JsonObject, mint: Minter) -> ChoicePlan:
    if reply.tools:
        named = isinstance(body.get("tool_choice"), dict)
        calls = [(call, f"call_{mint.letters(24)}") for call in reply.tools]
        return ChoicePlan(index, [], calls, "stop" if named else "tool_calls")
    text = reply.text if index == 0 else f"{reply.text} ({index + 1})"
    stops = body.get("stop") or []
    for stop in [stops] if isinstance(stops, str) else stops:
        text = text.partition(stop)[0] if isinstance(stop, str) and stop else text
    pieces = tokens(text)
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    if limit is not None and limit < len(pieces):
        return ChoicePlan(index, pieces[: max(limit, 0)], [], "length")
    return ChoicePlan(index, pieces, [], "stop")


def _steps(plan: ChoicePlan) -> Iterator[tuple[JsonObject, str | None, list[str] | None]]:
    if not plan.calls:
        yield {"role": "assistant", "content": "", "refusal": None}, None, []
        for piece in plan.pieces:
            yield {"content": piece}, None, [piece]
    elif len(plan.calls) == 1:
        [(call, ident)] = plan.calls
        yield (
            {"role": "assistant", "content": None, "tool_calls": [_opening(0, call, ident)], "refusal": None},
            None,
            None,
        )
        yield from _arguments(0, call)
    else:
        yield {"role": "assistant", "content": None}, None, None
        for at, (call, ident) in enumerate(plan.calls):
            yield {"tool_calls": [_opening(at, call, ident)]}, None, None
            yield from _arguments(at, call)
    yield {}, plan.finish, None


def _arguments(at: int, call: ToolUse) -> Iterator[tuple[JsonObject, str | None, list[str] | None]]:
    for piece in tokens(call.arguments):
        yield {"tool_calls": [{"index": at, "function": {"arguments": piece}}]}, None, None


def _opening(at: int, call: ToolUse, ident: str) -> JsonObject:
    return {"index": at, "id": ident, "type": "function", "function": {"name": call.name, "arguments": ""}}


def _whole_call(call: ToolUse, ident: str) -> JsonObject:
    return {"id": ident, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


class OpenAi(StandinServer):
    """api.openai.com, without the keys."""

    name = "openai"
    description = (
        "a conforming server: OpenAI's chat completions, streamed and not, with tools, usage, logprobs, errors"
    )
    versions = ("2026-08",)
    scenarios = (
        Scenario("plain", "A plain answer.", "nobody", chat("gpt-4.1-mini", "Why is the sea salty?")),
        Scenario(
            "usage",
            "A plain answer, with the usage chunk.",
            "nobody",
            chat("gpt-4.1-mini", "海水为什么咸？", stream_options={"include_usage": True}),
        ),
        Scenario(
            "tool",
            "One tool call.",
            "nobody",
            chat("gpt-4.1-mini", "What is the weather in Oslo?", tools=[WEATHER_TOOL]),
        ),
        Scenario(
            "parallel-tools",
            "Two tool calls in one answer.",
            "nobody",
            chat("gpt-4.1-mini", "Compare the weather in Oslo and Lima.", tools=[WEATHER_TOOL]),
        ),
        Scenario("two-choices", "n=2: choices take turns.", "nobody", chat("gpt-4.1-mini", "Count to six.", n=2)),
        Scenario(
            "length",
            "Cut off by max_tokens.",
            "nobody",
            chat("gpt-4.1-mini", "Why is the sea salty?", max_tokens=5),
        ),
        Scenario(
            "logprobs",
            "With log probabilities.",
            "nobody",
            chat("gpt-4.1-mini", "Count to six.", logprobs=True, top_logprobs=2),
        ),
        Scenario("model-not-found", "A 404 in OpenAI's shape.", "nobody", chat("gpt-nonesuch", "Hello")),
    )

    async def answer(self, request: HttpRequest, response: HttpResponse) -> None:
        mint = self.minter(request)
        try:
            await self._route(request, response, mint)
        except ApiError as error:
            await response.whole(error.status, self._head(mint, "application/json; charset=utf-8"), error.body())

    async def _route(self, request: HttpRequest, response: HttpResponse, mint: Minter) -> None:
        if request.path == "/v1/models" and request.method == "GET":
            listed = [{"id": m, "object": "model", "created": self.setting.epoch, "owned_by": "system"} for m in MODELS]
            await self._json(response, mint, {"object": "list", "data": listed})
            return
        if request.path != "/v1/chat/completions":
            raise ApiError(404, f"Invalid URL ({request.method} {request.path})")
        if request.method != "POST":
            hint = "(HINT: Perhaps you meant to use a different HTTP method?)"
            raise ApiError(
                405, f"Not allowed to {request.method} on {request.path}. {hint}", code="method_not_supported"
            )
        try:
            body = request.json()
        except ValueError:
            raise ApiError(400, "We could not parse the JSON body of your request.") from None
        validate(body)
        answer = Answer(tidied(body), mint, self.setting.epoch)
        if not body.get("stream"):
            await self.setting.generate(sum(choice.token_count for choice in answer.choices))
            await self._json(response, mint, answer.completion())
            return
        chunked = ("Transfer-Encoding", "chunked")
        await response.start(200, [*self._head(mint, "text/event-stream; charset=utf-8"), chunked])
        for chunk in answer.chunks():
            await self.setting.generate()
            await response.send(f"data: {compact(chunk)}\n\n".encode())
        await response.send(b"data: [DONE]\n\n")
        await response.end()

    async def _json(self, response: HttpResponse, mint: Minter, answer: Any) -> None:
        body = json.dumps(answer, ensure_ascii=False, indent=2).encode() + b"\n"
        await response.whole(200, self._head(mint, "application/json"), body)

    def _head(self, mint: Minter, content_type: str) -> list[tuple[str, str]]:
        return [
            ("Date", self.setting.date),
            ("Content-Type", content_type),
            ("Connection", "keep-alive"),
            ("openai-processing-ms", str(mint.number(120, 480))),
            ("openai-version", "2020-10-01"),
            ("x-request-id", f"req_{mint.hexadecimal(32)}"),
        ]
