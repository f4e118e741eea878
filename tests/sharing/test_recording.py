"""What a recorder writes: no secret but in answers, and with masking in those neither, in no page of the database."""

from __future__ import annotations

import json

import pytest

from streamlab.sharing.shared import Masking
from streamlab.storage.capture_db import CaptureDB
from streamlab.storage.frames import Frame, Kind, Reads
from streamlab.storage.recorder import Recorder
from tests.sharing.canaries import canaries, tells

_PAIRS = canaries(40)


class _Silent:
    def changed(self, draft) -> None: ...
    def warn(self, message: str) -> None: ...
    def tick(self) -> bool:
        return False

    def close(self) -> None: ...


def _frames(secret: str, connection: int) -> list[Frame | Reads]:
    """A conversation whose request and answer hold a secret, the answer in pieces."""
    asked = {"model": "m", "api_key": "hunter2hunter2", "messages": [{"content": f"my key {secret}"}]}
    body = json.dumps(asked).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: h\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    half = len(secret) // 2
    events = [
        b'data: {"choices":[{"index":0,"delta":{"content":' + json.dumps(one).encode() + b"}}]}\n\n"
        for one in ("it is ", secret[:half], secret[half:], " !")
    ]
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    said = [answer, *(b"%x\r\n%s\r\n" % (len(one), one) for one in events), b"0\r\n\r\n"]
    kinds = [(Kind.OPENED, b"\nhttp://up"), (Kind.REQUEST, head), (Kind.REQUEST_BODY, body)]
    kinds += [(Kind.RESPONSE, one) for one in said] + [(Kind.CLOSED, b"")]
    return [
        Reads(connection, [1_000_000 * (at + 1)], [data])
        if kind is Kind.RESPONSE
        else Frame(kind, connection, 1_000_000 * (at + 1), data)
        for at, (kind, data) in enumerate(kinds)
    ]


@pytest.mark.parametrize("masking", [None, Masking()])
def test_what_is_in_the_database(tmp_path, masking) -> None:
    path = tmp_path / "x.db"
    recorder = Recorder(path, None, _Silent(), "run", None, masking)
    assert recorder.start()
    written = b""
    for number, (_, secret) in enumerate(_PAIRS):
        for frame in _frames(secret, number):
            recorder.take([frame])
            if number < 4:
                recorder.write(at_once=True)
    recorder.write(at_once=True)
    for ending in ("", "-wal"):
        written += (tmp_path / f"x.db{ending}").read_bytes()
    recorder.interrupt("x")
    recorder.close()
    assert b"hunter2" not in written
    with CaptureDB(path) as database:
        for number, (prefix, secret) in zip(database.ids(), _PAIRS, strict=True):
            exchange = database.get(number)
            assert exchange.request is not None
            assert tells(secret, prefix).encode() not in exchange.request.body
            half = json.dumps(secret[: len(secret) // 2])[1:-1].encode()
            assert (half in exchange.body) is (masking is None)
            assert len(exchange.segments) == 4
            assert exchange.http_chunks == tuple(len(one.data) for one in exchange.segments)
            if masking is not None:
                assert secret[-9:].encode() not in written
