"""What a payload is that should have been one JSON object: each undecodable event gets exactly one name.

Most names can be given at once. JSON that stops in the middle needs the events after it: a raw line end in a string
tears a payload into lines without a field name, and a relay that forwards what it read as it came tears it into
several events. `MisfitReader` waits for the rest, bounded, and says which it was.
"""

from __future__ import annotations

import re
from enum import StrEnum

from streamlab.lazy_pattern import lazy_pattern
from streamlab.record import Record, changed
from streamlab.wire.events import Comment, Done, ErrorPayload, StreamEvent, Undecodable
from streamlab.wire.inserted import comment_at_end, comment_behind, keeps_alive, spliced, without_comments
from streamlab.wire.json_values import split_values
from streamlab.wire.payload import FaultKind, decode_payload
from streamlab.wire.reading import as_list, chunk_of
from streamlab.wire.sse import ServerSentEvent

#: Names of events that only keep a connection open.
PING_EVENTS = frozenset({b"ping", b"keepalive", b"keep-alive", b"heartbeat"})
#: Names of events by which servers announce the end.
DONE_EVENTS = frozenset({b"done", b"[done]", b"end", b"finish", b"finished", b"complete", b"completed", b"close"})
#: Pieces of one torn payload that are waited for, and their size in bytes.
MAX_PIECES, MAX_JOINED = 16, 1 << 20


def announces_the_end(sse: ServerSentEvent) -> bool:
    """Whether an event is named ``done`` or the like."""
    return (sse.event or b"").strip().lower() in DONE_EVENTS


def ends_otherwise(event: StreamEvent) -> bool:
    """Whether an event without ``[DONE]`` as its data announces the end: by its name, or as a bare line."""
    sse = event.sse
    if sse is None or isinstance(event, Done):
        return False
    if announces_the_end(sse):
        return not as_list(chunk_of(event).get("choices")) and not isinstance(event, ErrorPayload)
    return isinstance(event, Comment) and any(line.content.strip() == b"[DONE]" for line in sse.filled_lines())


class Misfit(StrEnum):
    """What a payload is instead of one JSON object."""

    PING = "ping"  # an event named ping or the like, with something that is no JSON
    DONE = "done"  # an event named done or the like
    EMPTY = "empty"
    COMMENT = "comment"  # begins with a colon
    COMMENT_INSIDE = "comment-inside"  # JSON with a comment and its line end in the middle, or behind it
    SPLICED = "spliced"  # JSON that was cut, and a whole event behind it on the same line
    DATA_PREFIX = "data-prefix"  # begins with another ``data:``
    CONTROL_BYTE = "control-byte"  # JSON but for raw control bytes
    RAW_NEWLINE = "raw-newline"  # JSON but for a raw line end inside a string
    PYTHON = "python"  # Python's repr of something
    DOCUMENTS = "documents"  # several JSON documents on one line
    JOINED = "joined"  # several documents on data lines that no blank line parts
    NOT_OBJECT = "not-object"
    SPLIT = "split"  # the first of several events that hold one JSON document
    TRUNCATED = "truncated"  # the beginning of a JSON document, and nowhere the rest
    MALFORMED = "malformed"  # meant as JSON, and none
    TEXT = "text"


_DATA_PREFIX = lazy_pattern(rb"\s*data:", re.IGNORECASE)
_PYTHON_START = lazy_pattern(
    rb"""\s*(?:[\[(]?\{\s*'|[bBrRuU]{1,2}['"]|\{\s*(?:None|True|False)\b|[A-Z]\w*\(\w+=|<[\w.]+\ object\ at\ 0x)""",
    re.VERBOSE,
)
_STRING_OR_NAME = lazy_pattern(
    rb'"[^"\\]*(?:\\.[^"\\]*)*(?P<closed>"|\\?\Z)|(?P<name>\b(?:None|True|False)\b)', re.DOTALL
)
_NAME = lazy_pattern(rb"\b(?:None|True|False)\b")
_JSON_START = lazy_pattern(rb"""\s*(?:\{\s*(?:["}]|\Z)|\[\s*[\[{"\d\]-])""")


def misfit(event: Undecodable) -> Misfit:
    """The name of an undecodable event, judged by itself; TRUNCATED may turn out to be RAW_NEWLINE or SPLIT."""
    sse, kinds = event.sse, {fault.kind for fault in event.faults}
    data, name = sse.data or b"", (sse.event or b"").strip().lower()
    if name in PING_EVENTS and b'"choices"' not in data:  # a chunk that ran into the ping, or is called so
        return Misfit.PING
    if name in DONE_EVENTS:
        return Misfit.DONE
    if FaultKind.EMPTY in kinds:
        return Misfit.EMPTY
    if data.startswith(b":"):
        return Misfit.COMMENT
    if _DATA_PREFIX.match(data):
        return Misfit.DATA_PREFIX
    if FaultKind.CONTROL_BYTE in kinds and FaultKind.TRUNCATED not in kinds and FaultKind.NOT_JSON not in kinds:
        raw_line_end = any(fault.kind is FaultKind.CONTROL_BYTE and fault.detail == "0a" for fault in event.faults)
        return Misfit.RAW_NEWLINE if raw_line_end else Misfit.CONTROL_BYTE
    if b"\x00" in data:
        return Misfit.CONTROL_BYTE
    return _misfit_of_text(event, data, kinds)


def _misfit_of_text(event: Undecodable, data: bytes, kinds: set[FaultKind]) -> Misfit:
    if event.decoded:
        if FaultKind.TRAILING_TEXT not in kinds:
            return Misfit.NOT_OBJECT
        if comment_behind(data) is not None:
            return Misfit.COMMENT_INSIDE
        if type(event.value) not in (dict, list):
            return Misfit.TEXT
        return _several(data)
    if FaultKind.TOO_DEEP in kinds:
        return Misfit.MALFORMED
    if comment_at_end(data) is None and spliced(data) is not None:
        return Misfit.SPLICED
    if _PYTHON_START.match(data) or (_JSON_START.match(data) and _has_python_name(data)):
        return Misfit.PYTHON
    if FaultKind.TRUNCATED in kinds:
        return Misfit.TRUNCATED
    return Misfit.MALFORMED if _JSON_START.match(data) else Misfit.TEXT


def _several(data: bytes) -> Misfit:
    """A JSON document with something behind it."""
    lines = [line for line in data.split(b"\n") if line.strip()]
    last_is_cut = bool(lines) and _stops_in_the_middle(lines[-1])  # the body broke off
    if len(lines) > 1 and all(split_values(line) for line in (lines[:-1] if last_is_cut else lines)):
        return Misfit.JOINED
    return Misfit.DOCUMENTS if split_values(_without_prefixes(data)) else Misfit.MALFORMED


def _without_prefixes(data: bytes) -> bytes:
    """``{…}data: {…}`` without the field names that a relay left standing when it took out the line ends."""
    return re.sub(rb"([}\]])\s*data:\s*(?=[{\[])", rb"\1", data)


def _has_python_name(data: bytes) -> bool:
    for match in _STRING_OR_NAME.finditer(data, 0, MAX_JOINED):
        if match["name"]:
            return True
        if match["closed"] != b'"':  # a quote that nothing closes is no string
            return _NAME.search(data, match.start(), MAX_JOINED) is not None
    return False


class Named(Record, frozen=True):
    """A misfit and where it stands: its (first) event, that event's number and arrival, how many events it spans."""

    kind: Misfit
    at: int
    event: Undecodable
    offset_us: int | None
    pieces: int = 1


class MisfitReader:
    """Names undecodable events in order, waiting for the rest of JSON that stops in the middle.

    `feed` takes every event that is undecodable or has no data, with its number and the number of events with data
    before it, so that a sound event in between is noticed without being looked at. Feeding the same event number
    again, or finishing again, gives the same answer, so several rules may ask one reader.
    """

    def __init__(self) -> None:
        self._at = -1
        self._answer: tuple[Named, ...] = ()
        self._last: tuple[Named, ...] | None = None
        self._held: list[Named] = []
        self._text = b""
        self._next = -1  # the data event that would continue what is held

    def feed(self, at: int, data_events: int, event: StreamEvent, offset_us: int | None = None) -> tuple[Named, ...]:
        """The names that ``event`` settles."""
        if at != self._at:
            self._at, self._answer = at, tuple(self._settle(at, data_events, event, offset_us))
        return self._answer

    def finish(self) -> tuple[Named, ...]:
        """What is held got no rest. An event that the end of the body cut off is no finding of its own."""
        if self._last is None:
            self._last = tuple(self._give_up())
        return self._last

    def _settle(self, at: int, data_events: int, event: StreamEvent, offset_us: int | None) -> list[Named]:
        if isinstance(event, Comment):
            return self._continued_by_lines(event) if self._held and data_events == self._next else []
        if not isinstance(event, Undecodable):
            return []
        named: list[Named] = []
        if self._held:
            settled = self._continued_by(at, data_events, event, offset_us)
            if settled is not None:
                return settled
            named = self._give_up()
        one = Named(misfit(event), at, event, offset_us)
        if one.kind is Misfit.TRUNCATED or comment_at_end(event.sse.data or b"") is not None:
            return named + self._hold(one, data_events)
        named.append(one)
        return named

    def _give_up(self) -> list[Named]:
        held = [_by_itself(one) for one in self._held if one.event.sse.terminated]
        self._drop()
        return held

    def _hold(self, one: Named, data_events: int) -> list[Named]:
        text = _with_orphans(one.event.sse)
        if text is not None and without_comments(text) is not None:
            return [changed(one, kind=Misfit.COMMENT_INSIDE)]
        if text is not None and _whole(text):
            return [changed(one, kind=Misfit.RAW_NEWLINE)]
        self._held, self._next = [one], data_events + 1
        self._text = text if text is not None else one.event.sse.data or b""
        return []

    def _continued_by(self, at: int, data_events: int, event: Undecodable, offset_us: int | None) -> list[Named] | None:
        """What comes of joining ``event`` to what is held; None when it does not continue it."""
        joined = self._text + (event.sse.data or b"")
        if data_events != self._next or len(joined) > MAX_JOINED or len(self._held) >= MAX_PIECES:
            return None
        if _whole(joined):
            first = changed(self._held[0], kind=Misfit.SPLIT, pieces=len(self._held) + 1)
            self._drop()
            return [first]
        if not _stops_in_the_middle(joined):
            return None
        self._held.append(Named(Misfit.TRUNCATED, at, event, offset_us))
        self._text, self._next = joined, data_events + 1
        return []

    def _continued_by_lines(self, event: Comment) -> list[Named]:
        """Two line ends in a string end the event: its rest comes as an event without any field."""
        lines = [line.content for line in event.sse.lines()]
        if all(line[:1] in (b"", b":") for line in lines):
            return []  # comments and nothing else
        first = next((line for line in lines if line), b":")
        joined = self._text + b"\n\n" + b"\n".join(lines).rstrip(b"\n")
        if len(joined) > MAX_JOINED:
            return []
        alive = _keepalive_at_end(self._held[-1].event.sse) if first[:1] != b":" else []
        torn = b"\n".join((self._text, *alive, joined[len(self._text) + 1 :]))
        if without_comments(joined) is not None or (alive and without_comments(torn) is not None):
            named = [changed(self._held[0], kind=Misfit.COMMENT_INSIDE)]
            self._drop()
            return named
        if first.startswith((b":", b"id:", b"event:", b"retry:")):
            return []
        if _whole(joined):
            named = [changed(self._held[0], kind=Misfit.RAW_NEWLINE)]
            self._drop()
            return named
        if _stops_in_the_middle(joined):
            self._text = joined
        return []

    def _drop(self) -> None:
        self._held, self._text, self._next = [], b"", -1


def _by_itself(piece: Named) -> Named:
    """What continues no payload after all, though it could have within a string: Python is told by how it begins, and
    JSON that is whole by what it is."""
    alone = misfit(piece.event)
    return changed(piece, kind=alone) if alone in (Misfit.PYTHON, Misfit.NOT_OBJECT) else piece


def _with_orphans(sse: ServerSentEvent) -> bytes | None:
    """The payload joined with the lines that have no field name; None when there are none."""
    pieces: list[bytes] = []
    orphans = False
    for name, value, colon, _space, line in sse.fields():
        if name == b"data":
            pieces.append(value)
        elif pieces and not (colon and name in (b"", b"id", b"event", b"retry")):
            orphans = True
            pieces.append(line.content)
    return b"\n".join(pieces) if orphans else None


def _keepalive_at_end(sse: ServerSentEvent) -> list[bytes]:
    """The last line of an event, where it is a known keep-alive; else nothing."""
    lines = [line.content for line in sse.filled_lines()]
    return [line for line in lines[-1:] if keeps_alive(line)]


def _whole(text: bytes) -> bool:
    """Whether this is a JSON object, raw line ends in strings allowed."""
    payload = decode_payload(text)
    trailing = any(fault.kind is FaultKind.TRAILING_TEXT for fault in payload.faults)
    return type(payload.value) is dict and not trailing


def _stops_in_the_middle(text: bytes) -> bool:
    return any(fault.kind is FaultKind.TRUNCATED for fault in decode_payload(text).faults)
