#!/bin/sh
# fastapi 0.165.0: `yield "[DONE]"` from an EventSourceResponse is no end, and openai-python hands it out as a chunk.
#
# FastAPI writes whatever a handler yields as JSON, a string with its quotes: `data: "[DONE]"`. The chunks, yielded as
# dicts, are right, so the stream looks right. openai-python does not take the marker for one and gives its caller a
# `str` among the chunks, which fails at the first `.choices`; openai-node does the same, and fails there too. Chunks
# yielded as JSON that is done already (as older code for StreamingResponse has them) are strings within strings, all
# of them. The end is `ServerSentEvent(raw_data="[DONE]")`.
#
# Tried 2026-11-28 with Python 3.11, fastapi 0.165.0, uvicorn 0.54.0, openai 3.57.0 and, with Node 20, openai 7.59.0:
#   yielded: ends with data: "[DONE]"
#   yielded, python: ChatCompletionChunk, str
#   yielded, node: object, string
#   raw_data: ends with data: [DONE]
#   raw_data, python: ChatCompletionChunk
#   raw_data, node: object
#
# Exits 0 while it is so, 1 when the behaviour changed.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"${PYTHON:-python3}" -m venv "$place/venv"
python="$place/venv/bin/python"
"$python" -m pip install --quiet --disable-pip-version-check fastapi==0.165.0 uvicorn==0.54.0 openai==3.57.0
npm install --silent --no-audit --no-fund --prefix "$place" openai@7.59.0
cat > "$place/client.mjs" <<'NODE'
import OpenAI from "openai";

const client = new OpenAI({ apiKey: "none", baseURL: process.argv[2], maxRetries: 0 });
const kinds = [];
const asked = { model: "m", messages: [{ role: "user", content: "hi" }], stream: true };
for await (const chunk of await client.chat.completions.create(asked)) kinds.push(typeof chunk);
console.log(kinds.join(", "));
NODE
cat > "$place/serve.py" <<'PYTHON'
import socket
import subprocess
import sys
import threading
import urllib.request

import fastapi
import openai
import uvicorn
from fastapi.sse import EventSourceResponse, ServerSentEvent

CHOICE = {"index": 0, "delta": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}
CHUNK = {"id": "c", "object": "chat.completion.chunk", "created": 1795000000, "model": "m", "choices": [CHOICE]}
app = fastapi.FastAPI()


@app.post("/yielded/chat/completions", response_class=EventSourceResponse)
async def yielded():
    yield CHUNK
    yield "[DONE]"


@app.post("/raw_data/chat/completions", response_class=EventSourceResponse)
async def raw_data():
    yield CHUNK
    yield ServerSentEvent(raw_data="[DONE]")


listening = socket.create_server(("127.0.0.1", 0))
server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
serving = threading.Thread(target=server.run, args=([listening],))
serving.start()
for way in ("yielded", "raw_data"):
    base = f"http://127.0.0.1:{listening.getsockname()[1]}/{way}"
    with urllib.request.urlopen(urllib.request.Request(f"{base}/chat/completions", b"{}")) as response:
        print(f"{way}: ends with {response.read().decode().splitlines()[-2]}")
    client = openai.OpenAI(api_key="none", base_url=base, max_retries=0)
    asked = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
    chunks = client.chat.completions.create(**asked, stream=True)
    print(f"{way}, python: {', '.join(type(chunk).__name__ for chunk in chunks)}")
    node = subprocess.run(["node", sys.argv[1], base], capture_output=True, text=True, check=True)
    print(f"{way}, node: {node.stdout.strip()}", flush=True)
server.should_exit = True
serving.join()
PYTHON
"$python" "$place/serve.py" "$place/client.mjs" | tee "$place/said"
sed -n 's/^#   \(\(yielded\|raw_data\)[:,] .*\)/\1/p' "$0" > "$place/expected"
cmp -s "$place/expected" "$place/said" || { echo "the behaviour changed"; exit 1; }
