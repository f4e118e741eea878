"""GLM-4's ``openai_api_server.py`` of June and July 2024, commit by commit.

The model's text begins with a newline. Which commit is played is set by ``version`` or by a model name such as
``glm-4@ef015f8``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from streamlab.standins.answers import Reply, speak, tidied, tokens
from streamlab.standins.base import WEATHER_TOOL, Minter, Scenario, chat, compact, model_and_version
from streamlab.standins.glm_server import (
    GATE,
    GeneratorFailedError,
    GlmServer,
    completion,
    model_text,
)
from streamlab.standins.plain_http import HttpRequest, HttpResponse, JsonObject

_VERSIONS = ("abe93e0", "c0a6d1e", "a9fe1ab", "5c4bf62", "ef015f8", "b475ebe", "1de40b0", "f887394")
_FOLLOW_UP: JsonObject = {
    "model": "glm-4",
    "stream": True,
    "messages": [
        {"role": "user", "content": "What is the weather in Lisbon?"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {
                    "id": "call_1",
                    "type": "function",
                    "function": {"name": "look_up_weather", "arguments": '{"place": "Lisbon"}'},
                }
            ],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": "21 degrees and clear"},
    ],
}


class Glm4(GlmServer):
    """The server in the state of one commit."""

    name = "glm4"
    description = "GLM-4 openai_api_server.py: newline bug, a new tool id in every delta, 500 without tools, empty 200"
    versions = _VERSIONS
    scenarios = (
        Scenario(
            "newline",
            "A newline in the answer: JSON chunks stop, silence, then one event of raw text, no finish, no [DONE].",
            "GLM-4's demo server (abe93e0)",
            chat("glm-4", "给两条整理书桌的建议。"),
            ("plain-text-in-data", "finish-reason-missing", "done-missing"),
            {"version": "abe93e0"},
        ),
        Scenario(
            "newline-early",
            "A newline within the first seven characters: 200 with no body at all.",
            "GLM-4's demo server (abe93e0)",
            chat("glm-4", "Answer in two lines."),
            ("empty-200",),
            {"version": "abe93e0"},
        ),
        Scenario(
            "tool-ids",
            "One tool call, and every delta of it carries another id.",
            "GLM-4's demo server (ef015f8)",
            chat("glm-4", "What is the weather in Lisbon?", tools=[WEATHER_TOOL]),
            ("tool-call-id-unstable",),
            {"version": "ef015f8"},
        ),
        Scenario(
            "follow-up-500",
            "The request after the tool call carries no tools: 500 in plain text, before any event.",
            "GLM-4's demo server (ef015f8)",
            _FOLLOW_UP,
            ("http-error-body-shape",),
            {"version": "ef015f8"},
        ),
        Scenario(
            "tools-text-empty",
            "Tools were offered and the model answers in words: 200 with no body at all.",
            "GLM-4's demo server (ef015f8)",
            chat("glm-4", "Why is the sea salty?", tools=[WEATHER_TOOL]),
            ("empty-200",),
            {"version": "ef015f8"},
        ),
        Scenario(
            "short-empty",
            "An answer of seven characters or fewer: 200 with no body at all.",
            "GLM-4's demo server (abe93e0)",
            chat("glm-4", "Is 7 a prime number? One word."),
            ("empty-200",),
            {"version": "abe93e0"},
        ),
        Scenario(
            "tool-no-done",
            "After a tool call the stream ends without [DONE].",
            "GLM-4's demo server (f887394)",
            chat("glm-4", "成都的天气怎么样？", tools=[WEATHER_TOOL]),
            ("done-missing",),
            {"version": "f887394"},
        ),
        Scenario(
            "one-character-deltas",
            "A tool call without id, its name in every delta, one character each, no [DONE].",
            "GLM-4's demo server (5c4bf62)",
            chat("glm-4", "What is the weather in Oslo?", tools=[WEATHER_TOOL]),
            ("tool-call-name-repeated", "tool-call-id-missing", "done-missing"),
            {"version": "5c4bf62"},
        ),
        Scenario(
            "bare-word",
            "The answer's first line is one word: taken for a function call nobody offered.",
            "GLM-4's demo server (a9fe1ab)",
            chat("glm-4", "Repeat exactly: Certainly\nHere is the rest."),
            ("tool-call-legacy-function-call", "choices-missing-or-null", "done-missing"),
            {"version": "a9fe1ab"},
        ),
        Scenario(
            "nested-chunk",
            "The text of the first chunk is sent as the content; the answer is lost.",
            "GLM-4's demo server (c0a6d1e)",
            chat("glm-4", "Why is the sea salty?"),
            ("content-is-nested-chunk",),
            {"version": "c0a6d1e"},
        ),
        Scenario(
            "content-done",
            "A short answer is replaced by the words [DONE].",
            "GLM-4's demo server (c0a6d1e)",
            chat("glm-4", "三加四等于几？只写数字。"),
            ("content-holds-done-marker",),
            {"version": "c0a6d1e"},
        ),
        Scenario(
            "mid-stream-cut",
            "The second line of the answer crashes the server: connection closed without the last HTTP chunk.",
            "GLM-4's demo server (b475ebe)",
            chat("glm-4", "How can I sleep better?"),
            ("truncated-chunked-body",),
            {"version": "b475ebe"},
        ),
        Scenario(
            "mended",
            "The newline and the tool ids mended (1de40b0).",
            "nobody",
            chat("glm-4", "How can I sleep better?"),
            (),
            {"version": "1de40b0"},
        ),
    )

    async def answer(self, request: HttpRequest, response: HttpResponse) -> None:
        try:
            asked = request.json()
        except ValueError:
            await self.json_answer(response, 422, {"detail": [{"type": "json_invalid", "loc": ["body"]}]})
            return
        if request.path != "/v1/chat/completions":
            await self.json_answer(response, 404, {"detail": "Not Found"})
            return
        body = tidied(asked)
        model, version = model_and_version(body, self.versions, self.setting.version)
        reply = speak(body)
        if not body.get("stream"):
            await self.setting.generate(len(tokens(reply.text)))
            await self._whole(response, model, reply, self.minter(request))
            return
        talk = _Talk(self, self.minter(request), model, reply, [tool["name"] for tool in body["tools"]])
        payloads = talk.payloads(version, offered=asked.get("tools") is not None)
        if version == "c0a6d1e":
            await self.start_stream(response)
            await self.send_payloads(response, talk.resend_peeked(payloads))
            return
        await self.stream(response, payloads)

    async def _whole(self, response: HttpResponse, model: str, reply: Reply, mint: Minter) -> None:
        calls = [
            {
                "id": f"call_{mint.letters(24)}",
                "function": {"name": tool.name, "arguments": tool.arguments},
                "type": "function",
            }
            for tool in reply.tools
        ]
        extra: JsonObject = {"tool_calls": calls} if calls else {}
        await self.json_answer(response, 200, completion(self.setting, model, reply, **extra))


class _Talk:
    """The generator behind one stream: yields payloads, each of which becomes one event."""

    def __init__(self, server: Glm4, mint: Minter, model: str, reply: Reply, tools: list[str]) -> None:
        self._setting = server.setting
        self._mint = mint
        self._model = model
        self._text = model_text(reply, "\n")
        self._tools = tools
        self._id = ""
        self._fingerprint: str | None = None

    def payloads(self, version: str, *, offered: bool) -> AsyncIterator[str]:
        """The payloads of a commit; ``offered`` says whether the request had ``tools`` at all."""
        if version in ("ef015f8", "b475ebe", "1de40b0", "f887394"):
            self._id = f"chatcmpl-{self._mint.letters(29)}"
            self._fingerprint = f"fp_{self._mint.letters(9)}"
            return self._with_tools_checked(version, offered)
        if version in ("a9fe1ab", "5c4bf62"):
            return self._guessing(calls=version == "5c4bf62")
        return self._newline_is_a_call()

    async def _newline_is_a_call(self) -> AsyncIterator[str]:
        """abe93e0: a second line anywhere makes the text a function call, and nothing more is streamed."""
        output, role_sent, is_call = "", False, False
        for piece in [*tokens(self._text), ""]:
            if piece:
                await self._setting.generate()
            output += piece
            is_call = is_call or len(output.strip().split("\n")) >= 2
            if is_call or len(output) <= GATE:
                continue
            if not role_sent:
                yield self._chunk({"role": "assistant"})
                piece, role_sent = output, True
            finish = "stop" if output == self._text and not piece else None
            yield self._chunk({"role": "assistant", "content": piece, "function_call": None}, finish)
        await self._setting.generate(3)
        yield output if is_call else "[DONE]"

    async def resend_peeked(self, payloads: AsyncIterator[str]) -> AsyncIterator[str]:
        """c0a6d1e: what was peeked is taken for the answer, and sent as its content."""
        peeked = await anext(payloads)
        yield self._chunk({"role": "assistant", "content": peeked}, bare=True)
        yield self._chunk({}, "stop", bare=True)
        yield "[DONE]"

    async def _guessing(self, *, calls: bool) -> AsyncIterator[str]:
        """a9fe1ab, 5c4bf62: a first line of one bare word makes the text a call, offered or not."""
        output, role_sent, is_call = "", False, False
        for piece in tokens(self._text):
            await self._setting.generate()
            output += piece
            first, newline, rest = output.strip().partition("\n")
            if newline and first.isidentifier() and not is_call:
                is_call, piece = True, rest[1:]  # the first character is eaten
            if is_call:
                for letter in piece:
                    yield self._guessed_call(first, letter, calls=calls)
            elif len(output) > GATE:
                if not role_sent:
                    yield self._chunk({"role": "assistant"})
                    piece, role_sent = output, True
                yield self._chunk({"role": "assistant", "content": piece, "function_call": None})
        if is_call:
            yield compact({"text": self._text})
        elif role_sent:
            yield self._chunk({"role": "assistant", "content": "", "function_call": None}, "stop")
        if not is_call and not calls:
            yield "[DONE]"

    def _guessed_call(self, name: str, letter: str, *, calls: bool) -> str:
        function = {"name": name, "arguments": letter}
        if calls:
            call = {"index": 0, "function": function, "type": "function"}
            delta: JsonObject = {"role": "assistant", "content": None, "function_call": None, "tool_calls": [call]}
            return self._chunk(delta)
        return self._chunk({"role": "assistant", "function_call": function})

    async def _with_tools_checked(self, version: str, offered: bool) -> AsyncIterator[str]:
        """ef015f8 and later: the first line must name an offered tool; with tools, an answer in words is held back."""
        if not offered and version == "ef015f8":
            raise GeneratorFailedError  # for tool in None
        output, is_call = "", False
        for piece in tokens(self._text):
            await self._setting.generate()
            opening, output = not output, output + piece
            lines = output.strip().split("\n")
            if len(lines) >= 2 and not offered and version == "b475ebe":
                raise GeneratorFailedError  # first_line in None
            if is_call:
                yield self._argument(piece, version)
            elif len(lines) >= 2 and lines[0] in self._tools:
                is_call = True
                yield self._chunk({"role": "assistant"})
                yield self._argument("", version, lines[0])
                yield self._argument(lines[1], version)
            elif not offered:
                if opening:
                    yield self._chunk({"role": "assistant"})
                yield self._chunk({"role": "assistant", "content": piece, "function_call": None})
        async for payload in self._ending(version, offered, is_call):
            yield payload

    async def _ending(self, version: str, offered: bool, is_call: bool) -> AsyncIterator[str]:
        if is_call:
            yield self._argument("", version)
            await self._setting.generate(3)
            ending = {"role": None, "content": None, "function_call": None}
            yield self._chunk(ending, "tool_calls", usage=None)
            if version == "f887394":
                return
        elif not offered:
            yield self._chunk({"role": "assistant", "content": "", "function_call": None}, "stop")
            await self._setting.generate(3)
        elif version == "f887394":
            yield self._chunk({"role": "assistant"})
            yield self._chunk({"role": "assistant", "content": self._text, "function_call": None}, "stop")
        yield "[DONE]"

    def _argument(self, piece: str, version: str, name: str | None = None) -> str:
        fresh = name is not None or version == "ef015f8"
        call = {
            "index": 0,
            "id": f"call_{self._mint.letters(24)}" if fresh else None,
            "function": {"name": name, "arguments": piece},
            "type": "function",
        }
        role = "assistant" if name else None
        return self._chunk({"role": role, "content": None, "function_call": None, "tool_calls": [call]})

    def _chunk(self, delta: JsonObject, finish: str | None = None, *, bare: bool = False, **more: Any) -> str:
        chunk: JsonObject = {
            "model": self._model,
            "id": self._id,
            "object": "chat.completion.chunk",
            "choices": [{"delta": delta, "finish_reason": finish, "index": 0}],
        }
        if not bare:
            chunk["created"] = self._setting.epoch
        if self._fingerprint:
            chunk["system_fingerprint"] = self._fingerprint
        return compact(chunk | more)
