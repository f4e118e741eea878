"""ChatGLM3's ``api_server.py`` (c6fe1af): an answer of seven characters or fewer becomes an empty 200."""

from __future__ import annotations

from collections.abc import AsyncIterator

from streamlab.standins.answers import Reply, speak, tidied, tokens
from streamlab.standins.base import Scenario, chat, compact
from streamlab.standins.glm_server import GATE, GlmServer, completion, model_text
from streamlab.standins.plain_http import HttpRequest, HttpResponse, JsonObject

#: ChatGLM3 writes bare functions in ``tools``, without the ``function`` wrapper.
_TOOL: JsonObject = {
    "name": "get_weather",
    "description": "查询一个地方的天气",
    "parameters": {"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]},
}

#: What the model says about a tool's result that was never fetched.
AFTER_TOOL = "今天天气晴朗，气温二十一度。"


class ChatGlm3(GlmServer):
    """The last version of the server; the model's text begins with a newline and a space."""

    name = "chatglm3"
    description = "ChatGLM3 api_server.py: any answer of seven characters or fewer is an empty 200 when streamed"
    versions = ("c6fe1af",)
    scenarios = (
        Scenario(
            "short-empty",
            "The answer is one digit: 200, text/event-stream, zero bytes.",
            "ChatGLM3's demo server",
            chat("chatglm3-6b", "三加四等于几？只写数字。"),
            ("empty-200",),
        ),
        Scenario(
            "exactly-7-empty",
            "Seven characters, counting the newline and the space before them: still zero bytes.",
            "ChatGLM3's demo server",
            chat("chatglm3-6b", "Repeat exactly: 2+5=7"),
            ("empty-200",),
        ),
        Scenario(
            "eight-characters",
            "One character more, and the same question works: that is why it looks random.",
            "ChatGLM3's demo server",
            chat("chatglm3-6b", "Repeat exactly: 2+5=7."),
            ("chunk-id-missing-or-empty",),
        ),
        Scenario(
            "plain",
            "A long answer works: id empty, role in every delta, the first chunk holds what was held back.",
            "ChatGLM3's demo server",
            chat("chatglm3-6b", "海水为什么咸？"),
            ("chunk-id-missing-or-empty",),
        ),
        Scenario(
            "get-in-text",
            "The answer mentions get_: chunks stop, the whole text follows as one raw event.",
            "ChatGLM3's demo server",
            chat("chatglm3-6b", "How do I read a key from a dict?"),
            ("plain-text-in-data", "finish-reason-missing", "done-missing"),
        ),
        Scenario(
            "tool-never-shown",
            "The tool call is not shown: the server pretends it was made, and answers as if there were a result.",
            "ChatGLM3's demo server",
            chat("chatglm3-6b", "杭州的天气怎么样？", tools=[_TOOL]),
            ("created-wrong-type",),
        ),
    )

    async def answer(self, request: HttpRequest, response: HttpResponse) -> None:
        try:
            body = tidied(request.json())
        except ValueError:
            await self.json_answer(response, 422, {"detail": [{"type": "json_invalid", "loc": ["body"]}]})
            return
        if request.path != "/v1/chat/completions":
            await self.json_answer(response, 404, {"detail": "Not Found"})
            return
        model, reply = body["model"], speak(body)
        if not body.get("stream"):
            await self.setting.generate(len(tokens(reply.text)))
            await self.json_answer(response, 200, completion(self.setting, model, reply))
            return
        payloads = self._payloads(model, model_text(reply, "\n "))
        peeked = await anext(payloads)
        await self.start_stream(response)
        if "get_" in peeked:
            payloads = self._second_generation(model, reply)
        await self.send_payloads(response, payloads)

    async def _payloads(self, model: str, text: str) -> AsyncIterator[str]:
        output, role_sent, is_call = "", False, False
        for piece in [*tokens(text), ""]:
            if piece:
                await self.setting.generate()
            output += piece
            if is_call or len(output) <= GATE:
                continue
            if "get_" in output:
                is_call = True
                continue
            if not role_sent:
                yield self._chunk(model, {"role": "assistant"})
                piece, role_sent = output, True
            finish = None if piece else "stop"
            yield self._chunk(model, {"role": "assistant", "content": piece, "function_call": None}, finish)
        await self.setting.generate(3)
        yield output if is_call else "[DONE]"

    async def _second_generation(self, model: str, reply: Reply) -> AsyncIterator[str]:
        """Text that only looked like a call is sent in one chunk; after a real call the model is asked again."""
        if reply.tools:
            yield self._chunk(model, {"role": "assistant"}, created=False)
            for piece in ["\n", *tokens(AFTER_TOOL)]:
                await self.setting.generate()
                delta = {"role": "assistant", "content": piece, "function_call": None}
                yield self._chunk(model, delta, created=False)
        else:
            yield self._chunk(model, {"role": "assistant", "content": "\n " + reply.text}, created=False)
        yield self._chunk(model, {}, "stop", created=False)
        yield "[DONE]"

    def _chunk(self, model: str, delta: JsonObject, finish: str | None = None, *, created: bool = True) -> str:
        chunk: JsonObject = {
            "model": model,
            "id": "",
            "object": "chat.completion.chunk",
            "choices": [{"delta": delta, "finish_reason": finish, "index": 0}],
        }
        if created:
            chunk["created"] = self.setting.epoch
        return compact(chunk)
