"""One stream read with one recorder: ``python_recorders.py RECORDER URL FILE`` prints what the client got, as JSON.

Where FILE exists the recorder replays it. ``bare`` in front of the client's name is the client without a recorder.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path


def read_by_httpx(url: str) -> Iterator[bytes]:
    import httpx

    with httpx.Client(trust_env=False) as client, client.stream("GET", url) as response:
        yield from response.iter_raw()


def read_by_requests(url: str) -> Iterator[bytes]:
    import requests

    yield from requests.get(url, stream=True, timeout=30).iter_content(None)


def read_by_aiohttp(url: str) -> Iterator[bytes]:
    import aiohttp

    loop = asyncio.new_event_loop()

    async def pieces():  # type: ignore[no-untyped-def]
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            async for piece in response.content.iter_any():
                yield piece

    source = pieces()
    with contextlib.suppress(StopAsyncIteration):
        while True:
            yield loop.run_until_complete(anext(source))


def vcrpy(file: str) -> AbstractContextManager[object]:
    import vcr

    return vcr.use_cassette(file)  # type: ignore[no-any-return]


@contextlib.contextmanager
def responses(file: str) -> Iterator[None]:
    import responses as library
    from responses import _recorder

    if Path(file).exists():
        with library.RequestsMock(assert_all_requests_are_fired=False) as mock:
            mock._add_from_file(file)
            yield
        return
    with _recorder.Recorder() as recorder:
        try:
            yield
        finally:
            recorder.dump_to_file(file_path=file, registered=recorder.get_registry().registered)


CLIENTS: dict[str, Callable[[str], Iterator[bytes]]] = {
    "httpx": read_by_httpx,
    "requests": read_by_requests,
    "aiohttp": read_by_aiohttp,
}
RECORDERS: dict[str, Callable[[str], AbstractContextManager[object]]] = {
    "bare": lambda _file: contextlib.nullcontext(),
    "vcrpy": vcrpy,
    "responses": responses,
}


def main(name: str, url: str, file: str) -> None:
    """Read once, and say what came when, and how it ended."""
    recorder, client = name.split()
    start, pieces, at, ended = time.monotonic(), [], [], "ends"
    try:
        with RECORDERS[recorder](file):
            for piece in filter(None, CLIENTS[client](url)):
                pieces.append(piece.decode())
                at.append(time.monotonic() - start)
    except Exception as error:
        ended = type(error).__name__
    print(json.dumps({"text": "".join(pieces), "gap": at[-1] - at[0] if at else 0, "ended": ended}))


if __name__ == "__main__":
    main(*sys.argv[1:])
