#!/bin/sh
# instructor 1.17.0: streamed with create_partial, an answer that the token limit cut is taken for a whole one.
#
# Where `create` raises IncompleteOutputException at `finish_reason: "length"`, `create_partial` does not look at how the
# answer ended. In JSON mode its last object is what had come, patched up: the last entry of a list may be half a word,
# and a required field is None, against the model's own type. No error, no mark. In TOOLS mode a plain message that is
# cut, or a refusal, yields nothing at all, and the loop just ends. Whoever stores the last partial object stores a
# damaged record; whether it was cut can be seen on the wire alone.
#
# Tried 2026-11-29 with Python 3.11, instructor 1.17.0, openai 3.3.0:
#   whole: IncompleteOutputException
#   partial: Note(title='Ada', age=None, words=['one', 'tw'])
#
# Exits 0 while it is so, 1 when the behaviour changed.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"${PYTHON:-python3}" -m venv "$place/venv"
python="$place/venv/bin/python"
"$python" -m pip install --quiet --disable-pip-version-check instructor==1.17.0 openai==3.3.0
cat > "$place/ask.py" <<'PYTHON'
import http.server
import json
import sys
import threading

import instructor
import openai
from pydantic import BaseModel

CUT = '{"title": "Ada", "words": ["one", "tw'
HEAD = {"id": "chatcmpl-1", "created": 1795000000, "model": "gpt-4o"}


class Note(BaseModel):
    title: str
    age: int
    words: list[str]


class Server(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream" if asked.get("stream") else "application/json")
        self.end_headers()
        if asked.get("stream"):
            for delta, reason in (({"role": "assistant", "content": CUT}, None), ({}, "length")):
                choice = {"index": 0, "delta": delta, "finish_reason": reason}
                chunk = {**HEAD, "object": "chat.completion.chunk", "choices": [choice]}
                self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
            self.wfile.write(b"data: [DONE]\n\n")
        else:
            choice = {"index": 0, "message": {"role": "assistant", "content": CUT}, "finish_reason": "length"}
            self.wfile.write(json.dumps({**HEAD, "object": "chat.completion", "choices": [choice]}).encode())

    def log_message(self, *arguments):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = instructor.from_openai(
    openai.OpenAI(api_key="x", base_url=f"http://127.0.0.1:{server.server_port}/v1"), mode=instructor.Mode.JSON
)
asked = {
    "model": "gpt-4o", "response_model": Note, "max_retries": 0, "messages": [{"role": "user", "content": "A note."}]
}
try:
    whole = repr(client.create(**asked))
except Exception as error:
    whole = type(error).__name__
    causes = [type(one).__name__ for one in (error, error.__cause__, error.__context__) if one is not None]
    if "IncompleteOutputException" in causes:
        whole = "IncompleteOutputException"
print("whole:", whole)
try:
    partial = list(client.create_partial(**asked))[-1]
except Exception as error:
    partial = type(error).__name__
print("partial:", repr(partial))
held = getattr(partial, "words", None)
sys.exit(0 if whole == "IncompleteOutputException" and held == ["one", "tw"] else 1)
PYTHON
"$python" "$place/ask.py"
