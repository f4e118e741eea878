"""What a list says of an exchange, which needs no bytes of it: how it stopped, and what people named it."""

from __future__ import annotations

from enum import StrEnum


class Ending(StrEnum):
    """How an exchange stopped. The reason behind it (FIN, RST, ...) is in `Exchange.notes["ending_reason"]`."""

    COMPLETE = "complete"  # the HTTP message ended properly
    UPSTREAM_CUT = "upstream-cut"  # closed or reset before that
    CLIENT_LEFT = "client-left"
    TIMED_OUT = "timed-out"
    UNREACHABLE = "unreachable"  # no connection to the upstream could be made
    INTERRUPTED = "interrupted"  # the recorder stopped


def known_as(tap: str | None, label: str | None) -> str:
    """``TAP/LABEL``, as far as there are any."""
    return "/".join(part for part in (tap, label) if part)
