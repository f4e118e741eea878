"""The proxy among the badly behaved: upstreams, clients, disks, and kill -9."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from streamlab.exchange import Ending, Exchange
from streamlab.storage.capture_db import CaptureDB
from streamlab.wire.content_coding import MAX_DECODED
from tests.servers.harness import (
    END,
    FIN,
    HEAD,
    HOLD,
    RECORD,
    RST,
    Proxy,
    Seen,
    Upstream,
    chunk,
    event,
    eventually,
    fetch,
    get,
    judged_patiently,
    post,
    recording,
    run,
    set_reset_on_close,
)

_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
_STREAM = [HEAD, *[step for number in range(400) for step in (event(f"{number}"), 0.01)], END]
_LINE = b"data: " + b"x" * (64 * 2**20) + b"\n\n"
_BIG = 128 * 2**20

SCRIPTS = {
    "/v1/ok": [_OK],
    "/v1/reset-before-head": [RST],
    "/v1/close-before-head": [0.05, FIN],
    "/v1/reset-in-head": [b"HTTP/1.1 200 OK\r\nContent-Type: text/pl", 0.05, RST],
    "/v1/reset-after-head": [HEAD, 0.05, RST],
    "/v1/reset-mid-chunk": [HEAD, b"400\r\ndata: half", 0.05, RST],
    "/v1/silence": [HOLD],
    "/v1/stall": [HEAD, event("1"), HOLD],
    "/v1/stream": _STREAM,
    "/v1/garbage": [b"\x00\xff\x01 this is no HTTP\r\n\r\n", 0.05, FIN],
    "/v1/two-lengths": [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nokk", 0.05, FIN],
    "/v1/huge-header": [b"HTTP/1.1 200 OK\r\nX-Big: " + b"h" * 2**20 + b"\r\nContent-Length: 2\r\n\r\nok"],
    "/v1/endless-header": [b"HTTP/1.1 200 OK\r\nX-Big: ", *[b"h" * 2**20] * 6, FIN],
    "/v1/line": [HEAD, chunk(_LINE), END],
    "/v1/big": [b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % _BIG, *[b"b" * 2**20] * 128],
    "/v1/204": [b"HTTP/1.1 204 No Content\r\n\r\n"],
    "/v1/early": [0.05, b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig", FIN],
    "/v1/upgrade": [b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nhello", HOLD],
    "/v1/surplus": [_OK + b"and more", 0.05, FIN],
}


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with Upstream(dict(SCRIPTS)) as running:
        yield running


@pytest.fixture(scope="module")
def proxy(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """One proxy for many tests: each also shows that it went on serving after the one before."""
    with recording(tmp_path_factory.mktemp("withstand"), "--upstream", upstream.url) as running:
        yield running
        assert running.stop() == 0, running.stderr


def _stored(proxy: Proxy, path: str, *, ended: bool = True) -> Exchange:
    """The latest exchange of a path (with its query, where one is given), once it has ended, read whole."""

    def look() -> Exchange | None:
        with CaptureDB(proxy.db) as db:
            urls = [(row, row.url or "") for row in db.overview()]
            found = [row for row, url in urls if (url if "?" in path else url.partition("?")[0]).endswith(path)]
            if not found or (ended and found[-1].in_progress):
                return None
            exchange = db.get(found[-1].id)
            return Exchange(**{**_fields(exchange), "segments": tuple(exchange.segments)})

    found = eventually(look)
    assert isinstance(found, Exchange)
    return found


def _fields(exchange: Exchange) -> dict[str, object]:
    return {name: getattr(exchange, name) for name in Exchange.__dataclass_fields__}


def _error(seen: Seen) -> dict[str, str]:
    error: dict[str, str] = json.loads(seen.body)["error"]
    assert set(error) == {"message", "type", "param", "code"}
    return error


# --- upstreams


@pytest.mark.parametrize(("path", "reason"), [("/v1/reset-before-head", "rst"), ("/v1/close-before-head", "fin")])
def test_an_upstream_that_ends_before_its_head_gives_a_502(proxy: Proxy, path: str, reason: str) -> None:
    seen = run(fetch(proxy.port, post(path, b"{}")))
    assert seen.status == 502
    assert "127.0.0.1" in _error(seen)["message"]
    exchange = _stored(proxy, path)
    assert (exchange.ending, exchange.notes["ending_reason"], exchange.head) == (Ending.UPSTREAM_CUT, reason, None)


@pytest.mark.parametrize("path", ["/v1/reset-in-head", "/v1/reset-after-head", "/v1/reset-mid-chunk"])
def test_a_reset_is_passed_on_as_a_reset(proxy: Proxy, upstream: Upstream, path: str) -> None:
    direct = run(fetch(upstream.port, get(path)))
    seen = run(fetch(proxy.port, get(path)))
    assert (seen.raw, seen.ending) == (direct.raw, "rst")
    exchange = _stored(proxy, path)
    assert (exchange.ending, exchange.notes["ending_reason"]) == (Ending.UPSTREAM_CUT, "rst")


def test_a_reset_that_comes_together_with_bytes_is_not_overlooked(tmp_path: Path) -> None:
    """What a busy relay finds at once when it gets round to reading: the last bytes and the reset behind them."""
    script = [HEAD, event("1"), 0.2, event("2"), RST]
    with Upstream({"/v1/x": script}) as upstream, recording(tmp_path, "--upstream", upstream.url) as proxy:

        def stop_it(seen: Seen) -> bool:
            if seen.raw.endswith(event("1")):
                proxy.process.send_signal(signal.SIGSTOP)
                threading.Timer(0.5, proxy.process.send_signal, [signal.SIGCONT]).start()
            return False

        seen = run(fetch(proxy.port, get("/v1/x"), until=stop_it))
        assert (seen.ending, seen.body) == ("rst", event("1") + event("2"))
        assert proxy.stop() == 0, proxy.stderr
    assert _stored(proxy, "/v1/x").notes["ending_reason"] == "rst"


def test_a_second_request_on_a_connection_gets_its_502_too(proxy: Proxy) -> None:
    async def both() -> Seen:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(get("/v1/ok"))
        assert await reader.readexactly(len(_OK)) == _OK
        writer.write(get("/v1/reset-before-head"))
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        return Seen([(0.0, answer)])

    assert run(both()).status == 502


def test_an_upstream_that_refuses_is_unreachable(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        with recording(tmp_path, "--upstream", f"http://127.0.0.1:{port}/v1") as proxy:
            seen = run(fetch(proxy.port, post("/v1/x", b"{}")))
            assert seen.status == 502
            assert f"127.0.0.1:{port}" in _error(seen)["message"]
            assert proxy.stop() == 0, proxy.stderr
        exchange = _stored(proxy, "/v1/x")
    assert (exchange.ending, exchange.notes["ending_reason"], exchange.head) == (Ending.UNREACHABLE, "refused", None)
    assert exchange.request is not None
    assert exchange.request.body == b"{}"


def test_a_name_that_does_not_resolve_is_unreachable(tmp_path: Path) -> None:
    with recording(tmp_path, "--upstream", "http://no-such-host.invalid/v1") as proxy:
        assert run(fetch(proxy.port, get("/v1/x"), seconds=30)).status == 502
        assert proxy.stop() == 0, proxy.stderr
    assert _stored(proxy, "/v1/x").notes["ending_reason"] == "dns"


def test_silence_lasts_as_long_as_the_client_waits(proxy: Proxy) -> None:
    seen = run(fetch(proxy.port, get("/v1/silence"), seconds=0.3))
    assert (seen.raw, seen.ending) == (b"", "timeout")
    assert _stored(proxy, "/v1/silence").ending is Ending.CLIENT_LEFT


@pytest.mark.parametrize(("path", "status"), [("/v1/silence", 504), ("/v1/stall", 200)])
def test_an_idle_timeout_ends_a_silent_upstream(upstream: Upstream, tmp_path: Path, path: str, status: int) -> None:
    with recording(tmp_path, "--upstream", upstream.url, "--idle-timeout", "0.5") as proxy:
        seen = run(fetch(proxy.port, get(path)))
        assert (seen.status, seen.ending) == (status, "message" if status == 504 else "fin")
        assert proxy.stop() == 0, proxy.stderr
    exchange = _stored(proxy, path)
    assert (exchange.ending, exchange.notes["ending_reason"]) == (Ending.TIMED_OUT, "timeout")


@pytest.mark.parametrize("path", ["/v1/garbage", "/v1/two-lengths"])
def test_broken_http_is_passed_on_raw_and_noted(proxy: Proxy, upstream: Upstream, path: str) -> None:
    direct = run(fetch(upstream.port, get(path), until=lambda _: False))
    seen = run(fetch(proxy.port, get(path), until=lambda _: False))
    assert (seen.raw, seen.ending) == (direct.raw, direct.ending)
    exchange = _stored(proxy, path)
    assert exchange.ending is Ending.UPSTREAM_CUT
    assert exchange.notes["ending_reason"].startswith("bad-framing: ")
    assert exchange.notes["unframed"].encode("latin-1") == seen.raw


def test_bytes_after_the_end_are_noted(proxy: Proxy) -> None:
    run(fetch(proxy.port, get("/v1/surplus"), until=lambda _: False))
    exchange = _stored(proxy, "/v1/surplus")
    assert (exchange.ending, exchange.body) == (Ending.COMPLETE, b"ok")
    assert exchange.notes["bytes_after_end"] == len(b"and more")


def test_a_header_of_a_megabyte_is_passed_on_and_kept(proxy: Proxy) -> None:
    assert run(fetch(proxy.port, get("/v1/huge-header"))).raw == SCRIPTS["/v1/huge-header"][0]
    exchange = _stored(proxy, "/v1/huge-header")
    assert exchange.ending is Ending.COMPLETE
    assert exchange.head is not None
    assert len(exchange.head.header("x-big") or "") == 2**20


def test_a_header_without_end_is_passed_on_and_given_up(proxy: Proxy) -> None:
    assert len(run(fetch(proxy.port, get("/v1/endless-header"), until=lambda _: False)).raw) > 6 * 2**20
    exchange = _stored(proxy, "/v1/endless-header")
    assert exchange.notes["ending_reason"].startswith("bad-framing: ")


# --- clients


def test_a_client_that_leaves_takes_the_upstream_with_it(proxy: Proxy, upstream: Upstream) -> None:
    def leave() -> tuple[float, Seen]:
        """How long the upstream was kept, and what had come."""
        upstream.closed_at.clear()
        seen = run(fetch(proxy.port, get("/v1/stream"), until=lambda seen: len(seen.raw) > 500))
        left = time.monotonic()
        eventually(lambda: "/v1/stream" in upstream.closed_at)
        return upstream.closed_at["/v1/stream"] - left, seen

    def judge(measured: tuple[float, Seen]) -> None:
        assert measured[0] < 1.0
        exchange = _stored(proxy, "/v1/stream")
        assert exchange.ending is Ending.CLIENT_LEFT
        assert exchange.notes["ending_reason"] in ("client-fin", "client-rst")
        body = b"".join(re.findall(rb"\r\n(data: \d+\n\n)\r\n", measured[1].raw))
        assert exchange.body.startswith(body)
        # What was under way when the client closed, and no more.
        assert len(exchange.body) < len(body) + 100

    judged_patiently(judge, leave(), leave)


def test_a_client_that_resets_has_left(proxy: Proxy, upstream: Upstream) -> None:
    with socket.create_connection(("127.0.0.1", proxy.port)) as sock:
        sock.sendall(get("/v1/stall"))
        received = b""
        while b"data: 1" not in received:
            received += sock.recv(65536)
        set_reset_on_close(sock)
    exchange = _stored(proxy, "/v1/stall")
    assert (exchange.ending, exchange.notes["ending_reason"]) == (Ending.CLIENT_LEFT, "client-rst")
    assert exchange.body == b"data: 1\n\n"


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
        (b"GET /v1/ok\r\n\r\n", 400),
        (b"GET /v1/ok HTTP/1.1\nHost: x\n\n", 400),
        (b"GET /v1/ok HTTP/1.1\r\nBad Name: x\r\n\r\n", 400),
        (b"GET /v1/ok HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n", 400),
        (b"POST /v1/ok HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (b"POST /v1/ok HTTP/1.1\r\nContent-Length: -3\r\n\r\n", 400),
        (b"POST /v1/ok HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        (b"POST /v1/ok HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 400),
        (b"CONNECT api.openai.com:443 HTTP/1.1\r\n\r\n", 405),
        (b"GET gopher://localhost/ HTTP/1.1\r\n\r\n", 400),
        (get("/v1/ok", "X-Big: " + "h" * 2**20 + "\r\n"), 431),
    ],
)
def test_malformed_requests_are_answered_and_the_proxy_goes_on(proxy: Proxy, request_: bytes, status: int) -> None:
    seen = run(fetch(proxy.port, request_, until=lambda _: False))
    assert (seen.status, seen.ending) == (status, "fin")
    assert _error(seen)["code"] == "invalid_http_request"
    assert run(fetch(proxy.port, get("/v1/ok"))).raw == _OK


def test_a_client_that_stops_half_way_through_its_request(proxy: Proxy) -> None:
    request = post("/v1/silence?half", b"x" * 100)[:-50]
    with socket.create_connection(("127.0.0.1", proxy.port)) as sock:
        sock.sendall(request)
    exchange = _stored(proxy, "/v1/silence?half")
    assert exchange.ending is Ending.CLIENT_LEFT
    assert exchange.request is not None
    assert exchange.request.body == b"x" * 50


def test_an_early_answer_reaches_a_client_that_is_still_sending(tmp_path: Path) -> None:
    """The upstream answers 413 and closes without reading the body: its answer must not get lost."""
    listener = socket.create_server(("127.0.0.1", 0))

    def refuse() -> None:
        sock, _ = listener.accept()
        with sock:
            sock.recv(1000)
            sock.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig")

    thread = threading.Thread(target=refuse)
    thread.start()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    with listener, recording(tmp_path, "--upstream", url) as proxy:
        seen = run(fetch(proxy.port, post("/v1/early", b"u" * (8 * 2**20))))
        assert seen.status == 413
        assert proxy.stop() == 0, proxy.stderr
    thread.join()
    exchange = _stored(proxy, "/v1/early")
    assert (exchange.ending, exchange.body) == (Ending.COMPLETE, b"big")


def test_a_large_upload_in_pieces_is_kept_whole(proxy: Proxy, upstream: Upstream) -> None:
    body = os.urandom(3_500_000)

    async def upload() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        request = post("/v1/ok?upload", body)
        for at in range(0, len(request), 400_000):
            writer.write(request[at : at + 400_000])
            await writer.drain()
            await asyncio.sleep(0.03)  # longer than between two commits
        assert await reader.readexactly(len(_OK)) == _OK
        writer.close()
        await writer.wait_closed()

    run(upload())
    assert upstream.requests[-1].endswith(body)
    request = _stored(proxy, "/v1/ok?upload").request
    assert request is not None
    assert request.body == body


# --- ordinary HTTP/1.1


def test_keep_alive_and_pipelining(proxy: Proxy, upstream: Upstream) -> None:
    async def talk() -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(get("/v1/ok?p1"))
        first = await reader.readexactly(len(_OK))
        writer.write(post("/v1/ok?p2", b"{}") + get("/v1/ok?p3") + get("/v1/ok?p4", method="HEAD") + get("/v1/204?5"))
        rest = await reader.readexactly(3 * len(_OK) + len(SCRIPTS["/v1/204"][0]))
        writer.close()
        await writer.wait_closed()
        return first + rest

    # The upstream answers HEAD with a body, which makes that one the last that can be told apart.
    assert run(talk()).startswith(3 * _OK)

    def stored() -> list[tuple[str, str]]:
        with CaptureDB(proxy.db) as db:
            rows = [row for row in db.overview() if "/v1/ok?p" in (row.url or "")]
            return [(str(row.method), row.ending.value) for row in rows]

    wanted = [("GET", "complete"), ("POST", "complete"), ("GET", "complete"), ("HEAD", "complete")]
    eventually(lambda: stored() == wanted)


def test_hosts_are_swapped_and_nothing_else(proxy: Proxy, upstream: Upstream) -> None:
    upstream.requests.clear()
    raw = (
        b"PATCH /v1/ok?a=%2F&b HTTP/1.1\r\nX-One:  two \r\nhOsT: localhost\r\nx-one: 3\r\nContent-Length: 3\r\n\r\nabc"
    )
    assert run(fetch(proxy.port, raw)).raw == _OK
    assert upstream.requests == [raw.replace(b"localhost", b"127.0.0.1:%d" % upstream.port)]
    absolute = b"GET http://localhost:1/v1/ok?x HTTP/1.1\r\nHost: localhost:1\r\n\r\n"
    assert run(fetch(proxy.port, absolute)).raw == _OK
    assert upstream.requests[-1] == b"GET /v1/ok?x HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % upstream.port


def test_chunked_requests_are_passed_on_raw_and_kept_decoded(proxy: Proxy, upstream: Upstream) -> None:
    upstream.requests.clear()
    head = b"POST /v1/ok?chunked HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    body = chunk(b'{"model":') + chunk(b'"m"}') + b"0\r\n\r\n"
    assert run(fetch(proxy.port, head + body)).raw == _OK
    assert upstream.requests[0].endswith(b"\r\n\r\n" + body)
    request = _stored(proxy, "/v1/ok?chunked").request
    assert request is not None
    assert request.body == b'{"model":"m"}'


def test_an_upgraded_connection_is_a_tunnel(proxy: Proxy) -> None:
    async def talk() -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(get("/v1/upgrade", "Connection: upgrade\r\nUpgrade: x\r\n") + b"early")
        answer = await reader.readuntil(b"hello")
        writer.write(b"\x81\x05frame")
        writer.close()
        await writer.wait_closed()
        return answer

    assert run(talk()).startswith(b"HTTP/1.1 101 ")
    exchange = _stored(proxy, "/v1/upgrade")
    assert exchange.body == b"hello"
    assert exchange.request is not None
    assert exchange.request.body == b"early\x81\x05frame"


# --- large things


def _peak_kb(pid: int) -> int:
    return int(re.findall(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[0])


def _family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *[int(child) for child in children]]


@pytest.mark.slow
@pytest.mark.parametrize(("path", "size"), [("/v1/big", _BIG), ("/v1/line", len(_LINE))])
def test_large_bodies_take_little_memory(upstream: Upstream, tmp_path: Path, path: str, size: int) -> None:
    async def drain(port: int) -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**20)
        writer.write(get(path, "Connection: close\r\n"))
        total, tail = 0, b""
        while not (path == "/v1/line" and tail.endswith(END)) and (total < size or path == "/v1/line"):
            data = await reader.read(2**20)
            assert data
            total += len(data)
            tail = data[-16:]
        writer.close()
        await writer.wait_closed()
        return total

    with recording(tmp_path, "--upstream", upstream.url) as proxy:
        assert run(drain(proxy.port)) >= size
        family = _family(proxy.process.pid)
        peaks = [_peak_kb(pid) for pid in family]
        assert proxy.stop() == 0, proxy.stderr
    assert len(family) == 2
    assert max(peaks) < 160_000, peaks
    with CaptureDB(proxy.db) as db:
        exchange = db.get(db.last())
        assert exchange.ending is Ending.COMPLETE
        assert sum(len(segment.data) for segment in exchange.segments) == size
    (tmp_path / "capture.db").unlink()


@cache
def _bomb() -> bytes:
    """More than is decoded at most, of one event, packed into a hundredth of that."""
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    block, count = b"x" * 2**20, MAX_DECODED // 2**20 + 16
    return b"".join([packer.compress(b"data: "), *(packer.compress(block) for _ in range(count)), packer.flush()])


# Of this program alone: ru_maxrss would count the process as well that started it.
_CHECK = """
import re, sys
from streamlab.cli import main
try:
    main(["check", sys.argv[1], "--format", "json"])
finally:
    print(re.findall(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[0], file=sys.stderr)
"""


@pytest.mark.slow
@pytest.mark.parametrize("repair", [(), ("--normalize",)], ids=["plain", "mended"])
def test_a_gzip_bomb_and_deep_json_are_recorded_and_judged(tmp_path: Path, repair: tuple[str, ...]) -> None:
    packed, deep = _bomb(), chunk(b"data: " + b"[" * 100_000 + b"]" * 100_000 + b"\n\n")
    whole = b'{"a":' * 100_000 + b"1" + b"}" * 100_000
    coded = HEAD.replace(b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\n")
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(whole)
    scripts = {"/v1/bomb": [coded, chunk(packed), END], "/v1/deep": [HEAD, deep, END], "/v1/whole": [head + whole]}
    with (
        Upstream({f"{path}/chat/completions": steps for path, steps in scripts.items()}) as upstream,
        recording(tmp_path, "--upstream", upstream.url, *repair) as proxy,
    ):
        for path in scripts:
            asked = post(f"{path}/chat/completions", b'{"stream":true,"model":"m"}')
            # What is decoded of the bomb stops before its end: the client must not take that for all.
            ended = "message" if not repair or path != "/v1/bomb" else "fin"
            assert run(fetch(proxy.port, asked, seconds=60)).ending == ended
        peaks = [_peak_kb(pid) for pid in _family(proxy.process.pid)]
        assert proxy.stop() == 0, proxy.stderr
    with CaptureDB(proxy.db) as db:
        assert db.get(1).body == packed
    assert max(peaks) < 160_000, peaks
    if repair:
        return  # what is in the database is what came, either way
    result = subprocess.run([sys.executable, "-c", _CHECK, str(proxy.db)], capture_output=True, text=True, timeout=600)
    assert result.returncode == 1, result.stderr
    found = [{one["rule"] for one in exchange["findings"]} for exchange in json.loads(result.stdout)["exchanges"]]
    assert all(found), found
    assert int(result.stderr.split()[-1]) < 900_000, result.stderr


def test_a_client_that_does_not_read_holds_the_upstream_back(tmp_path: Path) -> None:
    sent = 0
    listener = socket.create_server(("127.0.0.1", 0))

    def pour() -> None:
        nonlocal sent
        sock, _ = listener.accept()
        with sock:
            sock.recv(1000)
            sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            try:
                while True:
                    sent += sock.send(b"p" * 65536)
            except ConnectionError:
                return

    thread = threading.Thread(target=pour)
    thread.start()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    with listener, recording(tmp_path, "--upstream", url) as proxy:
        with socket.create_connection(("127.0.0.1", proxy.port)) as sock:
            sock.sendall(get("/v1/pour"))
            before = -1
            while sent != before:
                before = sent
                time.sleep(0.3)
            # What the kernel's buffers of two connections hold, and one read of ours.
            assert sent < 40 * 2**20
        thread.join(300)
        assert not thread.is_alive()
        assert proxy.stop() == 0, proxy.stderr


# --- kill -9


@pytest.mark.parametrize("whole_group", [False, True])
@pytest.mark.parametrize("after", [1, 700, 2500])
def test_after_kill_9_what_the_client_had_is_there(
    upstream: Upstream, tmp_path: Path, after: int, whole_group: bool
) -> None:
    prefix = (sys.executable, "-c", "import os,sys; os.setsid(); os.execvp(sys.argv[1], sys.argv[1:])")
    with recording(tmp_path, "--upstream", upstream.url, prefix=prefix) as proxy:

        def enough(seen: Seen) -> bool:
            if len(seen.raw) < after:
                return False
            os.killpg(proxy.process.pid, signal.SIGKILL) if whole_group else proxy.kill()
            return True

        seen = run(fetch(proxy.port, get("/v1/stream"), until=enough))
        proxy.process.wait(300)
        exchange = _stored(proxy, "/v1/stream")
    assert exchange.ending is Ending.INTERRUPTED
    assert exchange.notes["ending_reason"] == "recorder-killed"
    events = re.findall(rb"data: \d+\n\n", seen.raw)
    stored = exchange.body.count(b"\n\n")
    assert stored >= len(events) - 1
    assert exchange.body.startswith(b"".join(events[: stored or 0]))
    with CaptureDB(proxy.db) as db:
        assert db.connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"


def test_kill_9_in_a_burst_loses_nothing_the_client_had(tmp_path: Path) -> None:
    block = b"".join(event(f"{number:06}") for number in range(20_000))
    with (
        Upstream({"/v1/burst": [HEAD, *[block] * 20, HOLD]}) as upstream,
        recording(tmp_path, "--upstream", upstream.url) as proxy,
    ):
        seen = run(fetch(proxy.port, get("/v1/burst"), until=lambda seen: len(seen.reads) > 20 and not proxy.kill()))
        exchange = _stored(proxy, "/v1/burst")
    received = len(re.findall(rb"data: \d+\n\n", seen.raw))
    assert received > 1000
    assert exchange.body.count(b"\n\n") >= received - 1


def test_a_writer_that_dies_is_replaced_and_nothing_is_lost(upstream: Upstream, tmp_path: Path) -> None:
    with recording(tmp_path, "--upstream", upstream.url) as proxy:
        assert run(fetch(proxy.port, get("/v1/ok"))).raw == _OK
        os.kill(_family(proxy.process.pid)[1], signal.SIGKILL)
        for _ in range(3):
            assert run(fetch(proxy.port, get("/v1/ok"))).raw == _OK
            time.sleep(0.05)
        assert proxy.stop() == 0
        assert proxy.stderr.count("warning") == 1
        assert "another takes over" in proxy.stderr
    with CaptureDB(proxy.db) as db:
        assert [row.ending for row in db.overview()] == [Ending.COMPLETE] * 4


# --- disks


def _streams(proxy: Proxy, count: int = 3) -> None:
    for _ in range(count):
        seen = run(fetch(proxy.port, get("/v1/ok")))
        assert seen.raw == _OK


def test_a_full_disk_costs_the_recording_only(tmp_path: Path) -> None:
    block = b"".join(event(f"{number:06}") for number in range(10_000))
    limit = (
        sys.executable,
        "-c",
        "import os,sys,resource as r; r.setrlimit(r.RLIMIT_FSIZE, (400000, 400000));"
        "os.execvp(sys.argv[1], sys.argv[1:])",
    )
    script = [HEAD, *[step for _ in range(10) for step in (block, 0.03)], END]
    with (
        Upstream({"/v1/long": script, "/v1/ok": [_OK]}) as upstream,
        recording(tmp_path, "--upstream", upstream.url, prefix=limit) as proxy,
    ):
        seen = run(fetch(proxy.port, get("/v1/long")))
        assert seen.raw == b"".join(step for step in script if isinstance(step, bytes))
        _streams(proxy)
        assert proxy.stop() == 3
        assert proxy.stderr.count("the recording waits") == proxy.stderr.count("is lost") == 1, proxy.stderr
        assert "Traceback" not in proxy.stderr
    with CaptureDB(proxy.db) as db:
        assert db.connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        assert all(row.ending is Ending.INTERRUPTED for row in db.overview())


def test_a_database_that_cannot_be_written_costs_the_recording_only(upstream: Upstream, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    with recording(tmp_path, "--upstream", upstream.url, db=blocked / "capture.db") as proxy:
        _streams(proxy)
        assert proxy.stop() == 3
        assert proxy.stderr.count("the recording waits") == proxy.stderr.count("is lost") == 1, proxy.stderr


def test_a_file_deleted_meanwhile_is_made_anew(upstream: Upstream, tmp_path: Path) -> None:
    with recording(tmp_path, "--upstream", upstream.url) as proxy:
        _streams(proxy)
        eventually(lambda: proxy.stderr.count("/v1/ok") >= 3)
        for path in tmp_path.glob("capture.db*"):
            path.unlink()
        _streams(proxy)
        eventually(lambda: "removed" in proxy.stderr)
        _streams(proxy)
        assert proxy.stop() == 0
        assert proxy.stderr.count("warning") == 1, proxy.stderr
    with CaptureDB(proxy.db) as db:
        assert [row.ending for row in db.overview()] == [Ending.COMPLETE] * 6


def test_a_lock_of_seconds_loses_nothing(upstream: Upstream, tmp_path: Path) -> None:
    with recording(tmp_path, "--upstream", upstream.url) as proxy:
        _streams(proxy)
        lock = sqlite3.connect(proxy.db, isolation_level=None)
        lock.execute("BEGIN EXCLUSIVE")
        seen = run(fetch(proxy.port, get("/v1/stream"), seconds=1.5))
        lock.execute("ROLLBACK")
        lock.close()
        assert proxy.stop() == 0, proxy.stderr
    exchange = _stored(proxy, "/v1/stream")
    assert exchange.body.count(b"\n\n") >= seen.raw.count(b"\n\n") > 50


def test_a_lock_at_the_start_is_waited_for(upstream: Upstream, tmp_path: Path) -> None:
    CaptureDB(tmp_path / "capture.db", write=True).close()
    lock = sqlite3.connect(tmp_path / "capture.db", isolation_level=None)
    lock.execute("BEGIN EXCLUSIVE")
    with recording(tmp_path, "--upstream", upstream.url) as proxy:
        _streams(proxy, 2)
        lock.execute("ROLLBACK")
        lock.close()
        assert proxy.stop() == 0, proxy.stderr
    with CaptureDB(proxy.db) as db:
        assert [row.ending for row in db.overview()] == [Ending.COMPLETE] * 2


def test_what_a_lock_keeps_from_being_written_waits_for_the_next_start(upstream: Upstream, tmp_path: Path) -> None:
    asked = b'{"model":"m","api_key":"hunter2hunter2"}'
    with recording(tmp_path, "--upstream", upstream.url) as proxy:
        _streams(proxy)
        eventually(lambda: sqlite3.connect(proxy.db).execute("SELECT 1").fetchone())
        lock = sqlite3.connect(proxy.db, isolation_level=None)
        lock.execute("BEGIN EXCLUSIVE")
        _streams(proxy, 2)
        assert run(fetch(proxy.port, post("/v1/ok", asked))).raw == _OK
        assert proxy.stop() == 3
        lock.close()
        assert "takes them up" in proxy.stderr
    (left,) = tmp_path.glob("capture.db-spool-*")
    assert b"hunter2" not in left.read_bytes()
    assert b"POST /v1/ok" in left.read_bytes()
    assert [path.stat().st_mode & 0o777 for path in tmp_path.glob("capture.db-spool-*")] == [0o600]
    with recording(tmp_path, "--upstream", upstream.url) as proxy:
        assert proxy.stop() == 0, proxy.stderr
    assert not list(tmp_path.glob("capture.db-*"))
    with CaptureDB(proxy.db) as db:
        assert [row.ending for row in db.overview()] == [Ending.COMPLETE] * 6
        request = db.get(max(db.ids())).request
    assert request is not None
    assert request.body == asked.replace(b"hunter2hunter2", b"x" * 14)


def test_two_recorders_and_a_reader_share_a_database(upstream: Upstream, tmp_path: Path) -> None:
    with (
        recording(tmp_path, "--upstream", upstream.url, "--label", "a") as one,
        recording(tmp_path, "--upstream", upstream.url, "--label", "b") as two,
    ):

        async def traffic() -> list[Seen]:
            jobs = [fetch(proxy.port, get("/v1/stream"), seconds=1.0) for proxy in (one, two) for _ in range(5)]
            return list(await asyncio.gather(*jobs))

        done = threading.Event()
        counts: list[int] = []

        def read() -> None:
            while not done.is_set():
                with CaptureDB(one.db) as db:
                    counts.append(sum(len(db.get(number).body) for number in db.ids()))

        reader = threading.Thread(target=read)
        reader.start()
        seen = run(traffic())
        done.set()
        reader.join()
        assert (one.stop(), two.stop()) == (0, 0), one.stderr + two.stderr
    assert counts == sorted(counts)
    with CaptureDB(one.db) as db:
        rows = db.overview()
        assert sorted(row.label or "" for row in rows) == ["a"] * 5 + ["b"] * 5
        assert sum(row.bytes for row in rows) >= sum(len(b"data: 1\n\n") for item in seen for _ in item.reads[1:-1])


def _refused(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*RECORD, *arguments], capture_output=True, text=True, timeout=300, cwd=tmp_path)


def _foreign(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    connection.close()


def _newer(path: Path) -> None:
    CaptureDB(path, write=True).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()


def _truncated(path: Path) -> None:
    CaptureDB(path, write=True).close()
    path.write_bytes(path.read_bytes()[:5000])


@pytest.mark.parametrize(
    "make",
    [_foreign, _newer, _truncated, lambda path: path.write_bytes(os.urandom(5000)), lambda path: path.write_text("hi")],
    ids=["foreign", "newer", "truncated", "random", "text"],
)
def test_a_file_that_is_no_capture_is_refused_and_left_alone(tmp_path: Path, make: object) -> None:
    path = tmp_path / "x.db"
    make(path)  # type: ignore[operator]
    before = path.read_bytes()
    result = _refused(tmp_path, "--upstream", "http://127.0.0.1:1/v1", "--listen", "127.0.0.1:0", "--db", str(path))
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert str(path) in result.stderr
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.db"]


# --- starting and stopping


def test_a_taken_port_is_said_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = _refused(tmp_path, "--upstream", "http://127.0.0.1:1", "--listen", f"127.0.0.1:{port}", "--db", "x.db")
    assert result.returncode == 3
    assert result.stderr.count("\n") == 1
    assert str(port) in result.stderr
    assert "--listen" in result.stderr
    assert not (tmp_path / "x.db").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("--upstream", "http://127.0.0.1:1", "--listen", "0.0.0.0:0"),
        ("--upstream", "http://127.0.0.1:1", "--listen", "nonsense"),
        ("--upstream", "ftp://x"),
        ("--upstream", "http://user:secret@x"),
        (),
        ("--upstream", "http://x", "--tap", "a=127.0.0.1:0=http://y"),
        ("--tap", "a=b"),
        ("--upstream", "https://x", "--upstream-ca", "/nowhere"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    result = _refused(tmp_path, *arguments, "--db", "x.db")
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert "secret" not in result.stderr


def test_a_system_without_fork_is_told_so_in_one_line() -> None:
    code = "import os; del os.fork; from streamlab.cli import main; main(['record', '--upstream', 'http://x'])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert result.returncode == 3
    assert result.stderr.count("\n") == 1
    assert "needs Linux or macOS" in result.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_in_order(upstream: Upstream, tmp_path: Path, number: int) -> None:
    with recording(tmp_path, "--upstream", upstream.url) as proxy:

        def stop(seen: Seen) -> bool:
            if b"data: 5" in seen.raw:
                proxy.process.send_signal(number)
            return False

        seen = run(fetch(proxy.port, get("/v1/stream"), until=stop))
        assert proxy.process.wait(300) == 0
    assert seen.ending in ("fin", "rst")
    exchange = _stored(proxy, "/v1/stream")
    assert (exchange.ending, exchange.notes["ending_reason"]) == (Ending.INTERRUPTED, "recorder-stopped")
    assert b"data: 5" in exchange.body
    assert not list(tmp_path.glob("capture.db-*")), "the write-ahead log is folded in at the end"


def test_several_hops_at_once(upstream: Upstream, tmp_path: Path) -> None:
    taps = [("--tap", f"{name}=127.0.0.1:0={upstream.url}") for name in ("gateway", "model")]
    with recording(tmp_path, *taps[0], *taps[1], count=2) as proxy:
        for port in proxy.ports:
            assert run(fetch(port, get("/v1/ok"))).raw == _OK
        assert proxy.stop() == 0, proxy.stderr
    with CaptureDB(proxy.db) as db:
        assert [row.tap for row in db.overview()] == ["gateway", "model"]


@pytest.mark.parametrize(("taps", "asked"), [((), None), (("model", "gateway"), "gateway")])
def test_a_command_runs_with_the_base_url_and_its_exit_code_is_ours(
    upstream: Upstream, tmp_path: Path, taps: tuple[str, ...], asked: str | None
) -> None:
    code = (
        "import os, sys, urllib.request as u; url = os.environ['OPENAI_BASE_URL'];"
        "print(u.build_opener(u.ProxyHandler({})).open(url + '/ok').read()); sys.exit(7)"
    )
    hops = [part for name in taps for part in ("--tap", f"{name}=127.0.0.1:0={upstream.url}")]
    hops = hops or ["--upstream", upstream.url, "--listen", "127.0.0.1:0"]
    result = _refused(tmp_path, *hops, "--db", "x.db", "--", sys.executable, "-c", code)
    assert (result.returncode, result.stdout) == (7, "b'ok'\n"), result.stderr
    with CaptureDB(tmp_path / "x.db") as db:
        assert [(row.ending, row.tap) for row in db.overview()] == [(Ending.COMPLETE, asked)]


def test_secrets_never_reach_the_disk(upstream: Upstream, tmp_path: Path) -> None:
    extra = (
        "Authorization: Bearer sk-TOPSECRET1\r\nCookie: a=TOPSECRET2\r\nX-Api-Key: TOPSECRET3\r\n"
        "api-key: TOPSECRET4\r\nX-Custom: Bearer TOPSECRET5\r\n"
    )
    upstream.scripts["/v1/secret"] = [
        b"HTTP/1.1 200 OK\r\nSet-Cookie: s=TOPSECRET6\r\nContent-Length: 2\r\n\r\nok",
    ]
    upstream.scripts["/v1/broken"] = [b"HTTP/1.1 2x0 OK\r\nSet-Cookie: s=TOPSECRET8\r\n\r\n", FIN]
    with recording(tmp_path, "--upstream", upstream.url) as proxy:
        run(fetch(proxy.port, get("/v1/secret?key=TOPSECRET7&api_key=TOPSECRET7&model=x", extra)))
        run(fetch(proxy.port, get("/v1/broken", extra), until=lambda _: False))
        proxy.kill()  # leaves the write-ahead log behind
        eventually(lambda: _stored(proxy, "/v1/broken"))
        everything = b"".join(path.read_bytes() for path in tmp_path.iterdir())
        assert {path.stat().st_mode & 0o777 for path in tmp_path.glob("capture.db*")} == {0o600}
    assert b"model=x" in everything
    assert b"TOPSECRET" not in everything
    assert upstream.requests[-1].count(b"TOPSECRET") == 5  # the upstream gets them all
