#!/bin/sh
# anthropic-python 2.14.0: an overload told inside a stream is an error with status 200, and no OverloadedError.
#
# Before the stream, "overloaded" is HTTP 529 and an OverloadedError, which programs catch, or know by its status, to
# wait and ask again. Once the headers are out, the API can say the same only as `event: error` of the type
# `overloaded_error`, as its documentation tells. The SDK then raises the bare APIStatusError, whose status_code is the
# 200 of the headers: a rule like "again from 500 on" takes it for no failure of the server. Who serves
# or relays Messages sends 529 while it still can; who consumes them asks for the error's `type`.
#
# Tried 2026-11-28 with Python 3.11, anthropic 2.14.0, httpx2 2.16.2:
#   before the stream: OverloadedError, status 529, InternalServerError: True, overloaded_error
#   in the stream: APIStatusError, status 200, InternalServerError: False, overloaded_error
#
# Exits 0 while it is so, 1 when the behaviour changed.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"${PYTHON:-python3}" -m venv "$place/venv"
python="$place/venv/bin/python"
"$python" -m pip install --quiet --disable-pip-version-check anthropic==2.14.0 httpx2==2.16.2
cat > "$place/client.py" <<'PYTHON'
import http.server
import threading

import anthropic

ERROR = b'{"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}'


class Server(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        early = self.path.startswith("/early")
        self.send_response(529 if early else 200)
        self.send_header("Content-Type", "application/json" if early else "text/event-stream")
        self.end_headers()
        self.wfile.write(ERROR if early else b"event: error\ndata: " + ERROR + b"\n\n")

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
for when, told in [("early", "before the stream"), ("late", "in the stream")]:
    base = f"http://127.0.0.1:{server.server_port}/{when}"
    client = anthropic.Anthropic(api_key="none", base_url=base, max_retries=0)
    try:
        asked = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hello"}]}
        list(client.messages.create(**asked, stream=True))
    except anthropic.APIStatusError as error:
        failed = isinstance(error, anthropic.InternalServerError)
        name, status = type(error).__name__, error.status_code
        print(f"{told}: {name}, status {status}, InternalServerError: {failed}, {error.type}")
PYTHON
"$python" "$place/client.py" | tee "$place/said"
diff "$place/said" - <<'EXPECTED'
before the stream: OverloadedError, status 529, InternalServerError: True, overloaded_error
in the stream: APIStatusError, status 200, InternalServerError: False, overloaded_error
EXPECTED
