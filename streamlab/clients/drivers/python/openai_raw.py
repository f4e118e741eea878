"""openai-python, raw stream, accumulated as the OpenAI docs show (function-calling guide: index-keyed dict)."""

import asyncio
import json
import sys

from common import KEY, MODEL, PROMPT, RETRIES, Skip, as_args, main, openai_tools

ASYNC = "--async" in sys.argv


class Acc:
    """The documented user loop, nothing more tolerant."""

    def __init__(self, out):
        self.out, self.calls = out, {}

    def chunk(self, chunk):
        o = self.out
        o["n_chunks"] += 1
        if getattr(chunk, "usage", None):
            o["usage"] = chunk.usage
        if not chunk.choices:  # documented: the usage chunk has choices []
            return
        choice = chunk.choices[0]
        delta = choice.delta
        if delta.content is not None:
            o["text"] += delta.content
        r = getattr(delta, "reasoning_content", None) or getattr(delta, "reasoning", None)
        if r:
            o["reasoning"] += r
        for tc in delta.tool_calls or []:
            index = tc.index
            if index not in self.calls:
                self.calls[index] = tc
            else:
                self.calls[index].function.arguments += tc.function.arguments
            self.snap()
        if choice.finish_reason:
            o["finish_reason"] = choice.finish_reason

    def finish(self):
        for c in self.calls.values():  # documented next step of every tool loop
            json.loads(c.function.arguments)

    def snap(self):
        self.out["tool_calls"] = [
            {
                "id": c.id,
                "name": c.function.name if c.function else None,
                "arguments": as_args(c.function.arguments) if c.function else None,
            }
            for c in self.calls.values()
        ]


def completions(stream, out):
    for chunk in stream:
        out["n_chunks"] += 1
        if getattr(chunk, "usage", None):
            out["usage"] = chunk.usage
        if not chunk.choices:
            continue
        out["text"] += chunk.choices[0].text
        if chunk.choices[0].finish_reason:
            out["finish_reason"] = chunk.choices[0].finish_reason


def responses(stream, out):
    for ev in stream:
        out["n_chunks"] += 1
        if ev.type == "response.output_text.delta":
            out["text"] += ev.delta
        elif ev.type in ("response.reasoning_text.delta", "response.reasoning_summary_text.delta"):
            out["reasoning"] += ev.delta
        elif ev.type == "response.output_item.done" and ev.item.type == "function_call":
            out["tool_calls"].append({"id": ev.item.call_id, "name": ev.item.name, "arguments": ev.item.arguments})
        elif ev.type in ("response.completed", "response.incomplete", "response.failed"):
            out["finish_reason"] = ev.response.status
            out["usage"] = ev.response.usage


async def chat_async(client, kw, out):
    async with client as c:
        acc = Acc(out)
        async for ch in await c.chat.completions.create(
            model=MODEL, messages=[{"role": "user", "content": PROMPT}], stream=True, **kw
        ):
            acc.chunk(ch)
        acc.finish()


def run(job, out):
    import openai

    api = job.get("api", "chat")
    kw = {}
    if job.get("tools"):
        kw["tools"] = openai_tools(job)
    base = {"base_url": job["base_url"], "api_key": KEY, **RETRIES}
    if ASYNC:
        asyncio.run(chat_async(openai.AsyncOpenAI(**base), kw, out))
        return
    c = openai.OpenAI(**base)
    if api == "completions":
        completions(c.completions.create(model=MODEL, prompt=PROMPT, stream=True), out)
        return
    if api == "responses":
        if not hasattr(c, "responses"):
            raise Skip("no responses API in this version")
        responses(c.responses.create(model=MODEL, input=PROMPT, stream=True), out)
        return
    acc = Acc(out)
    for ch in c.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": PROMPT}], stream=True, **kw):
        acc.chunk(ch)
    acc.finish()


if __name__ == "__main__":
    main(
        "py-openai-async" if ASYNC else "py-openai-raw",
        "openai",
        run,
        apis=("chat",) if ASYNC else ("chat", "completions", "responses"),
        warm=["openai"],
    )
