#!/bin/sh
# sse-starlette 3.7.0: `yield {"data": chunk}` with a dict in it sends Python's repr, single quotes, None and all.
#
# `data` is put through str(), whatever it is: a dict comes out as `data: {'id': 'c', …}`, which no client reads as JSON,
# and no type checker minds, since `data` may be anything. A number or a string looks right, so the habit holds until
# the first object. FastAPI's own EventSourceResponse writes the same dict as JSON, and code moved from there to here
# breaks without a word on the server's side. What is meant is json.dumps, or JSONServerSentEvent.
#
# Tried 2026-11-29 with Python 3.11, sse-starlette 3.7.0, starlette 1.10.0, uvicorn 0.54.0, openai 3.57.0:
#   dict: data: {'id': 'c', 'object': 'chat.completion.chunk'
#   dict, openai-python: JSONDecodeError
#   JSONServerSentEvent: data: {"id":"c","object":"chat.completion.chunk"
#   JSONServerSentEvent, openai-python: hi
#
# Exits 0 while it is so, 1 when the behaviour changed.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"${PYTHON:-python3}" -m venv "$place/venv"
python="$place/venv/bin/python"
"$python" -m pip install --quiet --disable-pip-version-check sse-starlette==3.7.0 starlette==1.10.0 uvicorn==0.54.0 \
    openai==3.57.0
cat > "$place/serve.py" <<'PYTHON'
import json
import re
import socket
import threading
import urllib.request

import openai
import uvicorn
from sse_starlette import EventSourceResponse, JSONServerSentEvent
from starlette.applications import Starlette
from starlette.routing import Route

CHOICE = {"index": 0, "delta": {"role": "assistant", "content": "hi"}, "finish_reason": None}
CHUNK = {"id": "c", "object": "chat.completion.chunk", "created": 1795000000, "model": "m", "choices": [CHOICE]}
WAYS = {"dict": {"data": CHUNK}, "JSONServerSentEvent": JSONServerSentEvent(CHUNK)}


async def answer(request):
    async def events():
        yield WAYS[request.path_params["way"]]
        yield {"data": "[DONE]"}

    return EventSourceResponse(events())


app = Starlette(routes=[Route("/{way}/chat/completions", answer, methods=["POST"])])
listening = socket.create_server(("127.0.0.1", 0))
server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
serving = threading.Thread(target=server.run, args=([listening],))
serving.start()
for way in WAYS:
    base = f"http://127.0.0.1:{listening.getsockname()[1]}/{way}"
    with urllib.request.urlopen(urllib.request.Request(f"{base}/chat/completions", b"{}")) as response:
        line = response.read().decode().splitlines()[0]
    print(f"{way}: {re.match('.*?chunk.', line).group()}")
    client = openai.OpenAI(api_key="none", base_url=base, max_retries=0)
    asked = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
    try:
        chunks = list(client.chat.completions.create(**asked, stream=True))
        said = "".join(chunk.choices[0].delta.content for chunk in chunks)
    except json.JSONDecodeError as error:
        said = type(error).__name__
    print(f"{way}, openai-python: {said}", flush=True)
server.should_exit = True
serving.join()
PYTHON
"$python" "$place/serve.py" | tee "$place/said"
sed -n 's/^#   \(\(dict\|JSONServerSentEvent\)[:,] .*\)/\1/p' "$0" | cmp -s - "$place/said" || { echo "the behaviour changed"; exit 1; }
