"""Makes listening sockets: addresses as people write them, bound, with as many descriptors as the system allows."""

from __future__ import annotations

import contextlib
import resource
import socket

from streamlab.errors import CouldNotRunError, UsageError
from streamlab.servers.access import is_loopback

_BACKLOG = 4096
#: Descriptors wanted: two a stream.
_DESCRIPTORS = 65536


def parse_listen(address: str, *, allow_remote: bool) -> tuple[str, int]:
    """``HOST:PORT`` (port 0: any free one); UsageError when malformed, or not loopback without ``allow_remote``."""
    host, colon, port_text = address.rpartition(":")
    host = host.strip("[]") or "127.0.0.1"
    if not port_text.isdecimal() or int(port_text) > 65535 or (not colon and "." in address):
        raise UsageError(f"{address!r} is not an address like 127.0.0.1:9100")
    if not allow_remote and not is_loopback(host):
        raise UsageError(
            f"refusing to listen on {host}: whoever reaches it could use your upstream; add --allow-remote if meant"
        )
    return host, int(port_text)


def bind(host: str, port: int) -> socket.socket:
    """A listening, non-blocking socket; CouldNotRunError names the port and the way out."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise CouldNotRunError(f"cannot listen on {host}: {error.strerror}") from None
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        sock.listen(_BACKLOG)
    except OSError as error:
        sock.close()
        raise CouldNotRunError(
            f"cannot listen on {host}:{port}: {(error.strerror or str(error)).lower()}; "
            "pick another with --listen HOST:PORT (port 0 takes any free one)"
        ) from None
    sock.setblocking(False)
    return sock


def raise_file_limit() -> None:
    """Allow as many open sockets as the system lets us: two a stream are needed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
