#!/bin/sh
# openai-python 3.57.0: `responses.stream()` has no final response for an answer that OpenAI ended as incomplete.
#
# A response that reaches `max_output_tokens` or a filter ends in `response.incomplete`, which is as final as
# `response.completed` and holds the text so far and the usage. `get_final_response()` raises RuntimeError for it, with
# words that sound like a stream that was cut; openai-node's `finalResponse()` returns it. Whoever sees that error blames
# a gateway for an end that is on the wire, and the text and the price of the answer are lost to the caller.
#
# Tried 2026-11-28 with Python 3.11, openai 3.57.0 and openai 7.59.0 of npm:
#   python, response.completed: completed
#   python, response.incomplete: RuntimeError: Didn't receive a `response.completed` event.
#   node, response.completed: completed
#   node, response.incomplete: incomplete
#
# Exits 0 while it is so, 1 when the behaviour changed.
set -eu
place=$(mktemp -d)
trap 'kill "$server" 2> "$place/killed" || true; rm -rf "$place"' EXIT
"${PYTHON:-python3}" -m venv "$place/venv"
python="$place/venv/bin/python"
"$python" -m pip install --quiet --disable-pip-version-check openai==3.57.0
npm install --silent --prefix "$place" openai@7.59.0
cat > "$place/server.py" <<'PYTHON'
import http.server
import json


def events(ending):
    def response(status, output, **more):
        return {
            "id": "resp_1", "object": "response", "created_at": 1795000000, "model": "gpt-5", "status": status,
            "error": None, "incomplete_details": None, "instructions": None, "metadata": {}, "output": output,
            "parallel_tool_calls": True, "temperature": 1.0, "tool_choice": "auto", "tools": [], "top_p": 1.0, **more,
        }  # fmt: skip

    where = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    part = {"type": "output_text", "text": "One", "annotations": [], "logprobs": []}
    item = {"id": "msg_1", "type": "message", "role": "assistant", "status": ending, "content": [part]}
    why = {"incomplete_details": {"reason": "max_output_tokens"}} if ending == "incomplete" else {}
    usage = {
        "input_tokens": 1, "output_tokens": 1, "total_tokens": 2, "input_tokens_details": {"cached_tokens": 0},
        "output_tokens_details": {"reasoning_tokens": 0},
    }  # fmt: skip
    opened = {**item, "status": "in_progress", "content": []}
    told = [
        {"type": "response.created", "response": response("in_progress", [])},
        {"type": "response.in_progress", "response": response("in_progress", [])},
        {"type": "response.output_item.added", "output_index": 0, "item": opened},
        {"type": "response.content_part.added", **where, "part": {**part, "text": ""}},
        {"type": "response.output_text.delta", **where, "delta": "One", "logprobs": []},
        {"type": "response.output_text.done", **where, "text": "One", "logprobs": []},
        {"type": "response.content_part.done", **where, "part": part},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": f"response.{ending}", "response": response(ending, [item], usage=usage, **why)},
    ]
    numbered = ({**event, "sequence_number": at} for at, event in enumerate(told))
    return b"".join(f"event: {one['type']}\ndata: {json.dumps(one)}\n\n".encode() for one in numbered)


class Server(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        body = events(asked["input"])
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
print(server.server_port, flush=True)
server.serve_forever()
PYTHON
cat > "$place/client.py" <<'PYTHON'
import os

import openai

client = openai.OpenAI(api_key="none", base_url=os.environ["BASE"], max_retries=0)
for ending in ("completed", "incomplete"):
    with client.responses.stream(model="gpt-5", input=ending) as stream:
        try:
            said = stream.get_final_response().status
        except RuntimeError as error:
            said = f"RuntimeError: {error}"
    print(f"python, response.{ending}: {said}")
PYTHON
cat > "$place/client.mjs" <<'NODE'
import OpenAI from "openai";

const client = new OpenAI({ apiKey: "none", baseURL: process.env.BASE, maxRetries: 0 });
for (const ending of ["completed", "incomplete"]) {
  const response = await client.responses.stream({ model: "gpt-5", input: ending }).finalResponse();
  console.log(`node, response.${ending}: ${response.status}`);
}
NODE
"$python" "$place/server.py" > "$place/port" &
server=$!
until [ -s "$place/port" ]; do sleep 0.1; done
BASE="http://127.0.0.1:$(cat "$place/port")/v1"
export BASE
{ "$python" "$place/client.py"; node "$place/client.mjs"; } | tee "$place/said"
sed -n 's/^#   \(\(python\|node\), .*\)/\1/p' "$0" | cmp -s - "$place/said" || { echo "the behaviour changed"; exit 1; }
