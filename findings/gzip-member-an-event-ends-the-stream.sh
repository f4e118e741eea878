#!/bin/sh
# httpx 0.28.1, httpx2 2.16.2, openai-python 3.57.0: a gzip stream of several members ends after its first, silently.
#
# A gzip file is one member or several in a row, and what it holds is what all of them hold (RFC 1952, section 2.2): a
# server that compresses each event by itself and sends them under `Content-Encoding: gzip` is within its rights.
# aiohttp, requests and Node's fetch read on to the last member. httpx and httpx2 hand out the first and drop the rest
# without an error, so a client on top of them holds the first event of an answer and sees a clean end. With zstd, where
# frames follow each other in the same way (RFC 8878, section 3.1), the same httpx reads all of them. Whoever looks for a
# lost answer looks at the server, since curl shows it whole.
#
# Tried 2026-11-28 with Python 3.11, httpx 0.28.1, httpx2 2.16.2, openai 3.57.0, aiohttp 3.14.5,
# requests 2.34.2, zstandard 0.25.0:
#   gzip, requests: all events
#   gzip, aiohttp: all events
#   gzip, httpx: the first event
#   gzip, httpx2: the first event
#   zstd, httpx: all events
#   gzip, openai: [('one ', None)]
#
# Exits 0 while it is so, 1 when the behaviour changed.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"${PYTHON:-python3}" -m venv "$place/venv"
python="$place/venv/bin/python"
"$python" -m pip install --quiet --disable-pip-version-check \
    httpx==0.28.1 httpx2==2.16.2 openai==3.57.0 aiohttp==3.14.5 requests==2.34.2 zstandard==0.25.0
cat > "$place/client.py" <<'PYTHON'
import asyncio
import gzip
import http.server
import json
import threading

import aiohttp
import httpx
import httpx2
import openai
import requests
import zstandard

HEAD = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
WORDS = ["one ", "two ", "three"]
CHUNKS = [{**HEAD, "choices": [{"index": 0, "delta": {"content": word}, "finish_reason": None}]} for word in WORDS]
CHUNKS.append({**HEAD, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
EVENTS = [b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in CHUNKS] + [b"data: [DONE]\n\n"]
CODINGS = {"gzip": gzip.compress, "zstd": zstandard.ZstdCompressor().compress}


class Server(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        coding = "zstd" if "zstd" in self.path else "gzip"
        body = b"".join(map(CODINGS[coding], EVENTS))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Content-Encoding", coding)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = answer

    def log_message(self, *_):
        pass


async def with_aiohttp(url):
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return await answer.read()


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
base = f"http://127.0.0.1:{server.server_port}"


def whole(body):
    return "all events" if body == b"".join(EVENTS) else "the first event" if body == EVENTS[0] else repr(body)


print("gzip, requests:", whole(requests.get(f"{base}/gzip").content))
print("gzip, aiohttp:", whole(asyncio.run(with_aiohttp(f"{base}/gzip"))))
print("gzip, httpx:", whole(httpx.get(f"{base}/gzip").content))
print("gzip, httpx2:", whole(httpx2.get(f"{base}/gzip").content))
print("zstd, httpx:", whole(httpx.get(f"{base}/zstd").content))
client = openai.OpenAI(api_key="none", base_url=f"{base}/gzip", max_retries=0)
stream = client.chat.completions.create(model="m", messages=[{"role": "user", "content": "count"}], stream=True)
said = [(one.choices[0].delta.content, one.choices[0].finish_reason) for one in stream]
print(f"gzip, openai: {said}")
PYTHON
"$python" "$place/client.py" > "$place/said"
cat "$place/said"
diff "$place/said" - <<'EXPECTED'
gzip, requests: all events
gzip, aiohttp: all events
gzip, httpx: the first event
gzip, httpx2: the first event
zstd, httpx: all events
gzip, openai: [('one ', None)]
EXPECTED
