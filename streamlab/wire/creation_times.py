"""Times of creation, in whatever form they come."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from streamlab.exchange import ResponseHead

_MILLISECONDS = 100_000_000_000


def seconds_of(value: Any) -> int | None:
    """A creation time as whole Unix seconds, from whatever form it came in; None when it is none."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return _iso_seconds(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e15:
        return None
    return int(value) // 1000 if value > _MILLISECONDS else int(value)


def date_of(head: ResponseHead | None) -> int:
    """The Date header of an answer as whole Unix seconds; 0 without one."""
    header = head.header("date") if head is not None else None
    try:
        moment = datetime.strptime(header or "", "%a, %d %b %Y %H:%M:%S GMT")
    except ValueError:
        return 0
    return int(moment.replace(tzinfo=UTC).timestamp())


def _iso_seconds(text: str) -> int | None:
    try:
        moment = datetime.fromisoformat(text.strip())
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        return None
