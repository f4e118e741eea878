"""Evidence as people paste it: what real tools, logs and chats made of two streams reads as those streams."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamlab.apis.registry import by_name
from streamlab.cli import main
from streamlab.errors import UnreadableInputError
from streamlab.exchange import Exchange
from streamlab.interop.curl_command import request_of
from streamlab.interop.reading import read_bytes
from streamlab.judging.analyzer import analyze
from streamlab.storage.bare_body import read_bare_body
from streamlab.storage.exchange_dir import read_exchange_dir
from tests import binary_frames, messages, streams
from tests.batches import batched

HOME = Path(__file__).parent / "pastes"
PASTES = sorted(HOME.glob("*/*.txt"))
#: Kinds in which only the events are left.
UNFRAMED = frozenset(
    (
        *("devtools", "devtools-headed", "grep", "grep-n", "jq", "json-array", "litellm", "litellm-stream"),
        *("openai-python", "python-dicts", "python-dicts-logged", "python-log"),
    )
)
#: Kinds that show the request.
ASKED = frozenset(
    (
        *("curl-request", "curl-request-body", "curl-trace", "curl-trace-ascii", "curl-trace-time", "fence-request"),
        *("httpie", "httpie-colours"),
    )
)


def _read(path: Path) -> Exchange:
    (exchange,) = read_bytes(path.name, path.read_bytes())
    return exchange


def test_there_are_enough_of_them() -> None:
    assert len({path.stem for path in PASTES}) >= 44
    assert {path.parent.name for path in PASTES} == {"clean", "faulty"}


@batched("path", PASTES)
def test_a_paste_gives_the_findings_of_its_origin(path: Path) -> None:
    origin = analyze(read_bare_body(read_exchange_dir(path.parent / "origin").body))
    read = _read(path)
    report = analyze(replace(read, request=None, end_us=None))
    framed = path.stem not in UNFRAMED
    assert read.notes.get("framing") == (None if framed else "unknown")
    assert {one.rule for one in report.findings} == {
        one.rule for one in origin.findings if framed or not by_name()[one.rule].needs_framing
    }
    assert report.completion == origin.completion


@pytest.mark.parametrize("kind", sorted(ASKED))
def test_the_request_above_is_kept_and_its_credentials_are_not(kind: str) -> None:
    read = _read(HOME / "clean" / f"{kind}.txt")
    assert read.request is not None
    assert read.request.method == "POST"
    assert read.request.url.endswith("/v1/chat/completions")
    assert json.loads(read.request.body or b"")["messages"] == [{"role": "user", "content": "Hi"}]
    assert "hunter2" not in repr(read)


def test_a_trace_with_times_has_reads() -> None:
    read = _read(HOME / "clean" / "curl-trace-time.txt")
    assert len(read.segments) > 1
    times = [segment.offset_us for segment in read.segments]
    assert None not in times
    assert times == sorted(times)  # type: ignore[type-var]
    assert read.timing_known


@pytest.mark.parametrize(
    "body",
    [
        streams.sse(streams.chat_text()),
        streams.sse(streams.chat_text()).replace(b"\n", b"\r\n"),
        streams.sse(streams.chat_text()).replace(b"\n\n", b"\n"),
        streams.sse(streams.chat_text()).replace(b"data: ", b"data:"),
        streams.sse(streams.chat_text()).replace(b"data: ", b"data: data: "),
        streams.sse(streams.chat_text()).replace(b"data: ", b""),
        streams.sse(streams.chat_text()).replace(b"data: ", b"Data: "),
        streams.sse(streams.chat_text()).replace(b"data: {", b",data: {"),
        b"\xef\xbb\xbf" + streams.sse(streams.chat_text()),
        streams.sse(streams.chat_text("> a\n* b", "data: x", "```")),
        b"data: {'choices': [{'index': 0}]}\n\n",
        streams.sse(streams.chat_text("a", "b@")).replace(b"b@", rb"\(x\_1\)"),
        streams.sse(streams.chat_text("a\u00a0b")),
        b'data: {"choices": [{"delta": {"content": "a\nb"}}]}\n\n',
    ],
)
def test_what_came_off_the_wire_is_evidence_and_stays_as_it_is(body: bytes) -> None:
    (read,) = read_bytes("x.sse", body)
    assert read.body == body
    assert read.notes == {}


@pytest.mark.parametrize(
    ("size", "rows"),
    [
        (b"5", b""),
        (b"9" * 5000, b"0000: data: {}"),
        (b"9" * 30, b"0000: data: {}"),
        (b"999999999", b"0000: data: {}"),
        (b"99", b"ffffffff: x\n0000: data: {}"),
        (b"99", b"0000: data: {}\nfffffff0: x"),
        (b"99", b"f" * 6000 + b": data: {}"),
    ],
    ids=["no rows", "5000 digits", "30 digits", "a gigabyte", "far", "a gap", "6000 digits"],
)
def test_a_trace_takes_no_more_than_it_shows(size: bytes, rows: bytes) -> None:
    """Sizes and offsets are somebody's words: bytes are not made up by the gigabyte to fill what they claim."""
    with contextlib.suppress(UnreadableInputError):
        (read,) = read_bytes("x.txt", b"<= Recv data, " + size + b" bytes (0x5)\n" + rows + b"\n")
        assert len(read.body) < 7000


def _dumped(kind: bytes, data: bytes) -> bytes:
    """One read, as ``--trace`` writes it."""
    rows = [(at, data[at : at + 16]) for at in range(0, len(data), 16)]
    lines = [b"<= Recv %s, %d bytes (0x%x)" % (kind, len(data), len(data))]
    return b"\n".join([*lines, *(b"%04x: %s  ." % (at, row.hex(" ").encode() + b" ") for at, row in rows), b""])


def test_chunks_of_a_trace_are_those_of_its_reads() -> None:
    chunk = b'17\r\ndata: {"choices": []}\n\n\r\n'
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    reads = [chunk[:9], chunk[9:] + chunk + chunk[:20], chunk[20:25], chunk[25:]]
    (read,) = read_bytes("x.txt", _dumped(b"header", head) + b"".join(_dumped(b"data", one) for one in reads))
    assert read.body == b'data: {"choices": []}\n\n' * 3


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n\n",
        b"upstream connect error",
        b"5",
        b"{}",
        b"[]",
        b'"x"',
        b": ping\n\n",
        b"<html></html>",
        b"root:x:0:0:root:/root:/bin/bash\nwww-data:x:33:33:www-data:/var/www:/usr/sbin/nologin\n",
        b'[build-system]\nrequires = ["x"]\n',
        b'frame = b"data: [DONE]\\n\\n"\n',
        streams.sse(streams.chat_text()).replace(b"data: ", b"data "),
        bytes(range(256)),
    ],
)
def test_what_holds_no_event_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], data: bytes
) -> None:
    (tmp_path / "x.sse").write_bytes(data)
    for words in (["check"], ["import", "--db", str(tmp_path / "x.db")], ["normalize"]):
        with pytest.raises(SystemExit) as caught:
            main([*words, str(tmp_path / "x.sse")])
        printed = capsys.readouterr()
        assert (caught.value.code, printed.err.count("\n")) == (2, 1)
        assert "✓" not in printed.out
    assert not (tmp_path / "x.db").exists()


def test_a_flow_file_of_mitmproxy_is_named() -> None:
    with pytest.raises(UnreadableInputError, match="a flow file of mitmproxy"):
        read_bytes("flows", b"1234:9:websocket;0:~8:response;5:hello,}")


@pytest.mark.parametrize(
    ("command", "method", "url", "body"),
    [
        ("curl -u me:secretword http://h/v1 -d '{}'", "POST", "http://h/v1", b"{}"),
        ("curl -sSNume:secretword http://h/v1", "GET", "http://h/v1", None),
        ("curl --proxy http://secretword@p:1 -x http://secretword@p --cacert a/b http://h/", "GET", "http://h/", None),
        ("curl --oauth2-bearer secretword -b secretword=1 -o out/f -w '%{http_code}' h.ex/v1", "GET", "h.ex/v1", None),
        ("curl --json '{\"a\":1}' --max-time 5 --retry=3 http://h/", "POST", "http://h/", b'{"a":1}'),
        ("curl -X PUT -T - -d a=1 -d b=2 http://h/ | jq .", "PUT", "http://h/", b"a=1&b=2"),
        ("curl -G -d a=1 http://h/", "GET", "http://h/", None),
        ("curl.exe ^\r\n  http://h/ ^\r\n -d $'it\\'s\\n'", "POST", "http://h/", b"it's\n"),
    ],
)  # fmt: skip
def test_a_command_line_gives_its_request_without_credentials(
    command: str, method: str, url: str, body: bytes | None
) -> None:
    request = request_of(command)
    assert request is not None
    assert (request.method, request.url, request.body) == (method, url, body)
    assert "secretword" not in repr(request)


@pytest.mark.parametrize("command", ["", "curl", "curl -d x", "curl 'unclosed", "wget http://h/"])
def test_what_is_no_command_line(command: str) -> None:
    assert request_of(command) is None


PIECES = ["data: {", "'", '"', "b'", "{'", "\n", "> ", "* ", "```", "1: ", "(", "Chunk(", "\x1b[0m"]


@given(st.lists(st.sampled_from(PIECES)))
def test_any_mixture_is_read_or_refused(pieces: list[str]) -> None:
    with contextlib.suppress(UnreadableInputError):
        read_bytes("x", "".join(pieces).encode())


def _binary(body):
    [made] = read_bytes("answer.bin", body)
    return made


def test_a_bare_file_of_binary_frames_is_read_as_bedrock_sends_it():
    body = b"".join(map(binary_frames.chunk, messages.text()))
    report = analyze(_binary(body))
    assert (report.api, report.findings) == ("anthropic.messages", ())
    flipped = body[:-1] + bytes([body[-1] ^ 1])
    assert "binary-message-corrupt" in {one.rule for one in analyze(_binary(flipped)).findings}
