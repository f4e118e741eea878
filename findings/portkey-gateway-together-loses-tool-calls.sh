#!/bin/sh
# @portkey-ai/gateway 1.15.2: streamed through the provider "together-ai", tool calls vanish and two answers become one.
#
# Together streams OpenAI's chunks. The gateway writes each anew from `delta.content` and `finish_reason` alone: what
# arrives ends with "tool_calls" and holds none, every choice is said to be number 0, so the words of n=2 run into each
# other, and the usage that was asked for is gone. Of the same whole answer it keeps the calls. An agent that works
# without streaming stops dead with it, and a recording made behind the gateway shows a model that forgot its call;
# only one made in front of it shows who lost it.
#
# Its server library is pinned to the lowest version it allows. With 1.19.19, which npm picks (1.14.2 and 1.19.2 as
# well), every stream is HTTP 500, "Something went wrong", after the provider has answered: the gateway's issue 1389.
#
# Tried 2026-11-28 with Node 20 and Python 3.11, @portkey-ai/gateway 1.15.2, @hono/node-server 1.3.3:
#   openai, calls: 0 calls look, 0 calls ({"x":1}), 0 ends tool_calls, usage
#   together-ai, calls: 0 ends tool_calls
#   together-ai, calls, whole: 0 calls look({"x":1}), 0 ends tool_calls, usage
#   openai, n=2: 0 "one ", 1 "uno ", 0 "two", 1 "dos", 0 ends stop, 1 ends length, usage
#   together-ai, n=2: 0 "one ", 0 "uno ", 0 "two", 0 "dos", 0 ends stop, 0 ends length
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

CALL = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "look", "arguments": ""}}
ANSWERS = {
    "calls": [
        (0, {"role": "assistant", "content": None, "tool_calls": [CALL]}, None),
        (0, {"tool_calls": [{"index": 0, "function": {"arguments": '{"x":1}'}}]}, None),
        (0, {}, "tool_calls"),
    ],
    "n=2": [
        (0, {"role": "assistant", "content": "one "}, None),
        (1, {"role": "assistant", "content": "uno "}, None),
        (0, {"content": "two"}, None),
        (1, {"content": "dos"}, None),
        (0, {}, "stop"),
        (1, {}, "length"),
    ],
}
HEAD = {"id": "c", "object": "chat.completion.chunk", "created": 1795000000, "model": "m"}
USAGE = {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}
CALLED = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": '{"x":1}'}}
MESSAGE = {"role": "assistant", "content": None, "tool_calls": [CALLED]}
WHOLE = {"choices": [{"index": 0, "message": MESSAGE, "finish_reason": "tool_calls"}], "usage": USAGE}


class Server(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream" if asked["stream"] else "application/json")
        self.end_headers()
        if not asked["stream"]:
            self.wfile.write(json.dumps(HEAD | WHOLE | {"object": "chat.completion"}).encode())
            return
        for index, delta, reason in ANSWERS[asked["model"]]:
            self.send({"choices": [{"index": index, "delta": delta, "finish_reason": reason}]})
        self.send({"choices": [], "usage": USAGE})
        self.wfile.write(b"data: [DONE]\n\n")

    def send(self, more):
        self.wfile.write(b"data: " + json.dumps(HEAD | more).encode() + b"\n\n")

    def log_message(self, *_):
        pass


def held(payload):
    """What a chunk, or a whole answer, tells: words, calls and ends, each with its choice's number."""
    for choice in payload["choices"]:
        said = choice.get("delta") or choice.get("message") or {}
        if said.get("content"):
            yield f"{choice['index']} {json.dumps(said['content'])}"
        for call in said.get("tool_calls") or ():
            part = call["function"]
            yield f"{choice['index']} calls {part.get('name', '')}{part['arguments'] and '(' + part['arguments'] + ')'}"
        if choice.get("finish_reason"):
            yield f"{choice['index']} ends {choice['finish_reason']}"
    if payload.get("usage"):
        yield "usage"


def ask(provider, model, stream):
    with urllib.request.urlopen(request(provider, model, stream), timeout=60) as response:
        text = response.read().decode()
    lines = [line.removeprefix("data: ") for line in text.splitlines() if line.startswith("data: {")]
    told = [one for payload in (lines if stream else [text]) for one in held(json.loads(payload))]
    print(f"{provider}, {model}{'' if stream else ', whole'}: {', '.join(told)}", flush=True)


def request(provider, model, stream):
    asked = {"model": model, "n": 2 if model == "n=2" else 1, "messages": [{"role": "user", "content": "hi"}]}
    asked |= {"stream": True, "stream_options": {"include_usage": True}} if stream else {"stream": False}
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
gateway = subprocess.Popen(["node", sys.argv[1], f"--port={port}", "--headless"], stdout=subprocess.DEVNULL)
try:
    while not reached():
        if gateway.poll() is not None:
            sys.exit("the gateway did not start")
        time.sleep(0.1)
    ask("openai", "calls", True)
    ask("together-ai", "calls", True)
    ask("together-ai", "calls", False)
    ask("openai", "n=2", True)
    ask("together-ai", "n=2", True)
finally:
    gateway.terminate()
    gateway.wait()
PYTHON
"${PYTHON:-python3}" "$place/ask.py" "$place/node_modules/@portkey-ai/gateway/build/start-server.js" | tee "$place/said"
sed -n 's/^#   \(\(openai\|together-ai\), .*\)/\1/p' "$0" > "$place/expected"
cmp -s "$place/expected" "$place/said" || { echo "the behaviour changed"; exit 1; }
