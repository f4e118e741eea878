"""What an event of the stream means, before any judgement: ``StreamEvent = Chunk | Done | ErrorPayload | Comment |
Undecodable``.

A chunk stays raw JSON. A strict model would reject or tidy the very thing we came to look at.
"""

from __future__ import annotations

from typing import Any

import msgspec

from streamlab.wire.payload import JsonObject, PayloadFault
from streamlab.wire.sse import ServerSentEvent


class Chunk(msgspec.Struct, frozen=True, gc=False):
    """A JSON object in a ``data`` payload. ``sse`` is None when a repair or a translator made it."""

    sse: ServerSentEvent | None
    json: JsonObject
    faults: tuple[PayloadFault, ...] = ()


class Done(msgspec.Struct, frozen=True, gc=False):
    """``data: [DONE]``. ``variant`` is True when it is spelled in another way that plainly means it."""

    sse: ServerSentEvent | None
    variant: bool = False


class ErrorPayload(msgspec.Struct, frozen=True, gc=False):
    """A JSON object with a truthy ``error`` member, as openai's clients define an error inside a stream."""

    sse: ServerSentEvent | None
    json: JsonObject
    faults: tuple[PayloadFault, ...] = ()


class Comment(msgspec.Struct, frozen=True, gc=False):
    """An event without data: comments, keep-alives, or fields that nobody asked for."""

    sse: ServerSentEvent


class Undecodable(msgspec.Struct, frozen=True, gc=False):
    """A ``data`` payload that is no JSON object. ``value`` is what it decoded to where ``decoded`` is True
    (a number, a list, the first of two objects), or would decode to without its raw control bytes."""

    sse: ServerSentEvent
    faults: tuple[PayloadFault, ...] = ()
    decoded: bool = False
    value: Any = None


StreamEvent = Chunk | Done | ErrorPayload | Comment | Undecodable
