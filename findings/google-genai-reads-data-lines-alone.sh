#!/bin/sh
# google-genai 3.6.1 and @google/genai 2.32.0: an event stream of Gemini's may have lines `data: …` and nothing else.
#
# Both SDKs take the stream apart by hand. For the Python one every line is JSON behind the six bytes `data: `: a comment,
# `event:`, `id:`, `retry:` or `data:` without a space ends the answer with UnknownApiResponseError, sync and async alike.
# The JavaScript one skips a comment of its own, yet loses every event that has an `event:` line, so that the answer is
# empty and nothing is said, and it raises at a comment within an event and at data in several lines, which the Python one
# reads. Google sends none of this. A proxy that sends comments to keep the connection alive, or a gateway that names its
# events, does, and the standard allows it: every reader of event streams reads the same bytes. Whoever relays Gemini to
# these SDKs has to send its framing unchanged.
#
# Tried 2026-11-29 with Python 3.11 and Node 20, google-genai 3.6.1, @google/genai 2.32.0:
#   python: as Google sends it: 'Hello'
#   python: comment first: UnknownApiResponseError
#   python: comment between: 'Hel' UnknownApiResponseError
#   python: comment within: UnknownApiResponseError
#   python: event names: UnknownApiResponseError
#   python: no space: UnknownApiResponseError
#   python: several data lines: 'Hello'
#   javascript: as Google sends it: 'Hello'
#   javascript: comment first: 'Hello'
#   javascript: comment between: 'Hello'
#   javascript: comment within: SyntaxError
#   javascript: event names: ''
#   javascript: no space: 'Hello'
#   javascript: several data lines: SyntaxError
#
# Exits 0 while it is so, 1 when the behaviour changed.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"${PYTHON:-python3}" -m venv "$place/venv"
python="$place/venv/bin/python"
"$python" -m pip install --quiet --disable-pip-version-check google-genai==3.6.1
npm install --silent --no-fund --no-audit --prefix "$place" @google/genai@2.32.0
cat > "$place/ask.mjs" <<'JS'
import { GoogleGenAI } from "@google/genai";

let text = "";
try {
  const client = new GoogleGenAI({ apiKey: "k", httpOptions: { baseUrl: process.argv[2] } });
  for await (const part of await client.models.generateContentStream({ model: "m", contents: "hi" })) text += part.text;
  console.log(JSON.stringify([text, ""]));
} catch (error) {
  console.log(JSON.stringify([text, error.constructor.name]));
}
JS
cat > "$place/ask.py" <<'PYTHON'
import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from google import genai


def chunk(text, **more):
    candidate = {"content": {"parts": [{"text": text}], "role": "model"}, "index": 0, **more}
    return {"candidates": [candidate], "modelVersion": "m"}


CHUNKS = [chunk("Hel"), chunk("lo", finishReason="STOP")]
ONE, TWO = (f"data: {json.dumps(one)}\n\n" for one in CHUNKS)
FORMS = {
    "as Google sends it": ONE + TWO,
    "comment first": ": wait\n\n" + ONE + TWO,
    "comment between": ONE + ": wait\n\n" + TWO,
    "comment within": ONE[:-1] + ": wait\n\n" + TWO,
    "event names": f"event: message\n{ONE}event: message\n{TWO}",
    "no space": (ONE + TWO).replace("data: ", "data:"),
    "several data lines": "".join(
        "".join(f"data: {line}\n" for line in json.dumps(one, indent=1).split("\n")) + "\n" for one in CHUNKS
    ),
}
READS = {
    "python": ["'Hello'", "UnknownApiResponseError", "'Hel' UnknownApiResponseError", "UnknownApiResponseError",
               "UnknownApiResponseError", "UnknownApiResponseError", "'Hello'"],
    "javascript": ["'Hello'", "'Hello'", "'Hello'", "SyntaxError", "''", "'Hello'", "SyntaxError"],
}


class Server(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        body = list(FORMS.values())[int(self.path.split("/")[1])].encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


def python(address):
    text = ""
    try:
        client = genai.Client(api_key="k", http_options={"base_url": address})
        for part in client.models.generate_content_stream(model="m", contents="hi"):
            text += part.text
    except Exception as error:
        return text, type(error).__name__
    return text, ""


def javascript(address):
    asked = subprocess.run(["node", "ask.mjs", address], cwd=Path(__file__).parent, capture_output=True, text=True)
    return json.loads(asked.stdout)


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
as_told = True
for sdk in (python, javascript):
    for at, name in enumerate(FORMS):
        text, raised = sdk(f"http://127.0.0.1:{server.server_address[1]}/{at}")
        said = f"{text!r} {raised}".strip() if text or not raised else raised
        print(f"{sdk.__name__}: {name}: {said}")
        as_told = as_told and said == READS[sdk.__name__][at]
sys.exit(not as_told)
PYTHON
"$python" -W ignore "$place/ask.py"
