"""What a recorder writes: no secret but in answers, and with masking in those neither, in no page of the database."""

from __future__ import annotations

import json
import random
from dataclasses import replace

import pytest
import zstandard

from streamlab.sharing.masking import mask_body
from streamlab.sharing.requests import mask_request
from streamlab.sharing.wanted import Masking
from streamlab.storage.capture_db import CaptureDB
from streamlab.storage.draft_parts import RequestDraft
from streamlab.storage.frames import Frame, Kind, Reads
from streamlab.storage.recorder import Recorder
from tests.observers import Silent
from tests.sharing.canaries import canaries, tells

_PAIRS = canaries(40)


def _frames(secret: str, connection: int) -> list[Frame | Reads]:
    """A conversation whose request and answer hold a secret, the answer in pieces."""
    asked = {"model": "m", "api_key": "hunter2hunter2", "messages": [{"content": f"my key {secret}"}]}
    body = json.dumps(asked).encode()
    head = f"POST /v1 HTTP/1.1\r\nHost: h\r\nx-{secret}: 1\r\nContent-Length: {len(body)}\r\n\r\n".encode()
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
    recorder = Recorder(path, None, Silent(), "run", None, masking)
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
            assert tells(secret, prefix) not in str(exchange.request.headers)
            half = json.dumps(secret[: len(secret) // 2])[1:-1].encode()
            assert (half in exchange.body) is (masking is None)
            assert len(exchange.segments) == 4
            assert exchange.http_chunks == tuple(len(one.data) for one in exchange.segments)
            if masking is not None:
                assert secret[-9:].encode() not in written


def _pages(path) -> bytes:
    """Everything of a database that is on disk."""
    return b"".join(one.read_bytes() for one in path.parent.iterdir() if one.name.startswith(path.name))


def _recorder(path, masking=None) -> Recorder:
    recorder = Recorder(path, None, Silent(), "run", None, masking)
    assert recorder.start()
    return recorder


def test_a_request_that_comes_in_pieces_leaves_no_beginning_of_a_key(tmp_path) -> None:
    """Cut at every offset, written in between, gone on with by another writer or not."""
    secrets = [secret for _, secret in _PAIRS[:3]]
    text = json.dumps({"api_key": "hunter2hunter2", "messages": [{"content": f"{secrets[0]} a {secrets[1]}"}]}).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: h\r\nContent-Length: {len(text)}\r\n\r\n".encode()
    for cut in (*range(10, len(text), 19), *range(17, 34, 4)):
        path = tmp_path / f"{cut}.db"
        recorder = _recorder(path)
        frames = [(Kind.OPENED, b"\nhttp://up"), (Kind.REQUEST, head), (Kind.REQUEST_BODY, text[:cut])]
        recorder.take([Frame(kind, 1, 1, data) for kind, data in frames])
        recorder.taken_to(1)
        recorder.write(at_once=True)
        if cut % 2:  # as if it had died
            recorder.file.close()
            recorder = _recorder(path)
        recorder.take([Frame(Kind.REQUEST_BODY, 1, 2, text[cut:])])
        recorder.write(at_once=True)
        written = _pages(path)
        for secret in (*secrets[:2], "hunter2hunter2"):
            assert secret[-12:-4].encode() not in written, cut
            assert secret[10:18].encode() not in written, cut
        recorder.interrupt("x")
        recorder.close()
        with CaptureDB(path) as database:
            body = database.get(1).request.body
        assert len(body) == len(text)
        assert json.loads(body)["messages"][0]["content"].count("x") > 40


def test_a_large_request_is_not_parted_within_a_secret_or_behind_its_name(monkeypatch) -> None:
    monkeypatch.setattr("streamlab.storage.draft_parts.INLINE_REQUEST", 20_000)
    member = b'"authorization": "hunter2 hunter2 hunter2", "url": "postgres://u:hunter2@h/", '
    for shift in range(0, len(member), 11):
        draft = RequestDraft("POST", "/", ())
        many = b"{" + b" " * shift + member * 290
        draft.add(many[:19_000])
        draft.add(many[19_000:])
        parts = [data for _, data in draft.parts] + [bytes(draft.body)]
        assert len(parts) > 1
        assert b"".join(parts) == many
        assert not [one for one in parts if b"hunter2" in mask_request(one, begins=one is parts[0]).data]


@pytest.mark.parametrize("inline", [1 << 20, 20_000])
def test_a_compressed_request_is_recorded_without_secrets(tmp_path, monkeypatch, inline) -> None:
    """While it comes nothing of it is; one that is too long to be decoded in one piece is masked as a whole."""
    monkeypatch.setattr("streamlab.storage.draft_parts.INLINE_REQUEST", inline)
    path, secret = tmp_path / "x.db", _PAIRS[0][1]
    said = json.dumps({"api_key": "hunter2hunter2", "filler": random.Random(3).randbytes(20_000).hex(), "x": secret})
    sent = zstandard.compress(said.encode())
    assert len(sent) > 20_000
    head = f"POST /v1 HTTP/1.1\r\nHost: h\r\nContent-Encoding: zstd\r\nContent-Length: {len(sent)}\r\n\r\n".encode()
    recorder = _recorder(path)
    recorder.take([Frame(Kind.OPENED, 1, 1, b"\nhttp://up"), Frame(Kind.REQUEST, 1, 1, head)])
    recorder.take([Frame(Kind.REQUEST_BODY, 1, 2, sent[:19_000])])
    recorder.write(at_once=True)
    assert sent[:64] not in _pages(path)
    recorder.take([Frame(Kind.REQUEST_BODY, 1, 2, sent[19_000:])])
    recorder.take([Reads(1, [3], [b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"])])
    recorder.interrupt("x")
    assert recorder.finish()
    recorder.close()
    with CaptureDB(path) as database:
        kept = database.get(1).request.body
    if inline < len(sent):
        assert kept == b"x" * len(sent)
    else:
        told = json.loads(zstandard.ZstdDecompressor().decompressobj().decompress(kept))
        assert (told["api_key"], told["filler"]) == ("x" * 14, json.loads(said)["filler"])
        assert secret[-12:] not in told["x"]


def test_what_no_framing_covers_is_masked_in_the_point_to_go_on_from_too(tmp_path) -> None:
    path, secret = tmp_path / "x.db", _PAIRS[0][1]
    recorder = _recorder(path, Masking())
    head = b"GET /v1 HTTP/1.1\r\nHost: h\r\n\r\n"
    said = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nno size, but %s\r\n" % secret.encode()
    recorder.take([Frame(Kind.OPENED, 1, 1, b"\nhttp://up"), Frame(Kind.REQUEST, 1, 1, head), Reads(1, [2], [said])])
    recorder.write(at_once=True)
    assert b"no size, but" in _pages(path)
    assert secret[-12:].encode() not in _pages(path)
    recorder.interrupt("x")
    recorder.close()


def test_trailers_leave_no_secret_in_the_point_to_go_on_from(tmp_path) -> None:
    """Of a request and of an answer, cut in and behind the line, gone on with by another writer or not."""
    head = b"POST /v1 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
    line = b"x-debug: my key is %s\r\n" % _PAIRS[0][1].encode()
    said = b"2\r\n{}\r\n0\r\n" + line + b"x-last: 1\r\n\r\n"
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    for number, cut in enumerate((44, 60, 61, len(said) - 9, len(said) - 2)):
        path = tmp_path / f"{number}.db"
        recorder = _recorder(path)
        recorder.take([Frame(Kind.OPENED, 1, 1, b"\nhttp://up"), Frame(Kind.REQUEST, 1, 1, head)])
        for first, rest in ((said[:cut], said[cut:]), (answer + said[:cut], said[cut:])):
            for data in (first, rest):
                recorder.take([Reads(1, [2], [data]) if first[:1] == b"H" else Frame(Kind.REQUEST_BODY, 1, 2, data)])
                recorder.taken_to(number + 1)
                recorder.write(at_once=True)
                assert _PAIRS[0][1][12:20].encode() not in _pages(path), cut
                if number % 2 == 0:  # as if it had died
                    recorder.file.close()
                    recorder = _recorder(path)
        recorder.close()
        with CaptureDB(path) as database:
            exchange = database.get(1)
            assert exchange.request.body == exchange.body == b"{}"
        for name in ("trailers", "request_trailers"):
            assert [one[0] for one in exchange.notes[name]][1:] == ["x-last"]
            assert "my key is" in str(exchange.notes[name]) or number == 0 or number == 2


def test_a_long_answer_is_masked_while_it_comes_wherever_it_is_parted(tmp_path, monkeypatch) -> None:
    """Of what is held in memory the older part is written; a key that lies across the place is masked all the same."""
    monkeypatch.setattr("streamlab.storage.draft._MOST_HELD", 3000)
    monkeypatch.setattr("streamlab.sharing.parts._KEPT_BACK", 1000)
    secret, path = _PAIRS[0][1], tmp_path / "x.db"
    text = "".join(f"{number} my key is {secret} and " for number in range(60))
    pieces = [text[at : at + 11] for at in range(0, len(text), 11)]
    events = [
        b'data: {"choices":[{"index":0,"delta":{"content":%s}}]}\n\n' % json.dumps(one).encode() for one in pieces
    ]
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
    recorder = _recorder(path, Masking())
    asked = b"GET /v1 HTTP/1.1\r\nHost: h\r\n\r\n"
    recorder.take([Frame(Kind.OPENED, 1, 1, b"\nhttp://up"), Frame(Kind.REQUEST, 1, 1, asked), Reads(1, [1], [head])])
    for number, event in enumerate(events):
        recorder.take([Reads(1, [number + 2], [event])])
        recorder.write(at_once=True)
    recorder.take([Frame(Kind.ENDED, 1, 10**6, b"upstream-fin"), Frame(Kind.CLOSED, 1, 10**6, b"")])
    recorder.write(at_once=True)
    with CaptureDB(path) as database:
        rows = database.connection.execute("SELECT count(*) FROM segments").fetchone()[0]
    assert rows > 5, "it was written while it came"
    recorder.close()
    with CaptureDB(path) as database:
        exchange = replace(database.get(1), segments=tuple(database.get(1).segments))
    assert exchange.body == mask_body(b"".join(events)).data
    assert [len(one.data) for one in exchange.segments] == list(map(len, events))
