"""Says why no connection to an upstream could be made, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass

_HINTS = {
    "refused": "is the server running, and is --upstream right?",
    "dns": "is the host name in --upstream right?",
    "tls": "give a private CA with --upstream-ca, or use http://",
    "proxy": "is the proxy in HTTPS_PROXY, HTTP_PROXY or ALL_PROXY right? NO_PROXY names hosts that need none",
    "descriptors": "the limit on open files is reached, `ulimit -n` raises it; try again",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why no connection could be made: a detail, and a ``kind``: refused, dns, tls, timeout, proxy, descriptors,
    unreachable."""

    kind: str
    detail: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.detail}" if self.detail else self.kind

    @property
    def hint(self) -> str:
        """A question whose answer helps."""
        return _HINTS.get(self.kind, "is the server reachable from here?")
