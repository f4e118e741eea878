"""Variations of an exchange that a client ought to survive, or at least to notice: cut elsewhere, or broken off.

A variation is an exchange like any other, so it can be replayed, checked and exported.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from enum import StrEnum

from streamlab.exchange import Ending, Exchange, Segment
from streamlab.record import changed
from streamlab.wire.sse import SSEDecoder

#: The pause between two pieces, so that a client reads them one by one; less where a body is cut very often.
_LONGEST_GAP_US, _WHOLE_US = 2_000, 400_000


class Break(StrEnum):
    """How a variation ends before its time, the mildest first."""

    CUT = "cut"  # the connection is closed in order
    RESET = "reset"
    STALL = "stall"  # nothing more comes


def at_once(exchange: Exchange) -> Exchange:
    """The exchange with everything due at once."""
    head = changed(exchange.head, offset_us=0) if exchange.head is not None else None
    segments = tuple(Segment(0, segment.data) for segment in exchange.segments)
    return changed(exchange, head=head, segments=segments, end_us=0)


def cut_at(exchange: Exchange, cuts: Sequence[int]) -> Exchange:
    """The whole exchange in pieces, each an HTTP chunk of its own and a read of its own."""
    body = exchange.body
    gap = min(_LONGEST_GAP_US, _WHOLE_US // (len(cuts) + 1))
    bounds = [0, *cuts, len(body)]
    pieces = [body[start:stop] for start, stop in itertools.pairwise(bounds) if start < stop]
    segments = tuple(Segment(at * gap, piece) for at, piece in enumerate(pieces))
    return changed(at_once(exchange), segments=segments, http_chunks=None, end_us=len(pieces) * gap)


def broken_off(exchange: Exchange, kept: int, how: Break) -> Exchange:
    """The first ``kept`` bytes, as recorded, and then no proper end."""
    segments: list[Segment] = []
    for segment in exchange.segments:
        data = segment.data[: max(0, kept - sum(len(one.data) for one in segments))]
        if data:
            segments.append(Segment(0, data))
    return changed(
        at_once(exchange),
        segments=tuple(segments),
        http_chunks=None,
        ending=Ending.TIMED_OUT if how is Break.STALL else Ending.UPSTREAM_CUT,
        notes={"ending_reason": "rst"} if how is Break.RESET else {},
    )


def event_ends(exchange: Exchange) -> list[int]:
    """Where each event of the body ends."""
    decoder = SSEDecoder()
    return [event.span[1] for event in (*decoder.feed(exchange.body), *decoder.finish())]


def place(exchange: Exchange, offset: int) -> str:
    """A byte of the body in words: between which events, or in which one."""
    ends = event_ends(exchange)
    if offset == 0:
        return "before the first event"
    if offset >= len(exchange.body):
        return "after the last byte"
    for at, end in enumerate(ends):
        if offset == end:
            return f"between events {at} and {at + 1}"
        if offset < end:
            return f"in the middle of event {at}"
    return "after the last event"
