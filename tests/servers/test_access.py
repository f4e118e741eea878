"""Who may ask a recorder or a replayer: this machine's programs, and no page from elsewhere. With real sockets."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from streamlab.errors import UsageError
from streamlab.servers.access import Access, Admitted, host_of, make_access
from streamlab.servers.forwarding import Forwarding
from streamlab.servers.listening import bind
from streamlab.servers.replay import ReplayServer
from streamlab.storage.capture_db import CaptureDB
from streamlab.wire.http1 import HttpFault, RequestHead, parse_request_head
from streamlab.workflows.replay import BackgroundReplay, playables
from tests.servers.harness import Proxy, Upstream, fetch, recording, run

_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with Upstream({"/v1/ok": [_OK]}) as running:
        yield running


@pytest.fixture(scope="module")
def proxy(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    with recording(tmp_path_factory.mktemp("access"), "--upstream", upstream.url) as running:
        yield running


def _asked(*headers: str, path: str = "/v1/ok") -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.1", *headers, "", ""]).encode()


_HERE = [
    ("Host: 127.0.0.1:9100",),
    ("Host: localhost:9100",),
    ("Host: app.localhost",),
    ("Host: [::1]:9100",),
    (),  # HTTP/1.0 and hand-made requests
    ("Host: localhost:9100", "Origin: http://localhost:9100"),
    ("Host: localhost", "Sec-Fetch-Site: same-origin"),
    ("Host: localhost", "Sec-Fetch-Site: none"),
]
_FOREIGN = [
    ("Host: evil.example",),
    ("Host: 127.0.0.1.evil.example:9100",),
    ("Host: localhost.evil.example",),
    ("Host: 192.168.1.5:9100",),
    ("Host: ",),
    ("Host: localhost", "Origin: https://evil.example"),
    ("Host: localhost", "Origin: null"),
    ("Host: localhost", "Origin: http://localhost.evil.example"),
    ("Host: localhost", "Sec-Fetch-Site: cross-site"),
    ("Host: localhost", "Sec-Fetch-Site: same-site"),
    ("Host: localhost", "Origin: http://localhost:3000"),
    ("Host: localhost:9100", "Origin: http://127.0.0.1:9100"),
]


@pytest.mark.parametrize("headers", _HERE, ids=str)
def test_programs_of_this_machine_may_ask(proxy: Proxy, headers: tuple[str, ...]) -> None:
    assert run(fetch(proxy.port, _asked(*headers))).raw == _OK


@pytest.mark.parametrize("headers", _FOREIGN, ids=str)
def test_what_a_page_from_elsewhere_can_send_is_refused(
    proxy: Proxy, upstream: Upstream, headers: tuple[str, ...]
) -> None:
    upstream.requests.clear()
    seen = run(fetch(proxy.port, _asked(*headers), until=lambda _: False))
    assert (seen.status, json.loads(seen.body)["error"]["code"]) == (403, "forbidden")
    assert b"--allow-" in seen.body, "it says what lets it in"
    assert not upstream.requests


def test_a_refusal_is_told_once_and_recorded_never(upstream: Upstream, tmp_path: Path) -> None:
    with recording(tmp_path, "--upstream", upstream.url) as proxy:
        for _ in range(3):
            assert run(fetch(proxy.port, _asked("Host: evil.example"))).status == 403
        assert proxy.stop() == 0
        assert proxy.stderr.count("evil.example") == 1
    with CaptureDB(proxy.db) as db:
        assert db.overview() == []


def test_an_origin_can_be_let_in(upstream: Upstream, tmp_path: Path) -> None:
    with recording(tmp_path, "--upstream", upstream.url, "--allow-origin", "https://App.example/") as proxy:
        headers = ("Host: localhost", "Origin: https://app.example", "Sec-Fetch-Site: cross-site")
        assert run(fetch(proxy.port, _asked(*headers))).raw == _OK
        assert run(fetch(proxy.port, _asked("Host: localhost", "Origin: https://other.example"))).status == 403


def test_a_token_is_asked_for_and_goes_no_further(upstream: Upstream, tmp_path: Path) -> None:
    upstream.requests.clear()
    arguments = ("--upstream", upstream.url, "--allow-remote", "--token", "abcdefgh-1")
    with recording(tmp_path, *arguments) as proxy:
        for path in ("/v1/ok", "/~abcdefgh-2/v1/ok", "/~abcdefgh-1x/v1/ok", "/~/v1/ok", "/%7Eabcdefgh-1/v1/ok"):
            assert run(fetch(proxy.port, _asked("Host: anything", path=path), until=lambda _: False)).status == 401
        assert run(fetch(proxy.port, _asked("Host: anything", path="/~abcdefgh-1/v1/ok"))).raw == _OK
        assert proxy.stop() == 0
        assert "/~abcdefgh-1/v1" in proxy.stderr
    assert upstream.requests[-1].startswith(b"GET /v1/ok HTTP/1.1\r\n")
    assert b"abcdefgh" not in b"".join(upstream.requests)
    assert b"abcdefgh" not in proxy.db.read_bytes()


def test_a_token_can_be_made(upstream: Upstream, tmp_path: Path) -> None:
    with recording(tmp_path, "--upstream", upstream.url, "--token", "new") as proxy:
        prefix = proxy.stderr.partition(f":{proxy.port}")[2].partition("/v1")[0]
        assert len(prefix) > 20
        assert run(fetch(proxy.port, _asked(path=f"{prefix}/v1/ok"))).raw == _OK
        assert run(fetch(proxy.port, _asked())).status == 401


@pytest.mark.parametrize("token", ["short", "has/slash", "", "x" * 300])
def test_a_token_that_cannot_stand_in_a_path_is_refused(token: str) -> None:
    with pytest.raises(UsageError):
        make_access(True, (), token)


def _head(*headers: str, path: str = "/v1/ok") -> tuple[bytes, RequestHead]:
    raw = _asked(*headers, path=path)
    head = parse_request_head(raw)
    assert isinstance(head, RequestHead)
    return raw, head


def test_whole_urls_are_asked_for_the_name_and_the_token_they_hold() -> None:
    assert isinstance(Access().admit(*_head(path="http://evil.example/v1")), HttpFault)
    admitted = Access(token="abcdefgh").admit(*_head(path="http://localhost:1/~abcdefgh/v1?x=/~abcdefgh/"))
    assert isinstance(admitted, Admitted)
    assert admitted.raw == _asked(path="http://localhost:1/v1?x=/~abcdefgh/")


def test_a_target_that_is_no_url_is_no_request_under_any_name() -> None:
    for target in ("http://[x/", "ftp://x/", "http:///x"):
        raw, head = _head(path=target)
        forwarded = Forwarding("upstream", access=Access(remote=True)).forward(raw, head)
        assert isinstance(forwarded, HttpFault)
        assert forwarded.status == 400


@pytest.mark.parametrize(
    ("authority", "host"), [("a:1", "a"), ("[::1]:1", "::1"), ("[::1]", "::1"), ("a", "a"), ("a:", "a"), ("a:b", "a:b")]
)
def test_the_host_of_an_authority(authority: str, host: str) -> None:
    assert host_of(authority) == host


# --- replay


def _exchange(tmp_path: Path) -> str:
    folder = tmp_path / "secret-name"
    folder.mkdir()
    (folder / "body.sse").write_bytes(b"data: 1\n\n")
    request = {"method": "POST", "url": "/v1/chat/completions", "headers": [], "body": {"model": "private"}}
    meta = {
        "format": "streamlab.exchange/1",
        "request": request,
        "response": {"status": 200, "headers": [["content-type", "text/event-stream"]], "head_us": 0},
        "segments": None,
        "end_us": None,
        "ending": "complete",
        "notes": {},
    }
    (folder / "exchange.json").write_text(json.dumps(meta))
    return str(folder)


@pytest.mark.parametrize("headers", _FOREIGN, ids=str)
def test_replay_refuses_pages_from_elsewhere(tmp_path: Path, headers: tuple[str, ...]) -> None:
    with BackgroundReplay(playables([_exchange(tmp_path)])) as replay:
        seen = run(fetch(replay.address[1], _asked(*headers), until=lambda _: False))
    assert seen.status == 403
    assert b"secret-name" not in seen.raw


def test_replay_tells_what_it_has_to_this_machine_only(tmp_path: Path) -> None:
    import asyncio

    async def ask(here: bool) -> bytes:
        server = ReplayServer(bind("127.0.0.1", 0), playables([_exchange(tmp_path / str(here))]), access=Access(True))
        port = next(iter(server._acceptor._accepted)).getsockname()[1]
        try:
            return (await fetch(port, _asked("Host: x", path="/v1/other"), until=lambda _: False)).raw
        finally:
            server.stop()

    for here in (True, False):
        (tmp_path / str(here)).mkdir()
    assert b"secret-name" in asyncio.run(ask(True))
    with pytest.MonkeyPatch.context() as patch:
        # No test machine has a second address that is sure to be reachable; only the judgement of it is replaced.
        patch.setattr("streamlab.servers.replay._is_here", lambda sock: False)
        answer = asyncio.run(ask(False))
    assert b" 404 " in answer
    assert b"secret-name" not in answer


def test_tls_at_the_plain_address_is_closed_at_once(proxy: Proxy, tmp_path: Path) -> None:
    import ssl

    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with BackgroundReplay(playables([_exchange(tmp_path)])) as replay:
        for port in (proxy.port, replay.address[1]):
            with socket.create_connection(("127.0.0.1", port), timeout=10) as sock, pytest.raises(ssl.SSLError):
                context.wrap_socket(sock, server_hostname="localhost")
    assert proxy.stderr.count("http:// instead of https://") == 1
