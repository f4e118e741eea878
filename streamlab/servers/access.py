"""Decides who may ask a recorder or replayer: this machine's own programs, and no page from elsewhere. No sockets.

A web page can make a browser on this machine send requests to loopback, under its own name (then ``Origin`` or
``Sec-Fetch-Site`` betray it) or under a name of its own that suddenly resolves to 127.0.0.1 (then ``Host`` does).
"""

from __future__ import annotations

import functools
import hmac
import ipaddress
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from streamlab.errors import UsageError
from streamlab.redaction import redact_line
from streamlab.wire.http1 import HttpFault, RequestHead
from streamlab.wire.visible import visible

_TOKEN = re.compile(r"[A-Za-z0-9_-]{8,200}")


@dataclass(frozen=True, slots=True)
class Admitted:
    """A request that may be answered: its head as the upstream's own client would have sent it, without our token."""

    raw: bytes
    head: RequestHead


@dataclass(frozen=True, slots=True)
class Access:
    """Who may ask. ``remote``: whoever reaches us, under any name. ``origins`` may ask from a web page (``*``: all do).

    ``token`` has to stand first in every path: ``/~TOKEN/v1/...``.
    """

    remote: bool = False
    origins: frozenset[str] = frozenset()
    token: str | None = None

    @property
    def prefix(self) -> str:
        """What stands before every path."""
        return "" if self.token is None else f"/~{self.token}"

    def admit(self, raw: bytes, head: RequestHead) -> Admitted | HttpFault:
        """The request without our token, or why it is not answered."""
        if not self.remote:
            fault = self._foreign_name(head) or self._foreign_page(head)
            if fault is not None:
                return fault
        return Admitted(raw, head) if self.token is None else self._without_token(raw, head, self.token)

    def _foreign_name(self, head: RequestHead) -> HttpFault | None:
        hosts = _all(head, "host")
        if not head.target.startswith(("/", "*")):
            hosts.append(urlsplit_authority(head.target))
        for host in hosts:
            if not is_loopback(host_of(host)):
                shown = visible(redact_line(host.rpartition("@")[2]), 80)
                return HttpFault(
                    f"the Host {shown} is not this machine, whose address is used with 127.0.0.1 or "
                    "localhost; --allow-remote lets every name in",
                    403,
                )
        return None

    def _foreign_page(self, head: RequestHead) -> HttpFault | None:
        if "*" in self.origins:
            return None
        origins = _all(head, "origin")
        own = {f"{scheme}://{host.lower()}" for scheme in ("http", "https") for host in _all(head, "host") if origins}
        for origin in origins:
            if origin.lower().rstrip("/") not in self.origins | own:
                shown = visible(origin, 80)
                return HttpFault(f"a web page of {shown} may not ask here; --allow-origin {shown} lets it", 403)
        # Without an Origin, as of an image: the browser says at least how far away the page is.
        if not origins and any(site.lower() not in ("same-origin", "none") for site in _all(head, "sec-fetch-site")):
            return HttpFault("a web page of another origin may not ask here; --allow-origin '*' lets every page", 403)
        return None

    def _without_token(self, raw: bytes, head: RequestHead, token: str) -> Admitted | HttpFault:
        authority = urlsplit_authority(head.target)
        start = head.target.index("//") + 2 + len(authority) if authority else 0
        path = head.target[start:]
        given, slash, rest = path.removeprefix("/~").partition("/")
        right = path.startswith("/~") and hmac.compare_digest(given.encode("utf-8"), token.encode("utf-8"))
        if not right:
            return HttpFault("the token is missing or wrong: use the base URL as it was printed, with /~TOKEN", 401)
        target = head.target[:start] + slash + rest if slash else head.target[:start] + "/"
        line = f"{head.method} {target} HTTP/{head.http_version}".encode("latin-1")
        return Admitted(
            line + raw[raw.index(b"\r\n") :], RequestHead(head.method, target, head.http_version, head.headers)
        )


def _all(head: RequestHead, name: str) -> list[str]:
    return [value for key, value in head.headers if key.lower() == name]


def make_access(remote: bool, origins: Iterable[str], token: str | None) -> Access:
    """From what people type: ``token`` "new" makes one. Raises UsageError."""
    if token == "new":
        token = secrets.token_urlsafe(16)
    if token is not None and not _TOKEN.fullmatch(token):
        raise UsageError("a token is 8 or more letters, digits, - and _ (new makes one)")
    return Access(remote, frozenset(origin.strip().lower().rstrip("/") for origin in origins), token)


def urlsplit_authority(url: str) -> str:
    """``host:port`` of a URL; "" where there is none."""
    try:
        return urlsplit(url).netloc
    except ValueError:
        return ""


def host_of(authority: str) -> str:
    """The host of ``host:port``, without brackets; the whole, where it is no such thing."""
    if authority.startswith("["):
        return authority[1:].partition("]")[0]
    host, colon, port = authority.rpartition(":")
    return host if colon and (port.isdecimal() or not port) else authority


@functools.lru_cache(maxsize=256)  # asked for every request, and dear: an address is taken apart
def is_loopback(host: str) -> bool:
    """Whether a host name or address (without brackets) means this machine and no other."""
    name = host.lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
