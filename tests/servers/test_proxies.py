"""Upstreams behind the proxy that the environment names, with a proxy on loopback; TLS handshakes that never end."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import socket
import ssl
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from streamlab.errors import UsageError
from streamlab.servers.access import Access
from streamlab.servers.forwarding import Forwarded
from streamlab.servers.proxies import HttpProxy, proxy_for, without_loopback
from streamlab.servers.refusal import Refusal
from streamlab.servers.upstream import parse_upstream
from streamlab.wire.http1 import RequestHead
from tests.servers.harness import Upstream, fetch, get, recording, run

_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.mark.parametrize(
    ("scheme", "host", "environment", "proxy"),
    [
        ("https", "api.openai.com", {"HTTPS_PROXY": "http://p:3128"}, "p:3128"),
        ("https", "api.openai.com", {"https_proxy": "http://p:3128", "HTTPS_PROXY": "http://q:1"}, "p:3128"),
        ("https", "api.openai.com", {"HTTP_PROXY": "http://p:3128"}, None),
        ("http", "models.lan", {"HTTP_PROXY": "http://p:3128"}, "p:3128"),
        ("https", "api.openai.com", {"ALL_PROXY": "p:3128"}, "p:3128"),
        ("https", "api.openai.com", {"HTTPS_PROXY": "http://p", "ALL_PROXY": "http://q"}, "p:80"),
        ("https", "api.openai.com", {"HTTPS_PROXY": "http://[::1]:3128"}, "[::1]:3128"),
        ("https", "api.openai.com", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "openai.com"}, None),
        ("https", "api.openai.com", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "lan, .openai.com"}, None),
        ("https", "api.openai.com", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "*.openai.com"}, None),
        ("https", "api.openai.com", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "*"}, None),
        ("https", "api.openai.com", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "nopenai.com,penai.com"}, "p:1"),
        ("https", "api.openai.com", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "openai.com:8443"}, "p:1"),
        ("https", "api.openai.com", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "openai.com:443"}, None),
        ("https", "10.1.2.3", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "10.0.0.0/8"}, None),
        ("https", "11.1.2.3", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "10.0.0.0/8"}, "p:1"),
        ("https", "fd00::1", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "fd00::/8"}, None),
        ("http", "127.0.0.1", {"HTTP_PROXY": "http://p:1"}, None),
        ("http", "localhost", {"ALL_PROXY": "http://p:1"}, None),
        ("https", "api.openai.com", {"HTTPS_PROXY": ""}, None),
    ],
)
def test_which_proxy_the_environment_names(
    scheme: str, host: str, environment: dict[str, str], proxy: str | None
) -> None:
    found = proxy_for(scheme, host, 443, environment)
    assert (None if found is None else str(found)) == proxy


@pytest.mark.parametrize("url", ["socks5://p:1080", "https://p:1", "http://", "http://p:x"])
def test_a_proxy_that_cannot_be_used_is_said(url: str) -> None:
    with pytest.raises(UsageError, match="ALL_PROXY"):
        proxy_for("https", "api.openai.com", 443, {"ALL_PROXY": url})


def test_a_proxys_password_is_sent_and_not_shown() -> None:
    found = proxy_for("https", "x.example", 443, {"HTTPS_PROXY": "http://me:s%40crit@p:1"})
    assert found is not None
    assert found.authorization == "Basic " + base64.b64encode(b"me:s@crit").decode()
    assert str(found) == "p:1"


def test_loopback_is_kept_out_of_proxies_and_what_was_excepted_stays_so() -> None:
    assert without_loopback({"NO_PROXY": "lan,127.0.0.1"}) == dict.fromkeys(
        ("NO_PROXY", "no_proxy"), "lan,127.0.0.1,localhost,::1"
    )


def test_requests_through_a_proxy_without_tls_name_the_whole_url() -> None:
    target = parse_upstream("http://models.lan:8000/v1", environment={"HTTP_PROXY": "http://me:pw@p:1"})
    raw = b"GET /v1/x?y HTTP/1.1\r\nHost: localhost\r\nA: b\r\n\r\n"
    head = RequestHead("GET", "/v1/x?y", "1.1", (("Host", "localhost"), ("A", "b")))
    forwarded = target.forwarding(Access()).forward(raw, head)
    assert isinstance(forwarded, Forwarded)
    assert forwarded.recorded == raw
    assert forwarded.sent == (
        b"GET http://models.lan:8000/v1/x?y HTTP/1.1\r\nProxy-Authorization: Basic bWU6cHc=\r\n"
        b"Host: models.lan:8000\r\nA: b\r\n\r\n"
    )


# --- a proxy on loopback


@dataclass
class ConnectProxy:
    """Tunnels to one place, whatever is asked for; ``answer`` is said first."""

    to: int
    answer: bytes = b"HTTP/1.1 200 Connection established\r\n\r\n"
    heads: list[bytes] = field(default_factory=list)
    port: int = 0

    def __enter__(self) -> ConnectProxy:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                threading.Thread(target=self._tunnel, args=(sock,), daemon=True).start()

    def _tunnel(self, sock: socket.socket) -> None:
        with contextlib.suppress(OSError), sock:
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += sock.recv(65536)
            self.heads.append(head)
            sock.sendall(self.answer)
            if not self.answer.startswith(b"HTTP/1.1 200"):
                return
            with socket.create_connection(("127.0.0.1", self.to)) as inner:
                back = threading.Thread(target=self._pump, args=(inner, sock), daemon=True)
                back.start()
                self._pump(sock, inner)
                back.join()

    @staticmethod
    def _pump(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)


@pytest.fixture(scope="module")
def secure(certificates: Path) -> Iterator[Upstream]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificates / "server.pem")
    with Upstream({"/v1/ok": [_OK]}, tls=context) as running:
        yield running


def test_an_upstream_is_reached_through_the_proxy_of_the_environment(
    secure: Upstream, certificates: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_PROXY", "no_proxy", "https_proxy", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with ConnectProxy(secure.port) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://me:secret@127.0.0.1:{proxy.port}")
        arguments = ("--upstream", "https://upstream.test/v1", "--upstream-ca", str(certificates / "ca.pem"))
        with recording(tmp_path, *arguments) as recorder:
            assert run(fetch(recorder.port, get("/v1/ok"))).raw == _OK
            assert recorder.stop() == 0, recorder.stderr
    assert proxy.heads == [
        b"CONNECT upstream.test:443 HTTP/1.1\r\nHost: upstream.test:443\r\n"
        b"Proxy-Authorization: Basic " + base64.b64encode(b"me:secret") + b"\r\n\r\n"
    ]
    assert b"Host: upstream.test\r\n" in secure.requests[-1]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "answered CONNECT with 407"),
        (b"SSH-2.0\r\n\r\n", "speaks no HTTP"),
        (b"", "ended without an answer"),
        (b"HTTP/1.1 200 OK\r\n\r\nhello", "bytes of its own"),
    ],
)
def test_a_proxy_that_does_not_tunnel_is_named(answer: bytes, said: str) -> None:
    with ConnectProxy(1, answer) as proxy:
        target = parse_upstream("https://x.example", environment={"HTTPS_PROXY": f"http://127.0.0.1:{proxy.port}"})
        refusal = run(target.connect())
    assert isinstance(refusal, Refusal)
    assert refusal.kind == "proxy"
    assert said in refusal.detail
    assert "NO_PROXY" in refusal.hint


def test_a_proxy_out_of_reach_is_named() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        target = parse_upstream("https://x.example", environment={})
        proxy = HttpProxy("127.0.0.1", unused.getsockname()[1])
        refusal = run(replace(target, proxy=proxy).connect())
    assert (refusal.kind, refusal.detail) == ("proxy", f"{proxy}: connection refused")


@pytest.mark.parametrize("by_proxy", [False, True])
def test_a_handshake_that_is_never_answered_has_a_limit(by_proxy: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        target = parse_upstream(f"https://127.0.0.1:{port}", environment={})
        target = replace(target, proxy=HttpProxy("127.0.0.1", port) if by_proxy else None, handshake_seconds=0.05)

        async def connect() -> object:
            async with asyncio.timeout(30):
                return await target.connect()

        refusal = run(connect())
    assert isinstance(refusal, Refusal)
    assert refusal.kind == "timeout"
    assert ("proxy" if by_proxy else "tls handshake") in refusal.detail


def test_a_command_reaches_us_whatever_proxy_the_environment_names(tmp_path: Path) -> None:
    code = (
        "import os, urllib.request as u; url = os.environ['OPENAI_BASE_URL'];"
        "assert 'lan' in os.environ['NO_PROXY'], os.environ['NO_PROXY'];"
        "assert u.urlopen(url + '/ok').read() == b'ok'"
    )
    with Upstream({"/v1/ok": [_OK]}) as upstream, pytest.MonkeyPatch.context() as patch:
        patch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
        patch.setenv("http_proxy", "http://127.0.0.1:1")
        patch.setenv("NO_PROXY", "lan")
        patch.delenv("no_proxy", raising=False)
        import subprocess

        from tests.servers.harness import RECORD

        arguments = ("--upstream", upstream.url, "--listen", "127.0.0.1:0", "--db", str(tmp_path / "x.db"))
        done = subprocess.run(
            [*RECORD, *arguments, "--", sys.executable, "-c", code], capture_output=True, text=True, timeout=600
        )
    assert done.returncode == 0, done.stderr
    assert upstream.requests
