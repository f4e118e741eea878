"""Events that have data and say nothing by it: bodies made of these alone hold no answer."""

from __future__ import annotations

from streamlab.wire.bad_payloads import PING_EVENTS
from streamlab.wire.events import Chunk, Comment, Done, ErrorPayload, StreamEvent, Undecodable
from streamlab.wire.keepalives import is_keepalive, says_nothing
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import is_of_audio_model

#: Bytes that are kept of what is no answer, for the error event that says so.
_KEPT = 400
_MOST_TORN = 16
_ENVELOPE = ("id", "object", "created", "model", "service_tier", "system_fingerprint")
_NOTHING: tuple[object, ...] = (None, "", [], {})


def holds_nothing(event: StreamEvent, *, typed: bool) -> bool:
    """Whether an event with data holds nothing: no data, ``null``, ``""``, ``[]``, ``{}``, or a heartbeat in the
    clothes of a chunk. ``typed``: the API's events have types, and rules of its own speak of what those mean."""
    if type(event) is Undecodable:
        nothing = not (event.sse.data or b"").strip() or (event.decoded and event.value in _NOTHING)
        return nothing or (not typed and _is_named_ping(event))
    if type(event) is not Chunk:
        return False
    chunk = event.json
    if typed or not chunk:
        return not chunk
    if chunk.get("choices"):
        return is_keepalive(chunk)  # a choice that says nothing is one all the same, and has no finish
    return says_nothing(chunk) or _is_named_ping(event)


def _is_named_ping(event: Undecodable | Chunk) -> bool:
    return event.sse is not None and (event.sse.event or b"").strip().lower() in PING_EVENTS


class NoAnswer:
    """What came as long as nothing of an answer did: the start of what is no event, and of events that hold nothing.

    ``choices`` are those of keep-alives which a repair took out: whoever read them took these for opened.
    """

    __slots__ = ("_torn", "choices", "hollow", "stray")

    def __init__(self) -> None:
        self.stray = b""
        self.choices: set[int] = set()
        self._torn: list[tuple[int, StreamEvent]] = []
        self.hollow: bytes | None = b""  # None once an event held something

    def add_stray(self, data: bytes) -> None:
        """More of what is no event."""
        self.stray = (self.stray + data)[:_KEPT]

    def tear(self, at: int, event: StreamEvent) -> None:
        """Event number ``at``, if nobody can read it: it is part of an answer, should one follow."""
        if type(event) is Undecodable and len(self._torn) < _MOST_TORN:
            self._torn.append((at, event))

    def torn_before(self, event: StreamEvent) -> list[tuple[int, StreamEvent]]:
        """Those events and their numbers, once; none before an error, which is all there is to say then."""
        torn, self._torn = self._torn, []
        return [] if type(event) is ErrorPayload else torn

    def look(self, event: StreamEvent, *, typed: bool) -> None:
        """An event as it came; see `holds_nothing`."""
        if self.hollow is None or isinstance(event, Comment | Done):
            return
        nothing = event.sse is not None and holds_nothing(event, typed=typed)
        self.hollow = (self.hollow + event.sse.raw)[:_KEPT] if nothing else None  # type: ignore[union-attr]

    @property
    def said(self) -> bytes:
        """The start of it without NUL bytes and blanks around it; empty where nothing is in it."""
        return self.stray.strip(b"\0 \t\r\n") or (self.hollow or b"").strip()


def is_no_chunk(chunk: JsonObject, name: bytes = b"") -> bool:
    """Whether an object in a stream of chunks is none, and nobody could take it for one: an event with a name of its
    own, or a remark of the server's. ``name`` is that of its event, in lower case."""
    if "choices" in chunk or type(chunk.get("usage")) is dict or is_of_audio_model(chunk):
        return False
    kind = chunk.get("object")
    if type(kind) is str and kind.startswith(("chat.completion", "text_completion")):
        return False
    odd = any(type(chunk.get(key)) in (dict, list) for key in _ENVELOPE)  # an answer may be left in there
    return odd or name not in (b"", b"message") or not ("id" in chunk and "model" in chunk)
