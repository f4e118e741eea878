"""One stream read by one reader: ``python_readers.py READER URL`` prints a line of JSON an event, with its time."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import Callable
from datetime import timedelta

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


def requests_sse(url: str) -> None:
    import requests
    from requests_sse import EventSource

    soon = timedelta(milliseconds=50)
    source = EventSource(url, reconnection_time=soon, max_connect_retry=0, timeout=30)
    with source, contextlib.suppress(requests.RequestException):  # its second request is answered by 204
        for event in source:
            say(event.data)


def aiohttp_sse_client(url: str) -> None:
    from aiohttp_sse_client.client import EventSource

    async def run() -> None:
        async with EventSource(url, reconnection_time=timedelta(milliseconds=50)) as source:
            with contextlib.suppress(ConnectionError):
                async for event in source:
                    say(event.data)

    asyncio.run(run())


def sseclient_py(url: str) -> None:
    import requests
    import sseclient

    for event in sseclient.SSEClient(requests.get(url, stream=True, timeout=30)).events():
        say(event.data)


def urllib_lines(url: str) -> None:
    import urllib.request

    with urllib.request.urlopen(url, timeout=30) as response:
        for line in response:
            if line.startswith(b"data:"):
                say(line[5:].removeprefix(b" ").rstrip(b"\r\n").decode())


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


#: By the words that tables use: the package, or none where Python has it, and what reads.
READERS: dict[str, tuple[str, Callable[[str], None]]] = {
    "httpx-sse": ("httpx-sse", httpx_sse),
    "httpx2's own": ("httpx2", httpx2_events),
    "requests-sse": ("requests-sse", requests_sse),
    "aiohttp-sse-client": ("aiohttp-sse-client", aiohttp_sse_client),
    "sseclient-py": ("sseclient-py", sseclient_py),
    "urllib, lines": ("", urllib_lines),
    "requests, lines": ("requests", requests_lines),
    "requests, lines, chunk_size=1": ("requests", requests_lines_of_one),
    "httpx, lines": ("httpx", httpx_lines),
    "aiohttp, lines": ("aiohttp", aiohttp_lines),
    "openai-python": ("openai", openai_python),
}

if __name__ == "__main__":
    READERS[sys.argv[1]][1](sys.argv[2])
