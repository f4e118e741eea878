"""What repairs need is there before the first stream comes: the others would wait while that one loads it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_PROGRAM = """
import sys
from streamlab.workflows.record import RepairMode
from tests import messages, responses, streams

def warn(text):
    raise AssertionError(text)

make = RepairMode().factory(warn)
bodies = {
    "/v1/chat/completions": [streams.sse(streams.chat_text()), streams.sse(streams.chat_tools())],
    "/v1/completions": [streams.sse(streams.completions_text())],
    "/v1/responses": [streams.responses_sse(streams.responses_text()), streams.responses_sse(streams.responses_tool())],
    "/v1/messages": [messages.sse(messages.text()), messages.sse(messages.tools())],
}
before = set(sys.modules)
for path, found in bodies.items():
    for body in found:
        mends = make()
        mends.request(f"POST {path} HTTP/1.1\\r\\nHost: a\\r\\nContent-Length: 15\\r\\n\\r\\n".encode())
        mends.request_body(b'{"stream":true}')
        mends.feed(b"HTTP/1.1 200 OK\\r\\nContent-Type: text/event-stream\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n")
        for event in body.split(b"\\n\\n")[:-1]:
            event += b"\\n\\n"
            mends.feed(b"%x\\r\\n%b\\r\\n" % (len(event), event))
        mends.feed(b"0\\r\\n\\r\\n")
        assert not mends.failure
print(*sorted(set(sys.modules) - before))
"""


def test_a_stream_loads_nothing():
    run = [sys.executable, "-c", _PROGRAM]
    told = subprocess.run(run, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    assert told.stdout.split() == []
