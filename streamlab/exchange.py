"""The central noun: one HTTP request and its response, as it happened.

Everything else in streamlab is derived from an `Exchange`. It keeps inputs only (request, response bytes, arrival
times, how it ended); findings, metrics and completions are computed from it and never stored in it.

Times are integer microseconds since the first byte of the request. None means unknown, never zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from streamlab.outline import Ending as Ending
from streamlab.outline import known_as
from streamlab.record import Record, made_by

#: Header names and values as received, in order, duplicates kept; decoded as latin-1.
Headers = tuple[tuple[str, str], ...]


class Segment(Record, frozen=True):
    """The bytes of one read of the response body, after HTTP chunk framing and before content decoding.

    A read that spans several HTTP chunks gives one segment a chunk, with equal offsets, so that a segment never
    crosses an HTTP chunk boundary.
    """

    offset_us: int | None
    data: bytes


class Request(Record, frozen=True):
    """What the client asked. ``body`` is the raw bytes; None when it is unknown. ``headers`` are redacted."""

    method: str
    url: str
    headers: Headers = ()
    body: bytes | None = None


class ResponseHead(Record, frozen=True):
    """Status line and headers. ``offset_us`` is when the head was complete."""

    status: int
    headers: Headers = ()
    offset_us: int | None = None
    reason: str = ""
    http_version: str = "1.1"

    def header(self, name: str) -> str | None:
        """The first value of a header, by case-insensitive name; None when it is absent."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)


class Exchange(Record, frozen=True):
    """One request and its response.

    ``segments`` is any sequence and may be lazy (a database reads them on demand). ``http_chunks`` are the lengths
    of the HTTP chunks the body came in; None when it was not chunked or this is unknown. ``head`` is None when no
    response came. ``notes`` is free; unknown keys of an exchange.json live in ``notes["_unknown"]`` so that a round
    trip keeps them.
    """

    id: int | None = None
    request: Request | None = None
    head: ResponseHead | None = None
    segments: Sequence[Segment] = ()
    http_chunks: tuple[int, ...] | None = None
    ending: Ending = Ending.COMPLETE
    end_us: int | None = None
    label: str | None = None
    tap: str | None = None
    started_at: str | None = None  # UTC wall clock, RFC 3339 with microseconds
    notes: dict[str, Any] = made_by(default_factory=dict)

    @property
    def known_as(self) -> str:
        """What people named it by: its tap and its label; empty where it has neither."""
        return known_as(self.tap, self.label)

    @property
    def body(self) -> bytes:
        """The response body, byte for byte as it came, joined."""
        return b"".join(segment.data for segment in self.segments)

    @property
    def timing_known(self) -> bool:
        """Whether arrival times were recorded; no timing rule may speak when they were not."""
        return self.end_us is not None and (not self.segments or self.segments[0].offset_us is not None)
