#!/bin/sh
# aiohttp 3.14.5: `enable_compression()` on a StreamResponse keeps every event until the answer is over.
#
# `write()` hands the bytes to zlib and sends what zlib gives out, which for an event is nothing: the client gets the
# two bytes of zlib's header and then, with the end, the whole answer. `drain()` does not help. Starlette's
# GZipMiddleware flushes behind each part (of JSON lines, here; event streams it leaves uncompressed). A relay of
# streams in aiohttp leaves compression off, or a handler that writes token by token delivers one lump.
#
# Tried 2026-11-28 with Python 3.11, aiohttp 3.14.5, starlette 1.10.0, uvicorn 0.54.0, two events, the second written
# only when the client had the first, or had waited 5 s for it:
#   aiohttp, plain: as it comes
#   aiohttp, compressed: with the last
#   starlette, compressed: as it comes
#
# Exits 0 while it is so, 1 when the behaviour changed.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"${PYTHON:-python3}" -m venv "$place/venv"
"$place/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    aiohttp==3.14.5 starlette==1.10.0 uvicorn==0.54.0
cat > "$place/serve.py" <<'PYTHON'
import asyncio
import zlib

import uvicorn
from aiohttp import web
from starlette.applications import Starlette
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import StreamingResponse
from starlette.routing import Route

EVENTS = [b"data: one\n\n", b"data: two\n\n"]
seen = asyncio.Event()


async def waited():
    try:
        await asyncio.wait_for(seen.wait(), 5)
    except TimeoutError:
        pass


async def with_aiohttp(request):
    response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
    if request.path == "/compressed":
        response.enable_compression()
    await response.prepare(request)
    await response.write(EVENTS[0])
    await response.drain()
    await waited()
    await response.write(EVENTS[1])
    return response


async def with_starlette(request):
    async def body():
        yield EVENTS[0]
        await waited()
        yield EVENTS[1]

    return StreamingResponse(body(), media_type="application/x-ndjson")


async def ask(port, path):
    """When the first event could be read from what had come."""
    seen.clear()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: here\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    decoder = zlib.decompressobj(47) if b"content-encoding" in head.lower() else None
    came = b""
    while EVENTS[1] not in came:
        size = int(await reader.readline(), 16)
        part = (await reader.readexactly(size + 2))[:-2]
        if not size:
            break
        came += decoder.decompress(part) if decoder else part
        if EVENTS[0] in came and EVENTS[1] not in came:
            seen.set()
    writer.close()
    return "as it comes" if seen.is_set() else "with the last"


async def main():
    app = web.Application()
    app.router.add_get("/{kind}", with_aiohttp)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    print("aiohttp, plain:", await ask(port, "/plain"))
    print("aiohttp, compressed:", await ask(port, "/compressed"))
    other = Starlette(routes=[Route("/", with_starlette)])
    other.add_middleware(GZipMiddleware, minimum_size=0)
    server = uvicorn.Server(uvicorn.Config(other, host="127.0.0.1", port=0, log_level="warning"))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    print("starlette, compressed:", await ask(server.servers[0].sockets[0].getsockname()[1], "/"))
    server.should_exit = True
    await serving
    await runner.cleanup()


asyncio.run(main())
PYTHON
"$place/venv/bin/python" "$place/serve.py" | tee "$place/said"
diff "$place/said" - <<'EXPECTED'
aiohttp, plain: as it comes
aiohttp, compressed: with the last
starlette, compressed: as it comes
EXPECTED
