"""Says why no connection to an upstream could be made, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass

_HINTS = {
    "refused": "is the server running, and is --upstream right?",
    "dns": "is the host name in --upstream right?",
    "tls": "give a private CA with --upstream-ca, or use http://",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why no connection could be made: ``kind`` (refused, dns, tls, timeout, unreachable) and a detail."""

    kind: str
    detail: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.detail}" if self.detail else self.kind

    @property
    def hint(self) -> str:
        """A question whose answer helps."""
        return _HINTS.get(self.kind, "is the server reachable from here?")
