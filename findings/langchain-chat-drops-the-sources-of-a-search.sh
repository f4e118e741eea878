#!/bin/sh
# langchain-openai 1.7.4: the sources of a web search answer are lost over Chat Completions, streamed and whole.
#
# The search models put the citations of an answer into `annotations` of the message, and where it is streamed of a
# delta. ChatOpenAI keeps of a message its content, refusal, tool calls and audio: the sources are in no field of what it
# hands out, and neither the text nor an error says that there were any. The same answer through the Responses API has
# them. Whoever shows sources to users shows none, and finds them on the wire, unread; openai-python has them.
#
# Tried 2026-11-29 with Python 3.11, langchain-openai 1.7.4, openai 3.57.0:
#   openai-python, streamed: https://example.com/salt
#   langchain, streamed: nothing
#   openai-python, whole: https://example.com/salt
#   langchain, whole: nothing
#
# Exits 0 while it is so, 1 when the behaviour changed.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"${PYTHON:-python3}" -m venv "$place/venv"
python="$place/venv/bin/python"
"$python" -m pip install --quiet --disable-pip-version-check langchain-openai==1.7.4 openai==3.57.0
cat > "$place/ask.py" <<'PYTHON'
import http.server
import json
import threading

import openai
from langchain_openai import ChatOpenAI

MODEL, URL = "gpt-4o-search-preview", "https://example.com/salt"
CITED = {"start_index": 0, "end_index": 3, "title": "Salt", "url": URL}
MESSAGE = {"role": "assistant", "content": "One", "annotations": [{"type": "url_citation", "url_citation": CITED}]}
HEAD = {"id": "chatcmpl-1", "created": 1795000000, "model": MODEL}
DELTAS = ({"role": "assistant", "content": ""}, {"content": "One"}, {"annotations": MESSAGE["annotations"]}, {})


def streamed():
    for delta in DELTAS:
        choice = {"index": 0, "delta": delta, "finish_reason": None if delta else "stop"}
        yield f"data: {json.dumps({**HEAD, 'object': 'chat.completion.chunk', 'choices': [choice]})}\n\n"
    yield "data: [DONE]\n\n"


class Server(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        choice = {"index": 0, "message": MESSAGE, "finish_reason": "stop"}
        whole = json.dumps({**HEAD, "object": "chat.completion", "choices": [choice]})
        body = ("".join(streamed()) if asked.get("stream") else whole).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream" if asked.get("stream") else "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
options = {"api_key": "none", "base_url": f"http://127.0.0.1:{server.server_port}/v1", "max_retries": 0}
client, model = openai.OpenAI(**options), ChatOpenAI(model=MODEL, **options)


def found(held):
    return URL if URL in str(held) else "nothing"


asked = {"model": MODEL, "messages": [{"role": "user", "content": "hi"}]}
print("openai-python, streamed:", found(list(client.chat.completions.create(**asked, stream=True))))
print("langchain, streamed:", found([chunk.model_dump() for chunk in model.stream("hi")]))
print("openai-python, whole:", found(client.chat.completions.create(**asked)))
print("langchain, whole:", found(model.invoke("hi").model_dump()))
PYTHON
"$python" "$place/ask.py" | tee "$place/said"
sed -n 's/^#   \(\(openai-python\|langchain\), .*\)/\1/p' "$0" | cmp -s - "$place/said" || { echo "the behaviour changed"; exit 1; }
