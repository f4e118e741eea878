#!/bin/sh
# respx 0.23.1, pytest-httpx 0.36.2: openai-python and anthropic-python go past both mocks, to the live server.
#
# Both mocks are switched on, and neither says a word: they patch httpx, and the SDKs now send by httpx2, a package of
# another name. What the test asserts on is then the live server's answer, got with the live key, and it passes or fails
# by what the model said that day. vcrpy, which patches beneath both, still records and replays. Whoever keeps recorded
# or made-up streams in a test suite has to look whether the server was asked.
#
# Tried 2026-11-28 with Python 3.11, openai 3.57.0, anthropic 2.14.0, httpx2 2.16.2, httpx 0.28.1, respx 0.23.1,
# pytest-httpx 0.36.2, pytest 9.2.0, vcrpy 9.4.2:
#   respx, httpx: mock
#   respx, openai: live
#   respx, anthropic: live
#   pytest-httpx, httpx: mock
#   pytest-httpx, openai: live
#   pytest-httpx, anthropic: live
#   vcrpy's recording, openai: live, the server gone
#
# Exits 0 while it is so, 1 when the behaviour changed.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"${PYTHON:-python3}" -m venv "$place/venv"
python="$place/venv/bin/python"
"$python" -m pip install --quiet --disable-pip-version-check openai==3.57.0 anthropic==2.14.0 httpx2==2.16.2 \
    httpx==0.28.1 respx==0.23.1 pytest-httpx==0.36.2 pytest==9.2.0 vcrpy==9.4.2
cat > "$place/test_mocks.py" <<'PYTHON'
import http.server
import json
import threading

import anthropic
import httpx
import openai
import pytest
import respx
import vcr

STREAM = {"content-type": "text/event-stream"}
ASKED = {"model": "m", "messages": [{"role": "user", "content": "who are you?"}], "stream": True}


def answer(path, word):
    if path.endswith("/messages"):
        delta = {"type": "text_delta", "text": word}
        data = {"type": "content_block_delta", "index": 0, "delta": delta}
        return f"event: content_block_delta\ndata: {json.dumps(data)}\n\n"
    choice = {"index": 0, "delta": {"content": word}, "finish_reason": None}
    data = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    return f"data: {json.dumps(data)}\n\ndata: [DONE]\n\n"


class Live(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-type", STREAM["content-type"])
        self.end_headers()
        self.wfile.write(answer(self.path, "live").encode())

    def log_message(self, *_):
        pass


@pytest.fixture
def live():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Live)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()


def said(base):
    raw = httpx.post(f"{base}/v1/messages").text
    yield "httpx", json.loads(raw.partition("data: ")[2])["delta"]["text"]
    with openai.OpenAI(api_key="none", base_url=base, max_retries=0) as client:
        yield "openai", next(iter(client.chat.completions.create(**ASKED))).choices[0].delta.content
    with anthropic.Anthropic(api_key="none", base_url=base, max_retries=0) as client:
        yield "anthropic", next(iter(client.messages.create(max_tokens=9, **ASKED))).delta.text


def told(request):
    return httpx.Response(200, headers=STREAM, text=answer(request.url.path, "mock"))


def test_respx(live):
    with respx.mock(assert_all_called=False) as mock:
        mock.route().mock(side_effect=told)
        for who, word in said(f"http://127.0.0.1:{live.server_port}"):
            print(f"\nrespx, {who}: {word}")


def test_pytest_httpx(live, httpx_mock):
    httpx_mock.add_callback(told, is_reusable=True)
    for who, word in said(f"http://127.0.0.1:{live.server_port}"):
        print(f"\npytest-httpx, {who}: {word}")


def test_vcrpy(tmp_path):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Live)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for mode in ("once", "none"):
        with vcr.use_cassette(str(tmp_path / "kept.yaml"), record_mode=mode):
            base = f"http://127.0.0.1:{server.server_port}"
            with openai.OpenAI(api_key="none", base_url=base, max_retries=0) as client:
                [chunk] = client.chat.completions.create(**ASKED)
        server.shutdown()
        server.server_close()
    print(f"\nvcrpy's recording, openai: {chunk.choices[0].delta.content}, the server gone")
PYTHON
cd "$place"
"$python" -m pytest -q -s -p no:cacheprovider test_mocks.py > said || { cat said; exit 1; }
grep -E '^(respx|pytest-httpx|vcrpy)' said | tee kept
diff kept - <<'EXPECTED'
respx, httpx: mock
respx, openai: live
respx, anthropic: live
pytest-httpx, httpx: mock
pytest-httpx, openai: live
pytest-httpx, anthropic: live
vcrpy's recording, openai: live, the server gone
EXPECTED
