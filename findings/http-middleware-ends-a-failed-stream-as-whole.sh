#!/bin/sh
# starlette 1.10.0: a middleware that does nothing makes a stream whose handler failed look whole; fastapi's own event
# source, tornado, sanic and robyn do the same without one.
#
# A StreamingResponse whose generator raises (its upstream was cut, say) is cut off by Starlette: HTTP's last chunk is
# missing, and openai-python raises. Behind `BaseHTTPMiddleware`, which is what FastAPI's `@app.middleware("http")`
# makes, the generator's error is raised only after the last chunk was sent: HTTP says that the answer is complete, the
# log alone has a traceback, and openai-python hands out half an answer without an error. A server that is given a
# middleware for logging so turns from honest to silent, with no line of its streaming changed. FastAPI's
# EventSourceResponse (a generator as handler) ends a failed stream so in any case. Of 22 set-ups of Python servers
# (docs/sse-readers.md) five end it so. What helps: send the API's error event, or use an ASGI middleware of one's own.
#
# Tried 2026-11-30 with Python 3.11, starlette 1.10.0, fastapi 0.165.0, tornado 6.6.1, sanic 25.12.1, uvicorn 0.54.0,
# openai 3.57.0 (robyn 0.88.0 by hand):
#   starlette: no last chunk; openai-python: 'half' and APIConnectionError
#   starlette, middleware: last chunk; openai-python: 'half' and no error
#   fastapi: no last chunk; openai-python: 'half' and APIConnectionError
#   fastapi, middleware: last chunk; openai-python: 'half' and no error
#   fastapi, event source: last chunk; openai-python: 'half' and no error
#   tornado: last chunk; openai-python: 'half' and no error
#   sanic: last chunk; openai-python: 'half' and no error
#
# Exits 0 while it is so, 1 when the behaviour changed.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"${PYTHON:-python3}" -m venv "$place/venv"
python="$place/venv/bin/python"
"$python" -m pip install --quiet --disable-pip-version-check starlette==1.10.0 fastapi==0.165.0 tornado==6.6.1 \
    sanic==25.12.1 uvicorn==0.54.0 openai==3.57.0
cat > "$place/serve.py" <<'PYTHON'
"""`serve.py SET-UP PORT`: answers with one chunk, then its generator raises."""

import asyncio
import json
import sys

CHOICE = {"index": 0, "delta": {"role": "assistant", "content": "half"}, "finish_reason": None}
CHUNK = {"id": "c", "object": "chat.completion.chunk", "created": 1795000000, "model": "m", "choices": [CHOICE]}
EVENT = f"data: {json.dumps(CHUNK)}\n\n"
KIND = "text/event-stream"
setup, port = sys.argv[1], int(sys.argv[2])
sys.argv = sys.argv[:1]


async def events():
    yield EVENT
    await asyncio.sleep(0.05)
    raise RuntimeError("the upstream was cut")


async def pass_on(request, call_next):
    return await call_next(request)


def starlette(middleware):
    from starlette.applications import Starlette
    from starlette.middleware.base import BaseHTTPMiddleware
    from starlette.responses import StreamingResponse
    from starlette.routing import Route

    async def handler(request):
        return StreamingResponse(events(), media_type=KIND)

    app = Starlette(routes=[Route("/chat/completions", handler, methods=["POST"])])
    if middleware:
        app.add_middleware(BaseHTTPMiddleware, dispatch=pass_on)
    return app


def fastapi(middleware):
    from fastapi import FastAPI
    from fastapi.responses import StreamingResponse

    app = FastAPI()

    @app.post("/chat/completions")
    async def handler():
        return StreamingResponse(events(), media_type=KIND)

    if middleware:
        app.middleware("http")(pass_on)
    return app


def event_source():
    from fastapi import FastAPI
    from fastapi.sse import EventSourceResponse

    app = FastAPI()

    @app.post("/chat/completions", response_class=EventSourceResponse)
    async def handler():
        yield CHUNK
        await asyncio.sleep(0.05)
        raise RuntimeError("the upstream was cut")

    return app


if setup == "tornado":
    from tornado.web import Application, RequestHandler

    class Handler(RequestHandler):
        async def post(self):
            self.set_header("content-type", KIND)
            async for event in events():
                self.write(event)
                await self.flush()

    async def serve():
        Application([("/chat/completions", Handler)]).listen(port, "127.0.0.1")
        await asyncio.Event().wait()

    asyncio.run(serve())
elif setup == "sanic":
    from sanic import Sanic

    app = Sanic("server")

    @app.post("/chat/completions")
    async def handler(request):
        answer = await request.respond(content_type=KIND)
        async for event in events():
            await answer.send(event)

    app.run("127.0.0.1", port, single_process=True)
else:
    import uvicorn

    name, _, way = setup.partition(", ")
    made = event_source() if way == "event source" else {"starlette": starlette, "fastapi": fastapi}[name](bool(way))
    uvicorn.run(made, host="127.0.0.1", port=port, log_level="critical")
PYTHON
cat > "$place/ask.py" <<'PYTHON'
import socket
import subprocess
import sys
import time

import openai

SETUPS = ("starlette", "starlette, middleware", "fastapi", "fastapi, middleware", "fastapi, event source", "tornado",
          "sanic")


def connected(port):
    for _ in range(600):
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=30)
        except OSError:
            time.sleep(0.1)
    sys.exit("the server does not start")


for setup in SETUPS:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = [sys.executable, sys.argv[1], setup, str(port)]
    serving = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with connected(port) as connection:
        connection.sendall(b"POST /chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n")
        answer = b""
        while not answer.endswith(b"\r\n0\r\n\r\n") and (piece := connection.recv(65536)):
            answer += piece
    end = "last chunk" if answer.endswith(b"\r\n0\r\n\r\n") else "no last chunk"
    client = openai.OpenAI(api_key="none", base_url=f"http://127.0.0.1:{port}", max_retries=0)
    text, raised = "", "no error"
    try:
        for chunk in client.chat.completions.create(model="m", messages=[], stream=True):
            text += chunk.choices[0].delta.content or ""
    except Exception as error:
        raised = type(error).__name__
    print(f"{setup}: {end}; openai-python: {text!r} and {raised}", flush=True)
    serving.terminate()
    serving.wait()
PYTHON
"$python" "$place/ask.py" "$place/serve.py" | tee "$place/said"
sed -n "s/^#   \(.*: .*last chunk; .*\)/\1/p" "$0" > "$place/expected"
cmp -s "$place/expected" "$place/said" || { echo "the behaviour changed"; exit 1; }
