"""Starts stand-ins on loopback, in this event loop or in a thread of their own, and stops them again."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from streamlab.errors import CouldNotRunError, UsageError
from streamlab.standins.anthropic_api import AnthropicApi
from streamlab.standins.anthropic_gateways import MessagesGateway
from streamlab.standins.base import Scenario, Setting, StandinServer
from streamlab.standins.chatglm3 import ChatGlm3
from streamlab.standins.faulty import Faulty
from streamlab.standins.gemini import Gemini
from streamlab.standins.gemini_gateways import OneApiGemini, OneHub
from streamlab.standins.glm4 import Glm4
from streamlab.standins.oneapi import OneApi
from streamlab.standins.openai_api import OpenAi
from streamlab.standins.plain_http import (
    MAX_HEAD,
    BrokenMessageError,
    HttpResponse,
    close_quietly,
    read_request,
)
from streamlab.standins.responses_api import ResponsesApi, ResponsesGateway
from streamlab.standins.tgi import Tgi

_T = TypeVar("_T")
_SERVERS: dict[str, type[StandinServer]] = {
    server.name: server
    for server in (
        OpenAi,
        AnthropicApi,
        ResponsesApi,
        Glm4,
        ChatGlm3,
        OneApi,
        OneApiGemini,
        OneHub,
        Gemini,
        Tgi,
        MessagesGateway,
        ResponsesGateway,
        Faulty,
    )
}
#: name -> a one-line description.
NAMES: dict[str, str] = {name: server.description for name, server in _SERVERS.items()}


@dataclass(frozen=True, slots=True)
class Standin:
    """A stand-in that is listening. ``base_url`` is what a client is given, without a slash at the end."""

    name: str
    host: str
    port: int
    base_url: str
    scenarios: tuple[Scenario, ...]

    @property
    def origin(self) -> str:
        return _origin(self.host, self.port)


def _origin(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def scenarios(name: str) -> tuple[Scenario, ...]:
    """The scenarios of a stand-in; UsageError when there is no such stand-in."""
    return _known(name).scenarios


def _known(name: str) -> type[StandinServer]:
    if name not in _SERVERS:
        raise UsageError(f"no stand-in is called {name!r}; there are {', '.join(_SERVERS)}")
    return _SERVERS[name]


@contextlib.asynccontextmanager
async def serve_standin(name: str, host: str = "127.0.0.1", port: int = 0, **options: Any) -> AsyncIterator[Standin]:
    """Serves a stand-in until the block is left.

    Options: ``version`` (one of the stand-in's own), ``upstream`` (base URL, for gateways), ``seed``, ``gap_ms`` (the
    time of one token), ``epoch`` (Unix seconds). Raises UsageError for an unknown name, version or option, and
    CouldNotRunError when the address cannot be listened on.
    """
    kind = _known(name)
    version = options.pop("version", kind.versions[0])
    if version not in kind.versions:
        raise UsageError(f"{name} has no version {version!r}; it has {', '.join(kind.versions)}")
    try:
        server = kind(Setting(version=version, **options))
    except TypeError:
        raise UsageError(f"{name} does not know all of the options {', '.join(options)}") from None
    connections = _Connections(server)
    try:
        listener = await asyncio.start_server(connections.serve, host, port, limit=MAX_HEAD)
    except OSError as refused:
        raise CouldNotRunError(f"cannot listen on {host}:{port}: {refused.strerror}") from refused
    try:
        taken = listener.sockets[0].getsockname()[1]
        yield Standin(name, host, taken, f"{_origin(host, taken)}{kind.base_path}", kind.scenarios)
    finally:
        listener.close()
        await connections.close()
        await listener.wait_closed()


class _Connections:
    """Answers the requests of each connection, one after the other, and ends them all at once."""

    def __init__(self, server: StandinServer) -> None:
        self._server = server
        self._tasks: set[asyncio.Task[Any]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while await self._one(reader, writer):
                pass
        except (BrokenMessageError, ConnectionError, asyncio.CancelledError):
            pass  # the client left, sent what is not HTTP, or the stand-in is being stopped
        finally:
            self._tasks.discard(task)
            await close_quietly(writer)

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        request = await read_request(reader, writer)
        if request is None:
            return False
        response = HttpResponse(reader, writer)
        await self._server.answer(request, response)
        return response.keep_alive and (request.header("connection") or "").lower() != "close"

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@contextlib.asynccontextmanager
async def serve_scenario(name: str, scenario: Scenario, **options: Any) -> AsyncIterator[Standin]:
    """Serves a stand-in as a scenario wants it, with the one behind it where it needs one; yields the one in front."""
    async with contextlib.AsyncExitStack() as stack:
        front = dict(scenario.options)
        if scenario.behind is not None:
            behind, behind_options = scenario.behind
            upstream = await stack.enter_async_context(serve_standin(behind, **behind_options, **options))
            front["upstream"] = upstream.base_url
        yield await stack.enter_async_context(serve_standin(name, **front, **options))


@contextlib.contextmanager
def in_thread(serving: contextlib.AbstractAsyncContextManager[_T]) -> Iterator[_T]:
    """Keeps an async context open in a thread with an event loop of its own, for code that has none."""
    started: list[_T] = []
    failed: list[BaseException] = []
    ready = threading.Event()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    async def serve() -> None:
        async with serving as served:
            started.append(served)
            ready.set()
            await stop.wait()

    def run() -> None:
        try:
            loop.run_until_complete(serve())
        except BaseException as error:  # handed to the caller, who is waiting for it
            failed.append(error)
        finally:
            loop.close()
            ready.set()

    thread = threading.Thread(target=run, name="stand-ins", daemon=True)
    thread.start()
    ready.wait()
    if failed:
        thread.join()
        raise failed[0]
    try:
        yield started[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()


def standin_in_thread(
    name: str, host: str = "127.0.0.1", port: int = 0, **options: Any
) -> contextlib.AbstractContextManager[Standin]:
    """`serve_standin` for code without an event loop: the stand-in runs in a thread of its own."""
    return in_thread(serve_standin(name, host, port, **options))
