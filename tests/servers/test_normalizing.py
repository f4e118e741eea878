"""`record --normalize`: clients get what mending the recording gives, and the capture what the server sent."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import itertools
import json
import re
import socket
import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import brotli
import openai
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from streamlab.exchange import Ending, Exchange, ResponseHead
from streamlab.judging.analyzer import analyze
from streamlab.repairing.account import Normalized
from streamlab.repairing.normalizer import Normalizer, normalize
from streamlab.rules.finding import Severity
from streamlab.servers.normalizing import RepairingTransformer
from streamlab.standins import Scenario, Standin, scenarios
from streamlab.standins.running import in_thread, serve_scenario
from streamlab.storage.capture_db import CaptureDB
from streamlab.wire.content_coding import BodyDecoder
from tests import streams
from tests.batches import batched
from tests.servers.harness import (
    END,
    FIN,
    HEAD,
    HOLD,
    RST,
    Proxy,
    Seen,
    Step,
    Upstream,
    chunk,
    event,
    eventually,
    fetch,
    get,
    openai_client,
    post,
    recording,
    run,
)
from tests.servers.test_fidelity import _decoded
from tests.streams import named, responses_text

_SYSTEMS = ("openai", "glm4", "chatglm3", "oneapi", "oneapi-gemini", "onehub", "gemini", "tgi", "faulty")
_ALL = {f"{name}/{one.name}": (name, one) for name in _SYSTEMS for one in scenarios(name)}
_ASKED = b'{"model":"m","stream":true,"messages":[]}'
_PATH = "/v1/chat/completions"


@dataclass(frozen=True)
class Live:
    """One scenario through the mending proxy: what the client got, what was recorded, what mending offline gives."""

    scenario: Scenario
    seen: Seen
    stored: Exchange
    offline: Normalized


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Live]:
    """Every scenario of every stand-in, over sockets, each as a tap of one proxy."""
    tmp_path = tmp_path_factory.mktemp("mended")
    with contextlib.ExitStack() as stack:
        running: dict[str, Standin] = {
            name: stack.enter_context(in_thread(serve_scenario(standin, one, gap_ms=0.2)))
            for name, (standin, one) in _ALL.items()
        }
        taps = [part for name, one in running.items() for part in ("--tap", f"{name}=127.0.0.1:0={one.base_url}")]
        with recording(tmp_path, "--normalize", *taps, count=len(taps) // 2) as proxy:
            seen = {}
            for port, name in zip(proxy.ports, _ALL, strict=True):
                one = _ALL[name][1]
                path = running[name].base_url.partition("//")[2].partition("/")[2]
                seen[name] = run(fetch(port, post(f"/{path}{one.path}", json.dumps(one.body).encode()), seconds=10))
            assert proxy.stop() == 0, proxy.stderr
    with CaptureDB(proxy.db) as db:
        stored = {str(one.tap): one for one in (_whole(db, number) for number in db.ids())}
    return {name: Live(_ALL[name][1], seen[name], stored[name], normalize(stored[name])) for name in _ALL}


def _whole(db: CaptureDB, number: int) -> Exchange:
    exchange = db.get(number)
    fields = {name: getattr(exchange, name) for name in Exchange.__dataclass_fields__}
    return Exchange(**{**fields, "segments": tuple(exchange.segments)})


@batched("name", _ALL)
def test_the_client_gets_what_repairing_the_recording_gives(played: dict[str, Live], name: str) -> None:
    live = played[name]
    if live.stored.head is None:
        assert live.seen.status == 502
        return
    body, chunks = _decoded(live.seen.raw)
    head = live.seen.raw.partition(b"\r\n\r\n")[0].lower()
    stored = BodyDecoder(live.stored.head.header("content-encoding")).feed(live.stored.body)
    assert live.seen.status == live.stored.head.status
    assert body in (live.offline.exchange.body, live.stored.body)
    if body not in (live.stored.body, stored):
        assert b"content-encoding" not in head
    if live.seen.status == 200 and live.scenario.body.get("stream"):
        assert body == live.offline.exchange.body
        assert b"text/event-stream" in head
        assert b"charset=utf-8" in head or b"charset" not in head
        assert b"content-length" not in head
        assert chunks is not None
    ended = live.stored.ending is Ending.COMPLETE and live.stored.notes["ending_reason"] == "end-of-message"
    assert (live.seen.ending == "message") == (ended or live.seen.ending == "message")


@batched("name", _ALL)
def test_the_capture_holds_what_the_server_sent(played: dict[str, Live], name: str) -> None:
    live = played[name]
    found = {finding.rule for finding in analyze(live.stored).findings}
    assert set(live.scenario.rules) <= found


def _client(port: int, path: str = "/v1") -> openai.OpenAI:
    return openai_client(f"http://127.0.0.1:{port}{path}")


@dataclass(frozen=True)
class Got:
    text: str
    calls: tuple[tuple[str, str], ...]
    finish: str | None
    error: str


def _ask(client: openai.OpenAI, body: dict[str, object]) -> Got:
    text, finish, error, calls = "", None, "", {}
    try:
        for one in client.chat.completions.create(**body):  # type: ignore[call-overload]
            for choice in one.choices:
                text += choice.delta.content or ""
                finish = choice.finish_reason or finish
                for call in choice.delta.tool_calls or ():
                    name, arguments = calls.get(call.index, ("", ""))
                    calls[call.index] = (name + (call.function.name or ""), arguments + (call.function.arguments or ""))
    except openai.APIError as caught:
        error = str(caught)
    return Got(text, tuple(calls.values()), finish, error)


_PYTHON = {
    "glm4/newline": ("stop", False),
    "glm4/tool-ids": ("tool_calls", False),
    "glm4/nested-chunk": ("stop", False),
    "glm4/follow-up-500": (None, True),
    "chatglm3/plain": ("stop", False),
    "chatglm3/eight-characters": ("stop", False),
    "chatglm3/short-empty": (None, True),
    "oneapi/tgi-no-space": (None, True),
    "oneapi-gemini/stop-everywhere": ("stop", False),
    "oneapi-gemini/no-finish": (None, False),
    "onehub/double-finish": ("tool_calls", False),
    "onehub/stop-on-content": ("stop", False),
    "tgi/no-space": ("stop", False),
    "tgi/object-tool-call": ("tool_calls", False),
    "tgi/eos-token": ("stop", False),
    "faulty/reset-mid-stream": (None, True),
    "faulty/gzip-stream": ("stop", False),
    "faulty/json-instead": ("stop", False),
}
#: What no repair may touch: text that is an answer of its own, and an end that never came.
_STAYS = {
    "glm4/nested-chunk": ["content-is-nested-chunk"],
    "oneapi-gemini/no-finish": ["finish-reason-missing"],
}


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Got, Got, Exchange]]:
    """What openai-python gets of each, twice over one connection, and the first as it was recorded."""
    tmp_path = tmp_path_factory.mktemp("answers")
    with contextlib.ExitStack() as stack:
        running = {name: stack.enter_context(in_thread(serve_scenario(*_ALL[name], gap_ms=0.2))) for name in _PYTHON}
        taps = [part for name, one in running.items() for part in ("--tap", f"{name}=127.0.0.1:0={one.base_url}")]
        got = {}
        with recording(tmp_path, "--normalize", *taps, count=len(running)) as proxy:
            for port, (name, server) in zip(proxy.ports, running.items(), strict=True):
                path = "/" + server.base_url.partition("//")[2].partition("/")[2]
                with _client(port, path) as client:
                    got[name] = [_ask(client, dict(_ALL[name][1].body)) for _ in range(2)]
            assert proxy.stop() == 0, proxy.stderr
    with CaptureDB(proxy.db) as db:
        stored = {str(one.tap): one for one in (_whole(db, number) for number in reversed(list(db.ids())))}
    return {name: (*got[name], stored[name]) for name in _PYTHON}


@batched("name", _PYTHON)
def test_openai_python_gets_text_calls_and_finish(name: str, answers: dict[str, tuple[Got, Got, Exchange]]) -> None:
    first, second, stored = answers[name]
    assert first == second, "the connection can be used again"
    finish, fails = _PYTHON[name]
    assert (first.finish, bool(first.error)) == (finish, fails), first
    if fails:
        return
    report = analyze(normalize(stored).exchange)
    held = report.completion
    assert first.text == (held["content"] or "")
    assert [json.loads(arguments) for _, arguments in first.calls] == [
        json.loads(call["function"]["arguments"]) for call in held["tool_calls"]
    ]
    left = [one.rule for one in report.findings if one.severity is Severity.ERROR]
    assert sorted(left) == sorted(_STAYS.get(name, []))


# --- an upstream of our own, to the byte


def _content(text: str, finish: str | None = None) -> bytes:
    base = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return event(json.dumps({**base, "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": finish}]}))


def _role() -> bytes:
    base = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    delta = {"role": "assistant", "content": ""}
    return event(json.dumps({**base, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}))


_GOOD = [HEAD, _role(), _content("hi"), _content("", "stop"), event("[DONE]"), END]
_WHOLE = json.dumps(
    {
        "id": "c",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "seven"}, "finish_reason": "stop"}],
    }
).encode()
_JSON = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Odd:  kept as it is\r\nContent-Length: %d\r\n\r\n%b"
    % (
        len(_WHOLE),
        _WHOLE,
    )
)
_LIMITED = b'{"error":{"message":"slow down","type":"requests","param":null,"code":"rate_limit_exceeded"}}'
_429 = b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 2\r\nContent-Length: %d\r\n\r\n%b" % (len(_LIMITED), _LIMITED)
_502 = b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: 15\r\n\r\n<h1>nginx</h1>\n"
_EMPTY = [HEAD, END]


@contextlib.contextmanager
def _repair_mode(tmp_path: Path, steps: list[object], *options: str) -> Iterator[tuple[Upstream, Proxy]]:
    with (
        Upstream({_PATH: steps}) as upstream,  # type: ignore[dict-item]
        recording(tmp_path, "--normalize", "--upstream", upstream.url, *options) as proxy,
    ):
        yield upstream, proxy
        assert proxy.stop() == 0, proxy.stderr


def test_a_conforming_stream_arrives_byte_for_byte(tmp_path: Path) -> None:
    with _repair_mode(tmp_path, list(_GOOD)) as (upstream, proxy):
        direct, proxied = (run(fetch(port, post(_PATH, _ASKED))) for port in (upstream.port, proxy.port))
    assert _decoded(proxied.raw)[0] == _decoded(direct.raw)[0]
    assert proxied.ending == "message"


@pytest.mark.parametrize(
    ("answer", "asked"),
    [
        (_JSON, post(_PATH, b'{"stream":false}')),
        (_429, post(_PATH, _ASKED)),
        (b"HTTP/1.1 204 No Content\r\nX-A: b\r\n\r\n", post(_PATH, _ASKED)),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", get(_PATH, method="HEAD")),
        (b"HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n" + _JSON, get(_PATH)),
        (b"nonsense\r\n\r\n", post(_PATH, _ASKED)),
        (b"HTTP/1.1 500 Oops\r\nContent-Length: 100\r\n\r\nhalf", post(_PATH, _ASKED)),
    ],
    ids=["unstreamed", "429", "204", "head", "early-hints", "no-http", "cut-error"],
)
def test_what_is_no_stream_goes_through_untouched(tmp_path: Path, answer: bytes, asked: bytes) -> None:
    with _repair_mode(tmp_path, [answer, 0.02, FIN]) as (upstream, proxy):
        direct, proxied = (run(fetch(port, asked, until=lambda _: False)) for port in (upstream.port, proxy.port))
    assert (proxied.raw, proxied.ending) == (direct.raw, direct.ending)


def test_an_error_page_becomes_an_error_object(tmp_path: Path) -> None:
    with _repair_mode(tmp_path, [_502]) as (_, proxy):
        seen = run(fetch(proxy.port, post(_PATH, _ASKED)))
    assert (seen.status, seen.ending) == (502, "message")
    assert "nginx" in json.loads(seen.body)["error"]["message"]
    assert b"application/json" in seen.raw
    with CaptureDB(proxy.db) as db:
        assert db.get(1).body == b"<h1>nginx</h1>\n"


@pytest.mark.parametrize(
    ("end", "ending", "reason"),
    [([FIN], "fin", "missing-terminator"), ([RST], "rst", "rst"), ([b"zz\r\n", HOLD], "fin", "bad-framing: ")],
)
def test_a_cut_is_said_and_stays_a_cut(tmp_path: Path, end: list[object], ending: str, reason: str) -> None:
    with _repair_mode(tmp_path, [HEAD, _role(), _content("half"), 0.05, *end]) as (_, proxy):
        seen = run(fetch(proxy.port, post(_PATH, _ASKED)))
    assert seen.ending == ending
    assert not seen.raw.endswith(END)
    body, _ = _decoded(seen.raw + b"0\r\n\r\n")
    last = json.loads(body.rstrip().rpartition(b"data: ")[2])
    assert last["error"]["code"] == "upstream_truncated"
    assert b"[DONE]" not in body
    with CaptureDB(proxy.db) as db:
        assert db.get(1).notes["ending_reason"].startswith(reason)
        assert b"error" not in db.get(1).body


@pytest.mark.parametrize("end", [END, FIN, RST], ids=["ended", "fin", "rst"])
def test_openai_python_is_told_that_a_response_stopped(tmp_path: Path, end: Step) -> None:
    events = [chunk(named(payload)) for payload in responses_text("half", " an")[:6]]
    seen = []

    def read(client: openai.OpenAI) -> None:
        for one in client.responses.create(model="m", input="x", stream=True):
            seen.append(one)

    with (
        Upstream({"/v1/responses": [HEAD, *events, 0.05, end]}) as upstream,
        recording(tmp_path, "--upstream", upstream.url, "--normalize") as proxy,
        _client(proxy.port) as client,
        pytest.raises(openai.APIError) as raised,
    ):
        read(client)
    assert [one.type for one in seen] == [payload["type"] for payload in responses_text("half", " an")[:6]]
    assert (type(raised.value), raised.value.code) == (openai.APIError, "upstream_truncated")


def test_an_answer_whose_message_does_not_end_is_ended(tmp_path: Path) -> None:
    with _repair_mode(tmp_path, [*_GOOD[:-1], HOLD]) as (upstream, proxy):
        with _client(proxy.port) as client:
            got = _ask(client, {"model": "m", "messages": [], "stream": True})
        assert got == Got("hi", (), "stop", "")  # the upstream holds its message open: ours has ended
        seen = run(fetch(proxy.port, post(_PATH, _ASKED)))
        assert seen.raw.endswith(b"data: [DONE]\n\n\r\n" + END)
        eventually(lambda: _PATH in upstream.closed_at)
    with CaptureDB(proxy.db) as db:
        assert {db.get(number).ending for number in db.ids()} == {Ending.CLIENT_LEFT}


def test_streams_and_others_share_a_connection(tmp_path: Path) -> None:
    """Pipelined, so that one read holds the end of one answer and the beginning of the next."""
    asked = post(_PATH, b'{"stream":false}') + post(_PATH, _ASKED) + post(_PATH, b'{"stream":false}')
    with _repair_mode(tmp_path, [_JSON]) as (_, proxy):
        seen = run(fetch(proxy.port, asked, until=lambda seen: seen.raw.count(_WHOLE) == 2))
    first, middle, last = seen.raw.partition(_JSON)
    assert (first, middle) == (b"", _JSON)
    assert last.endswith(END + _JSON)
    assert b'"content":"seven"' in _decoded(last)[0]


def test_a_compressed_stream_is_sent_plain(tmp_path: Path) -> None:
    plain = b"".join(_decoded(b"".join([*_GOOD]))[:1])  # type: ignore[arg-type]
    packed = gzip.compress(plain)
    head = HEAD.replace(b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\n")
    with _repair_mode(tmp_path, [head, chunk(packed[:20]), 0.01, chunk(packed[20:]), END]) as (_, proxy):
        seen = run(fetch(proxy.port, post(_PATH, _ASKED)))
    assert b"gzip" not in seen.raw
    assert _decoded(seen.raw)[0] == plain
    with CaptureDB(proxy.db) as db:
        assert db.get(1).body == packed


def test_a_client_of_http_1_0_gets_no_chunks(tmp_path: Path) -> None:
    with _repair_mode(tmp_path, list(_GOOD)) as (_, proxy):
        seen = run(fetch(proxy.port, post(_PATH, _ASKED).replace(b"HTTP/1.1", b"HTTP/1.0"), until=lambda _: False))
    assert seen.ending == "fin"
    assert b"chunked" not in seen.raw
    assert seen.body == _decoded(b"".join([*_GOOD]))[0]  # type: ignore[arg-type]


@pytest.mark.parametrize("head", [b"", b"Transfer-Encoding: chunked\r\n"])
def test_a_request_in_chunks_is_understood(tmp_path: Path, head: bytes) -> None:
    asked = b"POST %b HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n" % _PATH.encode()
    asked += chunk(_ASKED[:7]) + chunk(_ASKED[7:]) + END
    with _repair_mode(tmp_path, [_JSON]) as (_, proxy):
        seen = run(fetch(proxy.port, asked if head else post(_PATH, _ASKED)))
    assert b"chat.completion.chunk" in seen.raw


# --- asking again


def _empty_when_streamed(tmp_path: Path, *options: str) -> contextlib.AbstractContextManager[tuple[Standin, Proxy]]:
    @contextlib.contextmanager
    def running() -> Iterator[tuple[Standin, Proxy]]:
        standin, scenario = _ALL["chatglm3/short-empty"]
        with (
            in_thread(serve_scenario(standin, scenario, gap_ms=0.2)) as server,
            recording(tmp_path, "--normalize", "--upstream", server.base_url, *options) as proxy,
        ):
            yield server, proxy
            assert proxy.stop() == 0, proxy.stderr

    return running()


def test_an_empty_answer_is_asked_for_again_unstreamed(tmp_path: Path) -> None:
    body = dict(_ALL["chatglm3/short-empty"][1].body)
    with _empty_when_streamed(tmp_path, "--retry-unstreamed") as (_, proxy), _client(proxy.port) as client:
        got = [_ask(client, body) for _ in range(2)]
        whole = client.chat.completions.create(**{**body, "stream": False})
    assert got[0] == got[1] == Got(whole.choices[0].message.content, (), "stop", "")
    with CaptureDB(proxy.db) as db:
        stored = [_whole(db, number) for number in db.ids()]
    assert [bool(one.body) for one in stored] == [False, True, False, True, True]
    assert {one.ending for one in stored} == {Ending.COMPLETE}
    assert stored[1].request is not None
    assert json.loads(stored[1].request.body or b"")["stream"] is False


def test_without_being_told_to_nobody_asks_again(tmp_path: Path) -> None:
    body = dict(_ALL["chatglm3/short-empty"][1].body)
    with _empty_when_streamed(tmp_path) as (_, proxy), _client(proxy.port) as client:
        assert "without an answer" in _ask(client, body).error
    with CaptureDB(proxy.db) as db:
        assert db.count() == 1


@pytest.mark.parametrize(
    "empty", [_EMPTY, [b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"], [HEAD[:17] + b"\r\n", FIN]]
)
def test_an_upstream_that_has_nothing_to_say_either_way(tmp_path: Path, empty: list[object]) -> None:
    with _repair_mode(tmp_path, empty, "--retry-unstreamed") as (upstream, proxy):
        seen = run(fetch(proxy.port, post(_PATH, _ASKED, "Authorization: Bearer k\r\n")))
        assert [b'"stream": false' in one for one in upstream.requests] == [False, True]
        assert all(b"Authorization: Bearer k" in one for one in upstream.requests)
        assert upstream.requests[1].count(b"Host: 127.0.0.1:%d\r\n" % upstream.port) == 1
    assert b"empty_stream" in seen.raw
    with CaptureDB(proxy.db) as db:
        assert db.count() == 2


def test_a_client_that_leaves_while_it_is_asked_again(tmp_path: Path) -> None:
    with _repair_mode(tmp_path, _EMPTY, "--retry-unstreamed") as (upstream, proxy):

        def both_asked(_: Seen) -> bool:
            upstream.scripts[_PATH] = [HOLD]
            return False

        upstream.scripts[_PATH] = [HEAD, 0.2, END]
        run(fetch(proxy.port, post(_PATH, _ASKED), until=both_asked, seconds=1.0))
    with CaptureDB(proxy.db) as db:
        assert [db.get(number).ending for number in db.ids()] == [Ending.COMPLETE, Ending.CLIENT_LEFT]


@pytest.mark.parametrize("option", ["--unsafe", "--retry-unstreamed"])
def test_how_to_repair_needs_repairing(tmp_path: Path, option: str) -> None:
    from tests.servers.test_withstand import _refused

    result = _refused(tmp_path, "--upstream", "http://127.0.0.1:1/v1", option)
    assert result.returncode == 2
    assert "--normalize" in result.stderr


def test_unsafe_repairs_are_made_on_request(tmp_path: Path) -> None:
    steps: list[object] = [HEAD, _role(), _content("hi"), event("[DONE]"), END]
    finishes = []
    for option in ((), ("--unsafe",)):
        with _repair_mode(tmp_path, steps, *option) as (_, proxy):
            finishes.append(run(fetch(proxy.port, post(_PATH, _ASKED))).raw.count(b'"finish_reason":"stop"'))
    assert finishes == [0, 1]


#: `streamlab record` whose repairs raise at [DONE].
_BROKEN = """
import sys
from streamlab.apis.chat.repairs.closing import Closing
whole = Closing.event
Closing.event = lambda self, draft: whole(self, draft) if draft.is_chunk else 1 // 0
sys.argv = ["streamlab", *sys.argv[4:]]
from streamlab.cli import main
main()
"""


def test_a_repair_that_raises_costs_nothing_of_the_answer(tmp_path: Path) -> None:
    """What was held goes out as it came, and so does the rest; the exchange says so, and the exit code."""
    finish = b'data:{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
    steps: list[object] = [HEAD, _role(), _content("hi"), chunk(finish), event("[DONE]"), chunk(b": late\n\n"), END]
    with Upstream({_PATH: steps}) as upstream:  # type: ignore[dict-item]
        prefix = (sys.executable, "-c", _BROKEN)
        with recording(tmp_path, "--upstream", upstream.url, "--normalize", prefix=prefix) as proxy:
            seen = run(fetch(proxy.port, post(_PATH, _ASKED)))
            assert proxy.stop() == 3
            assert "ZeroDivisionError" in proxy.stderr
    assert finish + b"data: [DONE]\n\n: late\n\n" in seen.body
    with CaptureDB(tmp_path / "capture.db") as db:
        assert "ZeroDivisionError" in db.get(1).notes["repair-failed"]


# --- what asks too much


def _packed(*pieces: bytes, times: int = 1) -> bytes:
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    return b"".join([*(packer.compress(piece) for _ in range(times) for piece in pieces), packer.flush()])


_MIB = 1 << 20
#: MiB of a bomb: more than is repaired of a compressed body, and more than a proxy may grow by.
_SIZE = 54
_MAY_GROW = 48
#: Packed when they are first asked for: it takes a while.
_BOMBS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "one event": ("gzip", lambda: _packed(b"data: ") + _packed(b"x" * _MIB, times=_SIZE)),
    "lines": ("gzip", lambda: _packed(b"data: x\n" * (_MIB // 8), times=_SIZE)),
    "blank lines": ("gzip", lambda: _packed(b"\n" * _MIB, times=_SIZE)),
    "one JSON": ("gzip", lambda: _packed(b'{"a":"') + _packed(b"y" * _MIB, times=_SIZE)),
    "objects": ("gzip", lambda: _packed(b'{"choices":[') + _packed(b'{"a":1},' * (_MIB // 8), times=_SIZE)),
    "nested": ("gzip, gzip", lambda: _packed(_packed(b"data:\n\n" * (_MIB // 7), times=_SIZE))),
    "brotli": ("br", lambda: brotli.compress(b"data: " + b"x" * (_SIZE * _MIB), quality=2)),
    "zstd": ("zstd", lambda: zstandard.compress(b"data: " + b"x" * (_SIZE * _MIB))),
}
_PACED = 120


@cache
def _bomb_of(name: str) -> tuple[str, bytes]:
    """Its Content-Encoding, and the body."""
    coding, pack = _BOMBS[name]
    return coding, pack()


def _bomb(name: str) -> list[Step]:
    coding, packed = _bomb_of(name)
    return [HEAD.replace(b"\r\n\r\n", b"\r\nContent-Encoding: %b\r\n\r\n" % coding.encode()), chunk(packed), END]


def _peak(pid: int) -> int:
    """Bytes of memory a process has held at most."""
    return int(re.findall(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[0]) * 1024


async def _beside(ports: list[int]) -> tuple[Seen, Seen, int]:
    """A paced stream beside which a bomb goes off; and how many of its events came meanwhile."""
    paced = asyncio.create_task(fetch(ports[1], post(_PATH, _ASKED), seconds=300))
    await asyncio.sleep(0.2)
    loop = asyncio.get_running_loop()
    began = loop.time()
    blown = await fetch(ports[0], post(_PATH, _ASKED), seconds=300)
    ended = loop.time()
    seen = await paced
    meanwhile = b"".join(data for at, data in seen.reads if began < at < ended)
    return seen, blown, meanwhile.count(b"data:")  # a client with so much to read takes several at once


async def _unread(ports: list[int]) -> Seen:
    """A paced stream beside a bomb that nobody reads."""
    with socket.create_connection(("127.0.0.1", ports[0])) as sock:
        sock.sendall(post(_PATH, _ASKED))
        return await fetch(ports[1], post(_PATH, _ASKED), seconds=300)


@pytest.mark.slow
def test_bombs_take_no_memory_and_hold_nobody_up(tmp_path: Path) -> None:
    """One after another in one recorder, each beside a stream, which goes on meanwhile; then one that nobody reads."""
    bombs = [Upstream({_PATH: _bomb(name)}) for name in _BOMBS]
    steps = [step for at in range(_PACED) for step in (_content(str(at)), 0.005)]
    with contextlib.ExitStack() as stack:
        paced = stack.enter_context(Upstream({_PATH: [HEAD, _role(), *steps, END]}))
        running = [*(stack.enter_context(one) for one in bombs), paced]
        taps = [part for at, one in enumerate(running) for part in ("--tap", f"{at}=127.0.0.1:0={one.url}")]
        proxy = stack.enter_context(recording(tmp_path, "--normalize", *taps, count=len(running)))
        *ports, beside = proxy.ports
        before = _peak(proxy.process.pid)
        for name, port in zip(_BOMBS, ports, strict=True):
            seen, blown, meanwhile = run(_beside([port, beside]))
            assert (seen.ending, blown.ending in ("message", "fin")) == ("message", True), name
            assert meanwhile > 3, name
            assert _peak(proxy.process.pid) - before < _MAY_GROW * _MIB, name
        assert run(_unread([ports[0], beside])).ending == "message"
        assert _peak(proxy.process.pid) - before < _MAY_GROW * _MIB
        assert proxy.stop() == 0, proxy.stderr
    with CaptureDB(proxy.db) as stored:
        bodies = [stored.get(number).body for number in stored.ids()]
    assert [name for name in _BOMBS if _bomb_of(name)[1] not in bodies] == []


def test_turns_give_what_one_go_would() -> None:
    """Each takes a while only, and together they give what mending the recording gives."""
    coding, packed = "gzip, gzip", _packed(_packed(b"data:\n\n" * (_MIB // 56)))
    transformer = RepairingTransformer()
    head, _, body = post(_PATH, _ASKED).partition(b"\r\n\r\n")
    transformer.request(head + b"\r\n\r\n")
    transformer.request_body(body)
    coded = HEAD.replace(b"\r\n\r\n", b"\r\nContent-Encoding: %b\r\n\r\n" % coding.encode())
    out = [transformer.feed(coded + chunk(packed) + END)]
    assert transformer.more
    assert not transformer.waiting
    while transformer.more:
        out.append(transformer.go_on())
    normalizer = Normalizer(streams.request_for(), ResponseHead(200, (("content-encoding", coding),)))
    assert _decoded(b"".join(out))[0] == normalizer.feed(packed) + normalizer.finish()
    assert len(out) > 3
    assert max(map(len, out)) < 2 * _MIB


# --- laws


_RESPONSES = [
    b"".join(step for step in _GOOD if isinstance(step, bytes)),
    _JSON,
    _429,
    _502,
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    HEAD + _content("a", "stop") + _content("b", "stop") + b"0\r\nX-T: 1\r\n\r\n",
]


def _through(pieces: list[bytes], count: int, how: str = "fin") -> bytes:
    transformer = RepairingTransformer()
    for _ in range(count):
        head, _, body = post(_PATH, _ASKED).partition(b"\r\n\r\n")
        transformer.request(head + b"\r\n\r\n")
        transformer.request_body(body)
    return b"".join([*map(transformer.feed, pieces), transformer.finish(how)])


@given(st.lists(st.sampled_from(_RESPONSES), max_size=4), st.lists(st.integers(0, 2000), max_size=8))
def test_any_cut_gives_the_same(answers: list[bytes], cuts: list[int]) -> None:
    data = b"".join(answers)
    bounds = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    pieces = [data[start:stop] for start, stop in itertools.pairwise(bounds)]
    whole, cut = _through([data], len(answers)), _through(pieces, len(answers))
    assert _without_chunks(whole) == _without_chunks(cut)


def _without_chunks(raw: bytes) -> bytes:
    """Chunk sizes depend on the cuts; everything else does not."""
    return re.sub(rb"\r\n[0-9a-f]+\r\n(?=data: |\{|\Z)|\r\n(?=[0-9a-f]+\r\n)", b"", raw)


@given(st.lists(st.binary(max_size=80), max_size=4), st.sampled_from(["fin", "rst", "timeout"]))
def test_nothing_raises(pieces: list[bytes], how: str) -> None:
    _through(pieces, 2, how)
    _through([HEAD, *pieces], 2, how)
    _through([HEAD + b"5\r\n", *pieces], 1, how)
