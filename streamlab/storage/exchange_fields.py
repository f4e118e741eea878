"""The members of an exchange as a file from elsewhere gives them, checked one by one; every complaint names its place.

What passes can be stored: whole numbers that a database holds, text without half characters, lengths that add up.
"""

from __future__ import annotations

from typing import Any, NoReturn

from streamlab.errors import UnreadableInputError
from streamlab.exchange import Ending, Exchange, Headers, Segment
from streamlab.storage.bare_body import one_segment

#: Whole numbers up to here fit a column of SQLite.
_LARGEST_NUMBER = 2**63 - 1
_MOST_HEADERS = 10_000


class FieldReader:
    """Reads members of ``place``, a file or a part of one; ``body`` is what complaints call the response body."""

    def __init__(self, place: str, body: str = "the body") -> None:
        self._place = place
        self._body = body

    def fail(self, message: str) -> NoReturn:
        """Complain in one line."""
        raise UnreadableInputError(f"{self._place}: {message}" if self._place else message)

    def text(self, value: Any, place: str) -> str | None:
        """A string without half characters, or None."""
        if value is None:
            return None
        if not isinstance(value, str):
            self.fail(f'"{place}" is not a string')
        if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
            self.fail(f'"{place}" holds half a character')
        return value

    def time(self, value: Any, place: str) -> int | None:
        """Microseconds, or None."""
        if value is not None and not _is_count(value):
            self.fail(f'"{place}" is not a whole number of microseconds')
        return None if value is None else int(value)

    def status(self, value: Any, place: str) -> int:
        """A status code."""
        if not isinstance(value, int) or isinstance(value, bool) or not 100 <= value <= 999:
            self.fail(f'"{place}" is not a number from 100 to 999')
        return value

    def flag(self, value: Any, place: str) -> bool:
        """True or False."""
        if not isinstance(value, bool):
            self.fail(f'"{place}" is neither true nor false')
        return value

    def ending(self, value: Any) -> Ending:
        """How the exchange stopped."""
        if value not in list(Ending):
            self.fail('"ending" is none of ' + ", ".join(Ending))
        return Ending(value)

    def notes(self, value: Any) -> dict[str, Any]:
        """An object; none where there is none."""
        if value is not None and not isinstance(value, dict):
            self.fail('"notes" is not an object')
        return dict(value or {})

    def headers(self, pairs: Any, place: str) -> Headers:
        """A list of [name, value]; none where there is none."""
        if pairs is None:
            return ()
        if not isinstance(pairs, list | tuple):
            self.fail(f'"{place}.headers" is not a list')
        if len(pairs) > _MOST_HEADERS:
            self.fail(f'"{place}.headers" has more than {_MOST_HEADERS} lines')
        found = []
        for pair in pairs:
            if not isinstance(pair, list | tuple) or len(pair) != 2 or not all(isinstance(part, str) for part in pair):
                self.fail(f'"{place}.headers" is not a list of [name, value]')
            name, text = (self.text(part, f"{place}.headers") for part in pair)
            found.append((name or "", text or ""))
        return tuple(found)

    def segments(self, value: Any, body: bytes) -> tuple[Segment, ...]:
        """A list of [arrival, length] that adds up to the body; one of unknown arrival where there is none."""
        if value is None:
            return one_segment(body)
        if not isinstance(value, list):
            self.fail('"segments" is not a list')
        found, at, before = [], 0, 0
        for pair in value:
            if not isinstance(pair, list) or len(pair) != 2 or not _is_count(pair[1]):
                self.fail('"segments" is not a list of [arrival, length]')
            offset = self.time(pair[0], "segments")
            if offset is not None and offset < before:
                self.fail('"segments" arrive in disorder')
            before = before if offset is None else offset
            found.append(Segment(offset, body[at : at + pair[1]]))
            at += pair[1]
        if at != len(body):
            self.fail(f'"segments" add up to {at} bytes, {self._body} holds {len(body)}')
        return tuple(found)

    def chunks(self, value: Any, body: bytes) -> tuple[int, ...] | None:
        """Lengths of HTTP chunks that add up to the body, or None."""
        if value is None:
            return None
        if not isinstance(value, list) or not all(_is_count(length) for length in value):
            self.fail('"http_chunks" is not a list of lengths')
        if sum(value) != len(body):
            self.fail(f'"http_chunks" add up to {sum(value)} bytes, {self._body} holds {len(body)}')
        return tuple(value)

    def storable(self, exchange: Exchange) -> Exchange:
        """The exchange, which somebody else's format made, if a database and an exchange.json can hold it."""
        request, head = exchange.request, exchange.head
        if request is not None:
            for name in ("method", "url"):
                self.text(getattr(request, name), f"request.{name}")
            self.headers(request.headers, "request")
        if head is not None:
            self.status(head.status, "response.status")
            self.headers(head.headers, "response")
            self.text(head.reason, "response.reason")
            self.time(head.offset_us, "response.head_us")
        for name in ("label", "tap", "started_at"):
            self.text(getattr(exchange, name), name)
        self.time(exchange.end_us, "end_us")
        for segment in exchange.segments:
            self.time(segment.offset_us, "segments")
        return exchange


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LARGEST_NUMBER
