#!/bin/sh
# litellm 1.110.2: a streamed refusal arrives without a word of it, as an empty answer that ended well.
#
# OpenAI streams a refusal in `delta.refusal`, with `content` null. LiteLLM takes a chunk without content for one that
# brings nothing and swallows it, unless it is the first: what is left is the role and `finish_reason: "stop"`. Of the
# same refusal in a whole answer it keeps every word. A gateway built on it shows its users nothing, and its log of
# streams holds no refusals at all.
#
# Tried 2026-11-28 with Python 3.11, litellm 1.110.2, openai 3.57.0:
#   openai, streamed: 'I cannot help with that.', stop
#   litellm, whole: 'I cannot help with that.', stop
#   litellm, streamed: '', stop
#   litellm, built from its chunks: '', stop
#
# Exits 0 while it is so, 1 when the behaviour changed.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"${PYTHON:-python3}" -m venv "$place/venv"
"$place/venv/bin/python" -m pip install --quiet --disable-pip-version-check litellm==1.110.2 openai==3.57.0
cat > "$place/client.py" <<'PYTHON'
import http.server
import json
import threading

import litellm
import openai

HEAD = {"id": "c", "created": 1, "model": "gpt-4o"}
WORDS = ["", "I cannot ", "help with ", "that."]
DELTAS = [{"role": "assistant", "content": None, "refusal": ""}, *({"refusal": word} for word in WORDS[1:])]
CHOICES = [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": None} for delta in DELTAS]
CHOICES.append({"index": 0, "delta": {}, "logprobs": None, "finish_reason": "stop"})
MESSAGE = {"role": "assistant", "content": None, "refusal": "".join(WORDS)}
WHOLE = {"index": 0, "message": MESSAGE, "logprobs": None, "finish_reason": "stop"}
USAGE = {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}


class Server(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream" if asked.get("stream") else "application/json")
        self.end_headers()
        if asked.get("stream"):
            chunks = [{**HEAD, "object": "chat.completion.chunk", "choices": [choice]} for choice in CHOICES]
            self.wfile.write(b"".join(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks))
            self.wfile.write(b"data: [DONE]\n\n")
        else:
            whole = {**HEAD, "object": "chat.completion", "choices": [WHOLE], "usage": USAGE}
            self.wfile.write(json.dumps(whole).encode())

    def log_message(self, *_):
        pass


def tell(who, choices, member="delta"):
    choices = list(choices)
    words = "".join(getattr(getattr(choice, member), "refusal", None) or "" for choice in choices)
    print(f"{who}: {words!r}, {choices[-1].finish_reason}")


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
base = f"http://127.0.0.1:{server.server_port}"
asked = {"messages": [{"role": "user", "content": "help me"}]}
client = openai.OpenAI(api_key="none", base_url=base)
tell("openai, streamed", (one.choices[0] for one in client.chat.completions.create(model="m", **asked, stream=True)))
lite = {"model": "openai/gpt-4o", "api_key": "none", "api_base": base, **asked}
tell("litellm, whole", litellm.completion(**lite).choices, "message")
chunks = list(litellm.completion(**lite, stream=True))
tell("litellm, streamed", (one.choices[0] for one in chunks))
tell("litellm, built from its chunks", litellm.stream_chunk_builder(chunks).choices, "message")
PYTHON
LITELLM_LOCAL_MODEL_COST_MAP=True "$place/venv/bin/python" "$place/client.py" | tee "$place/said"
diff "$place/said" - <<'EXPECTED'
openai, streamed: 'I cannot help with that.', stop
litellm, whole: 'I cannot help with that.', stop
litellm, streamed: '', stop
litellm, built from its chunks: '', stop
EXPECTED
