"""Rewrites a request's head for its upstream: the origin is swapped, all else stays byte for byte."""

from __future__ import annotations

from urllib.parse import urlsplit

from streamlab.wire.http1 import Fault, RequestHead


def swap_origin(raw: bytes, head: RequestHead, authority: str) -> bytes | Fault:
    """The head with its Host header naming ``authority`` and its target in origin form; all else byte for byte."""
    lines = raw.split(b"\r\n")
    if not head.target.startswith("/") and head.target != "*":
        parts = urlsplit(head.target)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            return Fault("the request target is neither a path nor a URL")
        path = head.target[head.target.index("//") + 2 :][len(parts.netloc) :] or "/"
        target = path if path.startswith("/") else "/" + path
        lines[0] = f"{head.method} {target} HTTP/{head.http_version}".encode("latin-1")
    hosts = [at for at, line in enumerate(lines) if at and line[:5].lower() == b"host:"]
    if len(hosts) > 1:
        return Fault("the Host header is given twice")
    host = authority.encode("idna" if not authority.isascii() else "ascii")
    if hosts:
        lines[hosts[0]] = lines[hosts[0]][:5] + b" " + host
    else:
        lines.insert(1, b"Host: " + host)
    return b"\r\n".join(lines)
