"""A loop over chunks as applications write it by hand, on what a package reads of the stream: ``--lib NAME``."""

import asyncio
import json
import sys

from common import KEY, MODEL, PROMPT, as_args, main, openai_tools

LIB = sys.argv[sys.argv.index("--lib") + 1] if "--lib" in sys.argv else "httpx-sse"
HEADERS = {"Authorization": f"Bearer {KEY}", "Accept": "text/event-stream"}
TIMEOUT_S = 60.0


class Answer:
    """What the application holds; ``take`` is given the data of each event."""

    def __init__(self, out):
        self.out, self.calls = out, {}

    def take(self, data):
        """False where the stream has ended."""
        if data == "[DONE]":
            return False
        chunk = json.loads(data)
        self.out["n_chunks"] += 1
        if chunk.get("usage"):
            self.out["usage"] = chunk["usage"]
        if not chunk["choices"]:
            return True
        choice = chunk["choices"][0]
        delta = choice["delta"]
        self.out["text"] += delta.get("content") or ""
        self.out["reasoning"] += delta.get("reasoning_content") or delta.get("reasoning") or ""
        for fragment in delta.get("tool_calls") or []:
            self.fragment(fragment)
        if choice.get("finish_reason"):
            self.out["finish_reason"] = choice["finish_reason"]
        return True

    def fragment(self, fragment):
        index, function = fragment["index"], fragment.get("function") or {}
        if index not in self.calls:
            self.calls[index] = {"id": fragment["id"], "name": function["name"], "arguments": ""}
        self.calls[index]["arguments"] += function.get("arguments") or ""
        self.out["tool_calls"] = [{**one, "arguments": as_args(one["arguments"])} for one in self.calls.values()]

    def finish(self):
        for one in self.calls.values():
            json.loads(one["arguments"])


def lines(answer, read):
    """Whatever stands behind ``data:``, line by line, as most such loops do it."""
    for line in read:
        text = line.decode("utf-8") if isinstance(line, bytes) else line
        if text.startswith("data: ") and not answer.take(text[len("data: ") :].strip()):
            return


async def aiohttp_lines(url, body, answer):
    import aiohttp

    timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
    async with (
        aiohttp.ClientSession(timeout=timeout) as session,
        session.post(url, json=body, headers=HEADERS) as response,
    ):
        response.raise_for_status()
        async for line in response.content:
            text = line.decode("utf-8").strip()
            if text.startswith("data: ") and not answer.take(text[len("data: ") :]):
                return


def run(job, out):
    url = f"{job['base_url']}/chat/completions"
    body = {"model": MODEL, "messages": [{"role": "user", "content": PROMPT}], "stream": True}
    if job.get("tools"):
        body["tools"] = openai_tools(job)
    answer = Answer(out)
    if LIB == "aiohttp":
        asyncio.run(aiohttp_lines(url, body, answer))
    elif LIB == "requests":
        import requests

        with requests.post(url, json=body, headers=HEADERS, stream=True, timeout=TIMEOUT_S) as response:
            response.raise_for_status()
            lines(answer, response.iter_lines())
    elif LIB == "sseclient-py":
        import requests
        import sseclient

        with requests.post(url, json=body, headers=HEADERS, stream=True, timeout=TIMEOUT_S) as response:
            response.raise_for_status()
            for event in sseclient.SSEClient(response).events():
                if not answer.take(event.data):
                    break
    else:
        with_httpx(url, body, answer)
    answer.finish()


def with_httpx(url, body, answer):
    import httpx
    import httpx_sse

    with httpx.Client(timeout=TIMEOUT_S) as client:
        if LIB == "httpx":
            with client.stream("POST", url, json=body, headers=HEADERS) as response:
                response.raise_for_status()
                lines(answer, response.iter_lines())
            return
        with httpx_sse.connect_sse(client, "POST", url, json=body, headers=HEADERS) as source:
            source.response.raise_for_status()
            for event in source.iter_sse():
                if not answer.take(event.data):
                    return


if __name__ == "__main__":
    main(f"py-{LIB}", LIB, run, warm=["httpx", "httpx_sse", "aiohttp", "requests", "sseclient"])
