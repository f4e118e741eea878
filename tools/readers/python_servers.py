"""A server whose handler fails behind two events: ``python_servers.py SET-UP PORT`` serves until it is ended.

``python_servers.py`` alone lists the set-ups, with the packages of each, as JSON. The handler raises, as one does whose
upstream was cut.
"""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

EVENTS = (b"data: one\n\n", b"data: two\n\n")
MEDIA_TYPE = "text/event-stream"
HOST = "127.0.0.1"
PAUSE_S = 0.05


def fail() -> None:
    """What the handler meets in the middle of its answer."""
    raise RuntimeError("the upstream was lost")


async def events() -> AsyncIterator[bytes]:
    """Two events, then the failure."""
    for event in EVENTS:
        yield event
        await asyncio.sleep(PAUSE_S)
    fail()


async def texts() -> AsyncIterator[str]:
    """The same for what frames events itself."""
    async for event in events():
        yield event.decode().removeprefix("data: ").rstrip("\n")


def events_in_turn() -> Iterator[bytes]:
    """The same for WSGI."""
    for event in EVENTS:
        yield event
        time.sleep(PAUSE_S)
    fail()


def wsgi(_: dict[str, Any], start_response: Callable[..., object]) -> Iterator[bytes]:
    """An application of nobody's framework."""
    start_response("200 OK", [("Content-Type", MEDIA_TYPE)])
    return events_in_turn()


def starlette(*, middleware: bool = False) -> Any:
    from starlette.applications import Starlette
    from starlette.middleware.base import BaseHTTPMiddleware
    from starlette.responses import StreamingResponse
    from starlette.routing import Route

    async def handler(_: Any) -> Any:
        return StreamingResponse(events(), media_type=MEDIA_TYPE)

    async def nothing(request: Any, call_next: Callable[[Any], Any]) -> Any:
        return await call_next(request)

    app = Starlette(routes=[Route("/", handler)])
    if middleware:
        app.add_middleware(BaseHTTPMiddleware, dispatch=nothing)
    return app


def fastapi() -> Any:
    from fastapi import FastAPI
    from fastapi.sse import EventSourceResponse, ServerSentEvent

    app = FastAPI()

    @app.get("/", response_class=EventSourceResponse)
    async def handler():  # type: ignore[no-untyped-def]
        async for text in texts():
            yield ServerSentEvent(raw_data=text)

    return app


def sse_starlette() -> Any:
    from sse_starlette import EventSourceResponse
    from starlette.applications import Starlette
    from starlette.routing import Route

    async def handler(_: Any) -> Any:
        return EventSourceResponse(texts())

    return Starlette(routes=[Route("/", handler)])


def litestar() -> Any:
    from litestar import Litestar, get
    from litestar.response import Stream

    @get("/")
    async def handler() -> Stream:
        return Stream(events(), media_type=MEDIA_TYPE)

    return Litestar([handler])


def blacksheep() -> Any:
    from blacksheep import Application, Response, StreamedContent

    app = Application()

    @app.router.get("/")
    async def handler() -> Response:
        return Response(200, content=StreamedContent(MEDIA_TYPE.encode(), events))

    return app


def quart() -> Any:
    from quart import Quart, Response

    app = Quart(__name__)

    @app.route("/")
    async def handler() -> Response:
        return Response(events(), mimetype=MEDIA_TYPE)

    return app


def django() -> Any:
    from django import setup
    from django.conf import settings
    from django.core.asgi import get_asgi_application
    from django.http import StreamingHttpResponse
    from django.urls import path

    async def handler(_: Any) -> Any:
        return StreamingHttpResponse(events(), content_type=MEDIA_TYPE)

    settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=(path("", handler),), SECRET_KEY="none")
    setup()
    return get_asgi_application()


def falcon() -> Any:
    from falcon.asgi import App

    class Handler:
        async def on_get(self, _: Any, answer: Any) -> None:
            answer.content_type, answer.stream = MEDIA_TYPE, events()

    app = App()
    app.add_route("/", Handler())
    return app


def by_uvicorn(app: Callable[[], Any], http: str = "h11") -> Callable[[int], None]:
    def serve(port: int) -> None:
        import uvicorn

        uvicorn.run(app(), host=HOST, port=port, http=http, log_level="critical")

    return serve


def by_hypercorn(port: int) -> None:
    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    config = Config()
    config.bind = [f"{HOST}:{port}"]
    asyncio.run(serve(starlette(), config))


def by_daphne(port: int) -> None:
    from daphne.server import Server

    Server(starlette(), endpoints=[f"tcp:port={port}:interface={HOST}"]).run()


def by_granian(port: int) -> None:
    from granian import Granian

    Granian(f"{__name__}:served", HOST, port, interface="asgi").serve()


def by_gunicorn(port: int) -> None:
    from gunicorn.app.wsgiapp import run

    sys.argv = ["gunicorn", "--bind", f"{HOST}:{port}", "python_servers:wsgi"]
    run()


def by_waitress(port: int) -> None:
    from waitress import serve

    serve(wsgi, host=HOST, port=port)


def by_cheroot(port: int) -> None:
    from cheroot.wsgi import Server

    Server((HOST, port), wsgi).start()


def by_gevent(port: int) -> None:
    from gevent.pywsgi import WSGIServer

    WSGIServer((HOST, port), wsgi).serve_forever()


def by_werkzeug(port: int) -> None:
    from flask import Flask, Response

    app = Flask(__name__)
    app.add_url_rule("/", "handler", lambda: Response(events_in_turn(), mimetype=MEDIA_TYPE))
    app.run(HOST, port)


def by_aiohttp(port: int) -> None:
    from aiohttp import web

    async def handler(request: Any) -> Any:
        answer = web.StreamResponse(headers={"content-type": MEDIA_TYPE})
        await answer.prepare(request)
        async for event in events():
            await answer.write(event)
        return answer

    app = web.Application()
    app.router.add_get("/", handler)
    web.run_app(app, host=HOST, port=port)


def by_tornado(port: int) -> None:
    from tornado.web import Application, RequestHandler

    class Handler(RequestHandler):
        async def get(self) -> None:
            self.set_header("content-type", MEDIA_TYPE)
            async for event in events():
                self.write(event)
                await self.flush()

    async def serve() -> None:
        Application([("/", Handler)]).listen(port, HOST)
        await asyncio.Event().wait()

    asyncio.run(serve())


def by_sanic(port: int) -> None:
    from sanic import Sanic

    app = Sanic("server")

    @app.get("/")
    async def handler(request: Any) -> None:
        answer = await request.respond(content_type=MEDIA_TYPE)
        async for event in events():
            await answer.send(event)

    app.run(HOST, port, single_process=True)


def by_robyn(port: int) -> None:
    sys.argv = sys.argv[:1]  # Robyn reads the words of the command itself
    from robyn import Robyn, StreamingResponse

    app = Robyn(__file__)

    @app.get("/")
    async def handler(request: Any) -> Any:  # the name is what Robyn goes by
        async def decoded() -> AsyncIterator[str]:
            async for event in events():
                yield event.decode()

        return StreamingResponse(decoded(), media_type=MEDIA_TYPE)

    app.start(host=HOST, port=port)


def middleware() -> Any:
    """Starlette's answer behind a middleware that does nothing (FastAPI's ``@app.middleware("http")`` is the same)."""
    return starlette(middleware=True)


#: By the words that tables use: what serves, and the packages it is made of.
SETUPS: dict[str, tuple[Callable[[int], None], tuple[str, ...]]] = {
    "Starlette StreamingResponse, uvicorn (h11)": (by_uvicorn(starlette), ("starlette", "uvicorn")),
    "Starlette StreamingResponse, uvicorn (httptools)": (by_uvicorn(starlette, "httptools"), ("starlette", "uvicorn")),
    "Starlette StreamingResponse, hypercorn": (by_hypercorn, ("starlette", "hypercorn")),
    "Starlette StreamingResponse, granian": (by_granian, ("starlette", "granian")),
    "Starlette StreamingResponse, daphne": (by_daphne, ("starlette", "daphne")),
    'Starlette or FastAPI with an `"http"` middleware, uvicorn': (by_uvicorn(middleware), ("starlette", "uvicorn")),
    "FastAPI EventSourceResponse, uvicorn": (by_uvicorn(fastapi), ("fastapi", "uvicorn")),
    "sse-starlette, uvicorn": (by_uvicorn(sse_starlette), ("sse-starlette", "uvicorn")),
    "Litestar, uvicorn": (by_uvicorn(litestar), ("litestar", "uvicorn")),
    "BlackSheep, uvicorn": (by_uvicorn(blacksheep), ("blacksheep", "uvicorn")),
    "Quart, uvicorn": (by_uvicorn(quart), ("quart", "uvicorn")),
    "Django, uvicorn": (by_uvicorn(django), ("django", "uvicorn")),
    "Falcon, uvicorn": (by_uvicorn(falcon), ("falcon", "uvicorn")),
    "aiohttp": (by_aiohttp, ("aiohttp",)),
    "Tornado": (by_tornado, ("tornado",)),
    "Sanic": (by_sanic, ("sanic",)),
    "Robyn": (by_robyn, ("robyn",)),
    "WSGI, gunicorn": (by_gunicorn, ("gunicorn",)),
    "WSGI, waitress": (by_waitress, ("waitress",)),
    "WSGI, cheroot": (by_cheroot, ("cheroot",)),
    "WSGI, gevent": (by_gevent, ("gevent",)),
    "Flask, its development server": (by_werkzeug, ("flask", "werkzeug")),
}


def __getattr__(name: str) -> Any:
    if name == "served":  # Granian imports its application by name
        return starlette()
    raise AttributeError(name)


if __name__ == "__main__":
    if sys.argv[1:]:
        SETUPS[sys.argv[1]][0](int(sys.argv[2]))
    else:
        print(json.dumps({name: packages for name, (_, packages) in SETUPS.items()}))
