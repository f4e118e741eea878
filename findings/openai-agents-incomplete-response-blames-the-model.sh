#!/bin/sh
# openai-agents 0.24.0: an answer that reached its limit ends the run as misbehaviour of the model, and its text is lost.
#
# `response.incomplete` is an end like `response.completed`: the text so far, the reason and the usage are in it. The
# runner raises ModelBehaviorError for it, streamed and whole, over the Responses API; over Chat Completions the same
# answer, `finish_reason: "length"`, is handed out as the result. So `max_output_tokens` in the settings of an agent
# turns long answers into exceptions whose name blames the model, and who moves an agent from one API to the other gets
# them where there were none. What was paid for is neither in the error nor in the run's usage.
#
# Tried 2026-11-29 with Python 3.11, openai-agents 0.24.0, openai 3.57.0:
#   responses, streamed, completed: One
#   responses, streamed, incomplete: ModelBehaviorError
#   responses, whole, completed: One
#   responses, whole, incomplete: ModelBehaviorError
#   chat, streamed, incomplete: One
#   chat, whole, incomplete: One
#
# Exits 0 while it is so, 1 when the behaviour changed.
set -eu
place=$(mktemp -d)
trap 'kill "$server" 2> "$place/killed" || true; rm -rf "$place"' EXIT
"${PYTHON:-python3}" -m venv "$place/venv"
python="$place/venv/bin/python"
"$python" -m pip install --quiet --disable-pip-version-check openai-agents==0.24.0 openai==3.57.0
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


def chat(streamed):
    said = {"role": "assistant", "content": "One"}
    head = {"id": "chatcmpl-1", "created": 1795000000, "model": "gpt-5"}
    if not streamed:
        choice = {"index": 0, "message": said, "finish_reason": "length"}
        return json.dumps({**head, "object": "chat.completion", "choices": [choice]}).encode()
    told = [{"index": 0, "delta": said, "finish_reason": None}, {"index": 0, "delta": {}, "finish_reason": "length"}]
    chunks = ({**head, "object": "chat.completion.chunk", "choices": [choice]} for choice in told)
    return b"".join(f"data: {json.dumps(one)}\n\n".encode() for one in chunks) + b"data: [DONE]\n\n"


class Server(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.path.endswith("/chat/completions"):
            body = chat(asked.get("stream"))
        else:
            body = events(asked["input"][0]["content"])
        if "input" in asked and not asked.get("stream"):
            body = json.dumps(json.loads(body.rpartition(b"data: ")[2])["response"]).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream" if asked.get("stream") else "application/json")
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
import asyncio
import os

import openai
from agents import Agent, OpenAIChatCompletionsModel, OpenAIResponsesModel, Runner, set_tracing_disabled
from agents.exceptions import ModelBehaviorError


async def said(model, ending, streamed):
    client = openai.AsyncOpenAI(api_key="none", base_url=os.environ["BASE"], max_retries=0)
    agent = Agent(name="a", model=model(model="gpt-5", openai_client=client))
    try:
        if not streamed:
            return (await Runner.run(agent, ending)).final_output
        run = Runner.run_streamed(agent, ending)
        async for _ in run.stream_events():
            pass
        return run.final_output
    except ModelBehaviorError as error:
        return type(error).__name__


set_tracing_disabled(True)
for api, model in (("responses", OpenAIResponsesModel), ("chat", OpenAIChatCompletionsModel)):
    for way in ("streamed", "whole"):
        for ending in ("completed", "incomplete") if api == "responses" else ("incomplete",):
            print(f"{api}, {way}, {ending}: {asyncio.run(said(model, ending, way == 'streamed'))}")
PYTHON
"$python" "$place/server.py" > "$place/port" &
server=$!
until [ -s "$place/port" ]; do sleep 0.1; done
BASE="http://127.0.0.1:$(cat "$place/port")/v1"
export BASE
"$python" "$place/client.py" | tee "$place/said"
sed -n 's/^#   \(\(responses\|chat\), .*\)/\1/p' "$0" | cmp -s - "$place/said" || { echo "the behaviour changed"; exit 1; }
