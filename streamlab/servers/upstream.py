"""Where a relay's requests go: the origin behind a base URL, and how to connect to it."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from streamlab.errors import UsageError
from streamlab.servers.refusal import Refusal

_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Upstream:
    """An upstream's origin and the path of its base URL (without a trailing slash)."""

    scheme: str
    host: str
    port: int
    path: str = ""
    tls: ssl.SSLContext | None = field(default=None, compare=False, repr=False)

    @property
    def authority(self) -> str:
        """What goes into the Host header: the port only where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        """scheme://host[:port]."""
        return f"{self.scheme}://{self.authority}"

    def connect_at_once(self) -> socket.socket | None:
        """A connection to a loopback address, whose handshake the kernel does within the call; None elsewhere.

        Spares a local server's stream the turns of the event loop that `connect` takes.
        """
        if self.tls is not None or self.host not in ("127.0.0.1", "::1"):
            return None
        sock = socket.socket(socket.AF_INET6 if ":" in self.host else socket.AF_INET, socket.SOCK_STREAM)
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
        try:
            found = await loop.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            return Refusal("dns", getattr(error, "strerror", None) or str(error))
        refusal = Refusal("dns", "no address")
        for family, kind, protocol, _, address in found:
            result = await self._connect_to(loop, socket.socket(family, kind, protocol), address)
            if not isinstance(result, Refusal):
                return result
            refusal = result
        return refusal

    async def _connect_to(
        self, loop: asyncio.AbstractEventLoop, sock: socket.socket, address: object
    ) -> socket.socket | Refusal:
        try:
            sock.setblocking(False)
            await loop.sock_connect(sock, address)  # type: ignore[arg-type]
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return await self._secure(loop, sock)
        except ConnectionRefusedError:
            sock.close()
            return Refusal("refused", "connection refused")
        except ssl.SSLError as error:
            sock.close()
            return Refusal("tls", getattr(error, "verify_message", "") or (error.reason or str(error)).lower())
        except OSError as error:
            sock.close()
            kind = "timeout" if isinstance(error, TimeoutError) else "unreachable"
            return Refusal(kind, (error.strerror or str(error)).lower())
        except BaseException:
            sock.close()
            raise

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


async def _ready(add: Callable[..., object], remove: Callable[[socket.socket], object], sock: socket.socket) -> None:
    """Wait until the selector says so, once."""
    told = asyncio.Event()
    add(sock, told.set)
    try:
        await told.wait()
    finally:
        remove(sock)


def parse_upstream(url: str, ca_file: str | None = None) -> Upstream:
    """The upstream behind a base URL such as ``https://host/api/v4``; UsageError when it is none."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise UsageError(f"upstream {url!r} is not a URL: {error}") from None
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise UsageError(f"upstream {url!r} is not a URL like https://host/v1")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise UsageError("an upstream URL takes no user name, query or fragment; send keys in the request's headers")
    context = _tls_context(ca_file) if parts.scheme == "https" else None
    return Upstream(parts.scheme, parts.hostname, port or _DEFAULT_PORTS[parts.scheme], parts.path.rstrip("/"), context)


def _tls_context(ca_file: str | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    if ca_file is not None:
        try:
            context.load_verify_locations(ca_file)
        except OSError as error:
            raise UsageError(f"cannot read certificates from {ca_file}: {error.strerror or error}") from None
    return context
