#!/bin/sh
# litellm 1.110.2: with n=2, only the first finish_reason of a stream comes out, and every choice is said to have it.
#
# OpenAI ends each choice with a chunk of its own. LiteLLM passes the text of all choices on, keeps the first finish
# and drops those behind it; what puts the chunks together (`stream_chunk_builder`) then writes that one reason at
# every choice. An answer cut off at the limit is recorded as whole when a shorter one ended before it, and one that
# only talks as a tool call, whose caller then finds none.
# Tried 2026-11-28 with Python 3.11, litellm 1.110.2, its cost table the one it brings:
#   sent: 0 stop, 1 length; streamed: 0 stop; built: 0 stop, 1 stop
#   sent: 1 tool_calls, 0 stop; streamed: 0 tool_calls; built: 0 tool_calls, 1 tool_calls
#
# Exits 0 while it is so, 1 when the behaviour changed.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"${PYTHON:-python3}" -m venv "$place/venv"
"$place/venv/bin/python" -m pip install --quiet --disable-pip-version-check litellm==1.110.2
cat > "$place/client.py" <<'PYTHON'
import http.server
import json
import threading

import litellm

CALL = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
STREAMS = [
    [
        (0, {"role": "assistant", "content": "short"}, None),
        (1, {"role": "assistant", "content": "a long "}, None),
        (0, {}, "stop"),
        (1, {"content": "answ"}, None),
        (1, {}, "length"),
    ],
    [
        (0, {"role": "assistant", "content": "Let me "}, None),
        (1, {"role": "assistant", "content": None, "tool_calls": [CALL]}, None),
        (1, {}, "tool_calls"),
        (0, {"content": "think."}, None),
        (0, {}, "stop"),
    ],
]


class Server(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        for index, delta, finish in STREAMS[int(self.path[1])]:
            choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}
            chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o", "choices": [choice]}
            self.wfile.write(b"data: " + json.dumps(chunk).encode() + b"\n\n")
        self.wfile.write(b"data: [DONE]\n\n")

    def log_message(self, *_):
        pass


def told(choices):
    return ", ".join(f"{choice.index} {choice.finish_reason}" for choice in choices if choice.finish_reason)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
for number, stream in enumerate(STREAMS):
    sent = ", ".join(f"{index} {finish}" for index, _, finish in stream if finish)
    asked = {"messages": [{"role": "user", "content": "hello"}], "stream": True, "n": 2}
    base = f"http://127.0.0.1:{server.server_port}/{number}"
    chunks = list(litellm.completion(model="openai/gpt-4o", api_key="none", api_base=base, **asked))
    streamed = told(choice for chunk in chunks for choice in chunk.choices)
    print(f"sent: {sent}; streamed: {streamed}; built: {told(litellm.stream_chunk_builder(chunks).choices)}")
PYTHON
LITELLM_LOCAL_MODEL_COST_MAP=True "$place/venv/bin/python" "$place/client.py" | tee "$place/said"
diff "$place/said" - <<'EXPECTED'
sent: 0 stop, 1 length; streamed: 0 stop; built: 0 stop, 1 stop
sent: 1 tool_calls, 0 stop; streamed: 0 tool_calls; built: 0 tool_calls, 1 tool_calls
EXPECTED
