"""Finds the proxy that the environment names for an upstream: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY."""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from streamlab.errors import UsageError
from streamlab.servers.access import is_loopback

#: What a command run beside a recorder must not send through a proxy, or its requests pass us by.
LOOPBACK_NAMES = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class HttpProxy:
    """A proxy that speaks HTTP; ``authorization`` is what its Proxy-Authorization header says, if anything."""

    host: str
    port: int
    authorization: str | None = None

    def __str__(self) -> str:
        return f"{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


def proxy_for(scheme: str, host: str, port: int, environment: Mapping[str, str]) -> HttpProxy | None:
    """The proxy for an upstream, None where it is reached directly, as every upstream on loopback is.

    Raises UsageError for a proxy that we cannot use.
    """
    if is_loopback(host) or _excepted(host, port, _variable("no_proxy", environment)):
        return None
    for name in (f"{scheme}_proxy", "all_proxy"):
        url = _variable(name, environment)
        if url:
            return _parse(name.upper(), url)
    return None


def without_loopback(environment: Mapping[str, str]) -> dict[str, str]:
    """Variables that keep a program's requests to loopback out of any proxy; the exceptions it has are kept."""
    kept = [part.strip() for part in _variable("no_proxy", environment).split(",") if part.strip()]
    value = ",".join([*kept, *(name for name in LOOPBACK_NAMES if name not in kept)])
    return {"NO_PROXY": value, "no_proxy": value}


def _variable(name: str, environment: Mapping[str, str]) -> str:
    """Lower case wins, as everywhere."""
    return environment.get(name) or environment.get(name.upper()) or ""


def _parse(name: str, url: str) -> HttpProxy:
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        port = parts.port
    except ValueError:
        raise UsageError(f"{name} is not a URL like http://proxy:3128") from None
    if parts.scheme != "http" or not parts.hostname:
        raise UsageError(
            f"{name} names a proxy of a kind that is not supported ({parts.scheme or 'none'}): give an http:// one, "
            "or name the upstream's host in NO_PROXY"
        )
    authorization = None
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        authorization = "Basic " + base64.b64encode(pair.encode()).decode()
    return HttpProxy(parts.hostname, port or 80, authorization)


def _excepted(host: str, port: int, exceptions: str) -> bool:
    """Whether NO_PROXY names the host: ``*``, a name and all below it, an address, a network; port or not."""
    wanted = host.lower().rstrip(".")
    for part in exceptions.lower().replace(" ", ",").split(","):
        if part == "*" or (part and _is_excepted(wanted, port, part)):
            return True
    return False


def _is_excepted(host: str, port: int, part: str) -> bool:
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(part.strip("[]"), strict=False)
    except ValueError:
        pass
    name, colon, number = part.rpartition(":")
    if colon and number.isdecimal() and ":" not in name.strip("[]"):
        if int(number) != port:
            return False
        part = name
    part = part.strip("[]").removeprefix("*").strip(".")
    return bool(part) and (host == part or host.endswith(f".{part}"))
