#!/bin/sh
# @langchain/openai 1.6.0: a streamed answer of the Responses API names a model that there is not, "gpt-5gpt-5".
#
# The chunks carry the response where it begins and where it ends, and @langchain/core joins what two chunks hold under
# one name by appending one string to the other. So a plain, lawful stream ends with `response_metadata.model` doubled,
# beside a `model_name` that is right; langchain-openai of Python has both right. Prices, routes and dashboards that look
# `model` up find nothing, and who sees the name in a trace looks for a gateway that sends events twice.
#
# Tried 2026-11-28 with Node 20, @langchain/openai 1.6.0, @langchain/core 1.4.0, Python 3.11, langchain-openai 1.7.4:
#   javascript: model gpt-5gpt-5, model_name gpt-5
#   python: model gpt-5, model_name gpt-5
#
# Exits 0 while it is so, 1 when the behaviour changed.
set -eu
place=$(mktemp -d)
trap 'kill "$server" 2> "$place/killed" || true; rm -rf "$place"' EXIT
"${PYTHON:-python3}" -m venv "$place/venv"
python="$place/venv/bin/python"
"$python" -m pip install --quiet --disable-pip-version-check langchain-openai==1.7.4
npm install --silent --prefix "$place" @langchain/openai@1.6.0 @langchain/core@1.4.0
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
        self.rfile.read(int(self.headers["content-length"]))
        body = events("completed")
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
cat > "$place/client.mjs" <<'NODE'
import { ChatOpenAI } from "@langchain/openai";

const options = { apiKey: "none", model: "gpt-5", useResponsesApi: true, maxRetries: 0 };
const model = new ChatOpenAI({ ...options, configuration: { baseURL: process.env.BASE } });
let whole;
for await (const chunk of await model.stream("hi")) whole = whole ? whole.concat(chunk) : chunk;
const said = whole.response_metadata;
console.log(`javascript: model ${said.model}, model_name ${said.model_name}`);
NODE
cat > "$place/client.py" <<'PYTHON'
import os

from langchain_openai import ChatOpenAI

model = ChatOpenAI(api_key="none", model="gpt-5", base_url=os.environ["BASE"], use_responses_api=True, max_retries=0)
whole = None
for chunk in model.stream("hi"):
    whole = chunk if whole is None else whole + chunk
said = whole.response_metadata
print(f"python: model {said['model']}, model_name {said['model_name']}")
PYTHON
"$python" "$place/server.py" > "$place/port" &
server=$!
until [ -s "$place/port" ]; do sleep 0.1; done
BASE="http://127.0.0.1:$(cat "$place/port")/v1"
export BASE
{ node "$place/client.mjs"; "$python" "$place/client.py"; } | tee "$place/said"
sed -n 's/^#   \(\(javascript\|python\): .*\)/\1/p' "$0" | cmp -s - "$place/said" || { echo "the behaviour changed"; exit 1; }
