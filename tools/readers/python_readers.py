"""One stream read by one reader: ``python_readers.py READER URL`` prints a line of JSON an event, with its time."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable

START = time.monotonic()


def say(data: str) -> None:
    """An event has come."""
    print(json.dumps({"data": data, "at": round(time.monotonic() - START, 3)}), flush=True)


def httpx_sse(url: str) -> None:
    import httpx
    from httpx_sse import connect_sse

    with httpx.Client(trust_env=False) as client, connect_sse(client, "GET", url) as source:
        for event in source.iter_sse():
            say(event.data)


def httpx2_events(url: str) -> None:
    import httpx2

    with httpx2.Client(trust_env=False) as client, client.stream("GET", url) as response:
        for event in httpx2.EventSource(response):
            say(event.data)


def sseclient_py(url: str) -> None:
    import requests
    import sseclient

    for event in sseclient.SSEClient(requests.get(url, stream=True, timeout=30)).events():
        say(event.data)


def requests_lines(url: str) -> None:
    import requests

    for line in requests.get(url, stream=True, timeout=30).iter_lines():
        if line.startswith(b"data:"):
            say(line[5:].removeprefix(b" ").decode())


def requests_lines_of_one(url: str) -> None:
    import requests

    for line in requests.get(url, stream=True, timeout=30).iter_lines(chunk_size=1, decode_unicode=True):
        if line.startswith("data:"):
            say(line[5:].removeprefix(" "))


def httpx_lines(url: str) -> None:
    import httpx

    with httpx.Client(trust_env=False) as client, client.stream("GET", url) as response:
        for line in response.iter_lines():
            if line.startswith("data:"):
                say(line[5:].removeprefix(" "))


def aiohttp_lines(url: str) -> None:
    import aiohttp

    async def run() -> None:
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            async for line in response.content:
                if line.startswith(b"data:"):
                    say(line[5:].removeprefix(b" ").rstrip(b"\r\n").decode())

    asyncio.run(run())


def openai_python(url: str) -> None:
    import httpx
    from openai._streaming import SSEDecoder

    with httpx.Client(trust_env=False) as client, client.stream("GET", url) as response:
        for event in SSEDecoder().iter_bytes(response.iter_bytes()):
            say(event.data)


READERS: dict[str, tuple[str, Callable[[str], None]]] = {
    "httpx-sse": ("httpx-sse", httpx_sse),
    "httpx2's own": ("httpx2", httpx2_events),
    "sseclient-py": ("sseclient-py", sseclient_py),
    "requests, lines": ("requests", requests_lines),
    "requests, lines, chunk_size=1": ("requests", requests_lines_of_one),
    "httpx, lines": ("httpx", httpx_lines),
    "aiohttp, lines": ("aiohttp", aiohttp_lines),
    "openai-python": ("openai", openai_python),
}

if __name__ == "__main__":
    READERS[sys.argv[1]][1](sys.argv[2])
