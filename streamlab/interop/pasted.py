"""What a paste has been read as so far, and how well that reads as an event stream."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from streamlab.exchange import Request, ResponseHead
from streamlab.lazy_pattern import lazy_pattern
from streamlab.wire.payload import FaultKind, decode_payload
from streamlab.wire.sse import BOM, ServerSentEvent, SSEDecoder

#: A paste is small; what is larger is taken as it is.
LARGEST_PASTE = 16 * 1024 * 1024
_AT_ONCE = 64 * 1024
FIELD = lazy_pattern(rb"(?:data|event|id|retry) ?:|:|\[DONE\]")
#: A line that is no field.
_STRAY = lazy_pattern(rb"(?:(?<=[\r\n])|\A)(?!(?:data|event|id|retry)?:)[^\r\n]")


@dataclass(frozen=True, slots=True)
class Paste:
    """``took`` says in words what was taken off; ``framed`` is False where events are all that is left of the wire."""

    body: bytes
    head: ResponseHead | None = None
    request: Request | None = None
    took: tuple[str, ...] = ()
    framed: bool = True
    #: (microseconds since the first byte of the request, length) of each read, where the paste has them.
    reads: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class Score:
    """How well bytes read as a stream: events whose data is JSON or ``[DONE]``, less lines that are no field."""

    events: int
    strays: int  # negated: more is better

    @property
    def clean(self) -> bool:
        """Whether every line is a field."""
        return self.events > 0 and not self.strays


def whole_json(data: bytes) -> Any:
    """The one JSON value that ``data`` is; None when it is none, or more than one."""
    payload = decode_payload(data.strip())
    if not payload.ok or any(fault.kind is FaultKind.TRAILING_TEXT for fault in payload.faults):
        return None
    return payload.value


def reads(data: bytes) -> bool:
    """Whether an event's data is one JSON object, or the end."""
    return data.strip() == b"[DONE]" or isinstance(whole_json(data), dict)


def events_of(body: bytes) -> Iterator[ServerSentEvent]:
    """The events, a few at a time."""
    decoder = SSEDecoder()
    for at in range(0, len(body), _AT_ONCE):
        yield from decoder.feed(body[at : at + _AT_ONCE])
    yield from decoder.finish()


def score(body: bytes) -> Score:
    """Read it and count."""
    events = strays = 0
    for event in events_of(body):
        events += event.data is not None and reads(event.data)
        if not event.plain:
            raw = event.raw[len(BOM) :] if event.has_bom else event.raw
            strays += len(_STRAY.findall(raw))
    return Score(events, -strays)
