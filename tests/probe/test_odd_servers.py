"""`streamlab probe` before servers that close after an error without a word, and that leave calls as text."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests import streams

CALL = '{"name": "look_up_weather", "arguments": {"place": "Oslo", "unit": "celsius"}}'


class _Odd(BaseHTTPRequestHandler):
    """Answers in HTTP/1.1; after a 500 it closes without having said so, and a call it writes as text."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if not isinstance(asked["messages"], list) or asked["messages"][-1]["role"] == "tool":
            self._answer(500, "application/json", b'{"error":{"message":"no","type":"server_error"}}')
            self.close_connection = True
            return
        text = CALL if asked.get("tools") and "tool" in asked["messages"][0]["content"] else "Salt stays."
        if asked.get("stream"):
            self._answer(200, "text/event-stream", streams.sse(streams.chat_text(text)))
        else:
            message = {"role": "assistant", "content": text}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            whole = streams.chunk(object="chat.completion", choices=[choice])
            self._answer(200, "application/json", streams.dump(whole))

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Quiet."""


@pytest.fixture(scope="module")
def probed(tmp_path_factory):
    """What a probe says of it, question by question."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Odd)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    db = tmp_path_factory.mktemp("odd") / "odd.db"
    command = [sys.executable, "-m", "streamlab", "probe", url, "--model", "m", "--db", str(db), "--json"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    return {one["name"]: one for one in json.loads(done.stdout)["features"]}


def _reasons(one: dict) -> tuple[str, str]:
    return one["streamed"]["reason"] or "", one["whole"]["reason"] or ""


def test_a_server_that_closes_after_an_error_is_asked_on_a_new_connection(probed):
    for name in ("n", "stop", "unknown-model"):  # each is asked after a refusal
        for reason in _reasons(probed[name]):
            assert "no answer" not in reason
            assert "truncated" not in reason


def test_a_call_left_as_text_is_shown(probed):
    for reason in _reasons(probed["tool-call"]):
        assert 'the call was left as text: {"name": "look_up_weather", "arguments": {"place": "Oslo"' in reason
    assert not any("left as text" in reason for reason in _reasons(probed["plain"]))
