"""Where a relay's requests go: the origin behind a base URL, and how to connect to it, through a proxy or not."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from streamlab.errors import UsageError
from streamlab.servers.access import Access
from streamlab.servers.forwarding import Forwarding
from streamlab.servers.proxies import HttpProxy, proxy_for
from streamlab.servers.refusal import Refusal
from streamlab.wire.http1 import MAX_RESPONSE_HEAD, HttpFault, head_end, parse_response_head

_DEFAULT_PORTS = {"http": 80, "https": 443}
#: How long a proxy may take to connect, and a server to finish a TLS handshake.
_HANDSHAKE_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Upstream:
    """An upstream's origin and the path of its base URL (without a trailing slash)."""

    scheme: str
    host: str
    port: int
    path: str = ""
    tls: ssl.SSLContext | None = field(default=None, compare=False, repr=False)
    proxy: HttpProxy | None = None
    handshake_seconds: float = _HANDSHAKE_SECONDS

    @property
    def authority(self) -> str:
        """What goes into the Host header: the port only where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        """scheme://host[:port]."""
        return f"{self.scheme}://{self.authority}"

    def forwarding(self, access: Access) -> Forwarding:
        """What is done to the heads of requests on their way here."""
        by_proxy = self.proxy is not None and self.tls is None
        named = self.proxy.authorization if self.proxy is not None and by_proxy else None
        extra = (f"Proxy-Authorization: {named}".encode("latin-1"),) if named else ()
        return Forwarding(self.authority, self.scheme, access, by_proxy, extra)

    def connect_at_once(self) -> socket.socket | None:
        """A connection to a loopback address, whose handshake the kernel does within the call; None elsewhere.

        Spares a local server's stream the turns of the event loop that `connect` takes.
        """
        if self.tls is not None or self.proxy is not None or self.host not in ("127.0.0.1", "::1"):
            return None
        try:
            sock = socket.socket(socket.AF_INET6 if ":" in self.host else socket.AF_INET, socket.SOCK_STREAM)
        except OSError:
            return None
        try:
            sock.setblocking(False)
            sock.connect_ex((self.host, self.port))
            sock.getpeername()  # fails as long as there is no connection
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError:
            sock.close()
            return None
        return sock

    async def connect(self) -> socket.socket | Refusal:
        """A connected, non-blocking socket (TLS done and verified), or why there is none; tries every address."""
        loop = asyncio.get_running_loop()
        host, port = (self.host, self.port) if self.proxy is None else (self.proxy.host, self.proxy.port)
        try:
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            return self._through_proxy(Refusal("dns", getattr(error, "strerror", None) or str(error)))
        refusal = Refusal("dns", "no address")
        for family, kind, protocol, _, address in found:
            result = await self._connect_to(loop, (family, kind, protocol), address)
            if not isinstance(result, Refusal):
                return result
            refusal = result
        return refusal

    async def _connect_to(
        self, loop: asyncio.AbstractEventLoop, kind: tuple[int, int, int], address: object
    ) -> socket.socket | Refusal:
        sock: socket.socket | None = None
        try:
            sock = socket.socket(*kind)
            sock.setblocking(False)
            await loop.sock_connect(sock, address)  # type: ignore[arg-type]
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            if sock is not None:
                sock.close()
            return self._through_proxy(_refusal(error))
        except BaseException:
            if sock is not None:
                sock.close()
            raise
        return await self._shake_hands(loop, sock)

    async def _shake_hands(self, loop: asyncio.AbstractEventLoop, sock: socket.socket) -> socket.socket | Refusal:
        """The tunnel and the TLS that a connection begins with, where it does."""
        doing = "the proxy's answer"
        try:
            async with asyncio.timeout(self.handshake_seconds):
                if self.proxy is not None and self.tls is not None:
                    refusal = await self._open_tunnel(loop, sock, self.proxy)
                    if refusal is not None:
                        sock.close()
                        return refusal
                doing = "the TLS handshake"
                return await self._secure(loop, sock)
        except TimeoutError as error:
            sock.close()
            detail = error.strerror or f"{doing} did not come within {self.handshake_seconds:g} s"
            return Refusal("timeout", detail.lower())
        except ssl.SSLError as error:
            sock.close()
            return Refusal("tls", getattr(error, "verify_message", "") or (error.reason or str(error)).lower())
        except OSError as error:
            sock.close()
            return _refusal(error)
        except BaseException:
            sock.close()
            raise

    async def _open_tunnel(
        self, loop: asyncio.AbstractEventLoop, sock: socket.socket, proxy: HttpProxy
    ) -> Refusal | None:
        host = f"[{self.host}]" if ":" in self.host else self.host
        authority = f"{host}:{self.port}".encode("idna" if not host.isascii() else "ascii")
        lines = [b"CONNECT %b HTTP/1.1" % authority, b"Host: " + authority]
        if proxy.authorization:
            lines.append(f"Proxy-Authorization: {proxy.authorization}".encode("latin-1"))
        await loop.sock_sendall(sock, b"\r\n".join([*lines, b"", b""]))
        answer, end = bytearray(), -1
        while end < 0:
            received = await loop.sock_recv(sock, 65536)
            answer += received
            end = head_end(answer, 0, 0)
            if not received or len(answer) > MAX_RESPONSE_HEAD:
                return Refusal("proxy", f"{proxy} ended without an answer to CONNECT")
        head = parse_response_head(bytes(answer[:end]))
        if isinstance(head, HttpFault):
            return Refusal("proxy", f"{proxy} speaks no HTTP")
        if not 200 <= head.status < 300:
            return Refusal("proxy", f"{proxy} answered CONNECT with {head.status} {head.reason}".rstrip())
        return None if end == len(answer) else Refusal("proxy", f"{proxy} sent bytes of its own into the tunnel")

    def _through_proxy(self, refusal: Refusal) -> Refusal:
        """Says of which of the two machines it is that cannot be reached."""
        if self.proxy is None or refusal.kind == "descriptors":
            return refusal
        return Refusal("proxy", f"{self.proxy}: {refusal.detail or refusal.kind}")

    async def _secure(self, loop: asyncio.AbstractEventLoop, sock: socket.socket) -> socket.socket:
        if self.tls is None:
            return sock
        secured = self.tls.wrap_socket(sock, server_hostname=self.host, do_handshake_on_connect=False)
        try:
            while True:
                try:
                    secured.do_handshake()
                    return secured
                except ssl.SSLWantReadError:
                    await _ready(loop.add_reader, loop.remove_reader, secured)
                except ssl.SSLWantWriteError:
                    await _ready(loop.add_writer, loop.remove_writer, secured)
        except BaseException:
            secured.close()
            raise


def _refusal(error: OSError) -> Refusal:
    if isinstance(error, ConnectionRefusedError):
        return Refusal("refused", "connection refused")
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return Refusal("descriptors", "too many open files")
    kind = "timeout" if isinstance(error, TimeoutError) else "unreachable"
    return Refusal(kind, (error.strerror or str(error)).lower())


async def _ready(add: Callable[..., object], remove: Callable[[socket.socket], object], sock: socket.socket) -> None:
    """Wait until the selector says so, once."""
    told = asyncio.Event()
    add(sock, told.set)
    try:
        await told.wait()
    finally:
        remove(sock)


def parse_upstream(url: str, ca_file: str | None = None, environment: Mapping[str, str] | None = None) -> Upstream:
    """The upstream behind a base URL such as ``https://host/api/v4``; UsageError when it is none.

    ``environment`` names its proxy; it is the process's own unless given.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise UsageError(f"upstream {url!r} is not a URL: {error}") from None
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise UsageError(f"upstream {url!r} is not a URL like https://host/v1")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise UsageError("an upstream URL takes no user name, query or fragment; send keys in the request's headers")
    try:
        parts.hostname.encode("idna" if not parts.hostname.isascii() else "ascii")
    except UnicodeError:
        raise UsageError(f"upstream {url!r} names no host that can be looked up") from None
    number = port or _DEFAULT_PORTS[parts.scheme]
    proxy = proxy_for(parts.scheme, parts.hostname, number, os.environ if environment is None else environment)
    context = _tls_context(ca_file) if parts.scheme == "https" else None
    return Upstream(parts.scheme, parts.hostname, number, parts.path.rstrip("/"), context, proxy)


def _tls_context(ca_file: str | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    if ca_file is not None:
        try:
            context.load_verify_locations(ca_file)
        except OSError as error:
            raise UsageError(f"cannot read certificates from {ca_file}: {error.strerror or error}") from None
    return context
