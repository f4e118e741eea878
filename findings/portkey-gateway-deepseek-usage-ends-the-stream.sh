#!/bin/sh
# @portkey-ai/gateway 1.15.2: with the usage asked for, a stream of "deepseek" ends without usage and without [DONE].
#
# Who sends `stream_options.include_usage` gets the counts in a chunk of their own, whose `choices` is empty, before
# `[DONE]`: DeepSeek's reference says so as OpenAI's does. The gateway reads the first choice of every chunk from this
# provider, trips over the one that has none, and ends the answer there, with a clean end of HTTP. So a caller who pays
# by the stream's usage has none, one who waits for `[DONE]` takes the answer for cut, and the fault shows only when
# somebody asks for the count. An error that the provider tells inside the stream ends in the same silence: a cut answer
# is then a short one, for any client that does not ask for a finish_reason.
#
# Its server library is pinned to the lowest version it allows, as that which npm picks lets no stream through (the
# gateway's issue 1389).
#
# Tried 2026-11-28 with Node 20 and Python 3.11, @portkey-ai/gateway 1.15.2, @hono/node-server 1.3.3:
#   openai, usage: 'One.' stop, usage, [DONE]
#   deepseek, no usage: 'One.' stop, [DONE]
#   deepseek, usage: 'One.' stop
#   openai, error: 'One.', error
#   deepseek, error: 'One.'
#
# Exits 0 while it is so, 1 when the behaviour changed.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cat > "$place/package.json" <<'JSON'
{"dependencies": {"@portkey-ai/gateway": "1.15.2"}, "overrides": {"@hono/node-server": "1.3.3"}}
JSON
npm install --silent --no-audit --no-fund --prefix "$place"
cat > "$place/ask.py" <<'PYTHON'
import http.server
import json
import socket
import subprocess
import sys
import threading
import time
import urllib.request

HEAD = {"id": "c", "object": "chat.completion.chunk", "created": 1795000000, "model": "m"}
WORDS = [({"role": "assistant", "content": "One"}, None), ({"content": "."}, None)]
USAGE = {"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}}
ERROR = {"error": {"message": "The server had an error", "type": "server_error", "param": None, "code": None}}


class Server(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        failing = asked["model"] == "error"
        for delta, reason in WORDS if failing else [*WORDS, ({}, "stop")]:
            self.send(HEAD | {"choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}]})
        if failing:
            self.send(ERROR)
            return
        if asked["model"] == "usage":
            self.send(HEAD | USAGE)
        self.wfile.write(b"data: [DONE]\n\n")

    def send(self, payload):
        self.wfile.write(b"data: " + json.dumps(payload).encode() + b"\n\n")

    def log_message(self, *_):
        pass


def ask(provider, model):
    with urllib.request.urlopen(request(provider, model), timeout=60) as response:
        lines = [line.removeprefix("data: ") for line in response.read().decode().splitlines() if line]
    chunks = [json.loads(line) for line in lines if line != "[DONE]"]
    choices = [choice for chunk in chunks for choice in chunk.get("choices", ())]
    told = [repr("".join(choice["delta"].get("content") or "" for choice in choices))]
    told[0] += "".join(f" {choice['finish_reason']}" for choice in choices if choice["finish_reason"])
    told += [what for what in ("usage", "error") if any(chunk.get(what) for chunk in chunks)]
    print(f"{provider}, {model}: {', '.join(told + lines[-1:] if lines[-1] == '[DONE]' else told)}", flush=True)


def request(provider, model):
    asked = {"model": model, "messages": [{"role": "user", "content": "hi"}], "stream": True}
    if model == "usage":
        asked["stream_options"] = {"include_usage": True}
    headers = {
        "Content-Type": "application/json",
        "Authorization": "Bearer none",
        "x-portkey-provider": provider,
        "x-portkey-custom-host": f"http://127.0.0.1:{server.server_port}/v1",
    }
    return urllib.request.Request(f"http://127.0.0.1:{port}/v1/chat/completions", json.dumps(asked).encode(), headers)


def reached():
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
command = ["node", sys.argv[1], f"--port={port}", "--headless"]
gateway = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
try:
    while not reached():
        if gateway.poll() is not None:
            sys.exit("the gateway did not start")
        time.sleep(0.1)
    ask("openai", "usage")
    ask("deepseek", "no usage")
    ask("deepseek", "usage")
    ask("openai", "error")
    ask("deepseek", "error")
finally:
    gateway.terminate()
    gateway.wait()
PYTHON
"${PYTHON:-python3}" "$place/ask.py" "$place/node_modules/@portkey-ai/gateway/build/start-server.js" | tee "$place/said"
sed -n 's/^#   \(\(openai\|deepseek\), .*\)/\1/p' "$0" > "$place/expected"
cmp -s "$place/expected" "$place/said" || { echo "the behaviour changed"; exit 1; }
