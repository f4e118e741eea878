"""Rewrites a request's head for its upstream: the origin is swapped, all else stays byte for byte. No sockets."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from streamlab.servers.access import Access
from streamlab.wire.http1 import HttpFault, RequestHead, parse_request_head


@dataclass(frozen=True, slots=True)
class Forwarded:
    """A request's head for the recorder, and for the upstream."""

    recorded: bytes
    sent: bytes


@dataclass(frozen=True, slots=True)
class Forwarding:
    """Where requests go, and what is done to their heads on the way.

    ``by_proxy``: the upstream is asked through a proxy that takes whole URLs; ``extra`` are header lines for it.
    """

    authority: str
    scheme: str = "http"
    access: Access = field(default_factory=Access)
    by_proxy: bool = False
    extra: tuple[bytes, ...] = ()

    @property
    def origin(self) -> str:
        """scheme://host[:port]."""
        return f"{self.scheme}://{self.authority}"

    def forward(self, raw: bytes, head: RequestHead) -> Forwarded | HttpFault:
        """What becomes of a client's head, or why nothing does."""
        admitted = self.access.admit(raw, head)
        if isinstance(admitted, HttpFault):
            return admitted
        sent = self._swapped(admitted.raw, admitted.head)
        return sent if isinstance(sent, HttpFault) else Forwarded(admitted.raw, sent)

    def again(self, raw: bytes) -> bytes:
        """What the upstream gets for a head made from one that was forwarded before."""
        head = parse_request_head(raw)
        sent = head if isinstance(head, HttpFault) else self._swapped(raw, head)
        assert not isinstance(sent, HttpFault), "made from a head that was valid"
        return sent

    def _swapped(self, raw: bytes, head: RequestHead) -> bytes | HttpFault:
        swapped = swap_origin(raw, head, self.authority)
        if isinstance(swapped, HttpFault) or not self.by_proxy:
            return swapped
        method, target, rest = swapped.split(b" ", 2)
        host = self.authority.encode("idna" if not self.authority.isascii() else "ascii")
        line, lines = rest.split(b"\r\n", 1)
        whole = b"http://" + host + (b"" if target == b"*" else target)
        return b"\r\n".join([b" ".join([method, whole, line]), *self.extra, lines])


def swap_origin(raw: bytes, head: RequestHead, authority: str) -> bytes | HttpFault:
    """The head with its Host header naming ``authority`` and its target in origin form; all else byte for byte."""
    lines = raw.split(b"\r\n")
    if not head.target.startswith("/") and head.target != "*":
        try:
            parts = urlsplit(head.target)
        except ValueError:
            return HttpFault("the request target is not a URL")
        if parts.scheme not in ("http", "https") or not parts.netloc:
            return HttpFault("the request target is neither a path nor a URL")
        path = head.target[head.target.index("//") + 2 :][len(parts.netloc) :] or "/"
        target = path if path.startswith("/") else "/" + path
        lines[0] = f"{head.method} {target} HTTP/{head.http_version}".encode("latin-1")
    hosts = [at for at, line in enumerate(lines) if at and line[:5].lower() == b"host:"]
    if len(hosts) > 1:
        return HttpFault("the Host header is given twice")
    host = authority.encode("idna" if not authority.isascii() else "ascii")
    if hosts:
        lines[hosts[0]] = lines[hosts[0]][:5] + b" " + host
    else:
        lines.insert(1, b"Host: " + host)
    return b"\r\n".join(lines)
