"""Exchanges of which the body of the response is all that is left."""

from __future__ import annotations

from streamlab.exchange import Ending, Exchange, ResponseHead, Segment


def read_bare_body(body: bytes) -> Exchange:
    """A response body of which nothing else is known: status 200, text/event-stream, complete, no times."""
    head = ResponseHead(200, (("content-type", "text/event-stream"),))
    return Exchange(head=head, segments=one_segment(body), ending=Ending.COMPLETE)


def one_segment(body: bytes) -> tuple[Segment, ...]:
    """A body of which no reads are known."""
    return (Segment(None, body),) if body else ()
