"""The smallest part that still does what the whole does: delta debugging (ddmin) over any list, and over an exchange.

Pure: the predicate says yes or no, and whoever calls may stop early by raising from it; what had been reached by then
is in ``best``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Generic, NamedTuple, TypeVar

from streamlab.exchange import Ending, Exchange, Headers, Segment
from streamlab.wire.content_coding import BodyDecoder
from streamlab.wire.payload import Payload, decode_payload, encode_json
from streamlab.wire.sse import SSEDecoder

T = TypeVar("T", bound=Hashable)
#: Answers about longer parts are not remembered: they are seldom asked for twice and take much room.
_REMEMBERED = 500


class Shrinker(Generic[T]):
    """Shrinks ``items`` as long as ``holds`` says that a part still shows what the whole shows.

    ``best`` is the smallest part known to hold; ``asked`` counts the calls of the predicate. The order of the items is
    kept.
    """

    def __init__(self, items: Sequence[T], holds: Callable[[list[T]], bool]) -> None:
        self.best: list[T] = list(items)
        self.asked = 0
        self._holds = holds
        self._known: dict[tuple[T, ...], bool] = {}

    def run(self) -> list[T]:
        """The smallest part found: taking away any single item of it makes the predicate false."""
        if self._shows([]):
            self.best = []
            return self.best
        size = max(1, len(self.best) // 2)
        while True:
            if self._without_some_blocks(size):
                size = min(size, max(1, len(self.best) // 2))
            elif size == 1:
                return self.best
            else:
                size //= 2

    def _without_some_blocks(self, size: int) -> bool:
        """Walk over the items in blocks, leaving out each that is not needed; whether any was left out."""
        start, left_out = 0, False
        while start < len(self.best):
            fewer = self.best[:start] + self.best[start + size :]
            if self._shows(fewer):
                self.best, left_out = fewer, True
            else:
                start += size
        return left_out

    def _shows(self, part: list[T]) -> bool:
        key = tuple(part) if len(part) <= _REMEMBERED else None
        if key is not None and key in self._known:
            return self._known[key]
        self.asked += 1
        held = self._holds(part)
        if key is not None:
            self._known[key] = held
        return held


def ddmin(items: Sequence[T], holds: Callable[[list[T]], bool]) -> list[T]:
    """The smallest part of ``items`` found for which ``holds`` is true; ``items`` themselves must hold."""
    return Shrinker(items, holds).run()


# -- exchanges -------------------------------------------------------------------------------------------------------


class _Part(NamedTuple):
    """Bytes that arrived together."""

    offset_us: int | None
    data: bytes


#: Where a member is: keys and positions from the payload inwards.
_Path = tuple[str | int, ...]


class ExchangeShrinker:
    """Shrinks the body of an exchange: whole events first, then members of their JSON, then single bytes.

    ``holds`` is asked about exchanges; ``told`` hears what is being left out and how many bytes are left. What remains
    keeps its arrival times; HTTP chunks are forgotten, and a Content-Length goes along. A compressed body is read, and
    shrunk as plain text, where that shows the same.
    """

    def __init__(
        self, exchange: Exchange, holds: Callable[[Exchange], bool], told: Callable[[str, int], None] = lambda *_: None
    ) -> None:
        self.best = replace(exchange, segments=tuple(exchange.segments))
        self.asked = 0
        self._holds = holds
        self._told = told

    def run(self) -> Exchange:
        """The smallest exchange found."""
        self._plain()
        size = None
        while size != _size(self.best):  # what one level left over, another may find needless afterwards
            size = _size(self.best)
            self._level("events", self._events(), lambda kept: [part for event in kept for part in event])
            self._members()
            self._bytes()
        return self.best

    def _bytes(self) -> None:
        single = [_Part(one.offset_us, bytes((byte,))) for one in self.best.segments for byte in one.data]
        self._level("bytes", list(range(len(single))), lambda kept: [single[at] for at in kept])

    def _try(self, candidate: Exchange) -> bool:
        self.asked += 1
        if not self._holds(candidate):
            return False
        self.best = candidate
        return True

    def _level(self, what: str, items: list[T], parts: Callable[[list[T]], list[_Part]]) -> None:
        """Leave out what is not needed of ``items``, which make up the body."""
        origin = self.best

        def holds(kept: list[T]) -> bool:
            held = self._try(_with_body(origin, parts(kept)))
            self._told(what, _size(self.best))
            return held

        if len(items) > 1 and holds(items):
            Shrinker(items, holds).run()

    def _plain(self) -> None:
        """The body without its content coding, where it has one."""
        head = self.best.head
        decoder = BodyDecoder.of(head)
        if head is None or decoder.identity:
            return
        headers = tuple(one for one in head.headers if one[0].lower() != "content-encoding")
        parts = [_Part(one.offset_us, decoder.feed(one.data)) for one in self.best.segments]
        plain = replace(self.best, head=replace(head, headers=headers))
        self._try(_with_body(plain, parts))

    def _events(self) -> list[tuple[_Part, ...]]:
        """The body as events, each with the reads it came in."""
        decoder, found, start = SSEDecoder(), [], 0
        body = self.best.body
        for event in (*decoder.feed(body), *decoder.finish()):
            stop = start + len(event.raw)
            found.append(tuple(_between(self.best.segments, start, stop)))
            start = stop
        return found

    def _members(self) -> None:
        """Leave out members and items of the JSON in the events; a changed event comes with its last byte."""
        events = self._events()
        texts = {at: data for at, event in enumerate(events) if (data := _data_of(event)) is not None}
        paths = [(at, path) for at, text in texts.items() for path in _paths(decode_payload(text))]

        def parts(kept: list[tuple[int, _Path]]) -> list[_Part]:
            keep = set(kept)
            gone: dict[int, list[_Path]] = {}
            for at, path in paths:
                if (at, path) not in keep:
                    gone.setdefault(at, []).append(path)
            made: list[_Part] = []
            for at, event in enumerate(events):
                if at in gone:
                    text = encode_json(_without(decode_payload(texts[at]).value, gone[at]))
                    made.append(_Part(event[-1].offset_us, b"data: " + text + b"\n\n"))
                else:
                    made += event
            return made

        self._level("members", paths, parts)


def _data_of(event: tuple[_Part, ...]) -> bytes | None:
    """The payload of an event in the plain framing; None for any other."""
    found = SSEDecoder().feed(b"".join(part.data for part in event))
    return found[0].data if len(found) == 1 and found[0].plain else None


def _paths(payload: Payload) -> Iterator[_Path]:
    """Every member and item of a payload that is JSON, outer ones before those inside them."""
    waiting: deque[tuple[_Path, Any]] = deque([((), payload.value)] if payload.ok else [])
    while waiting:
        path, inner = waiting.popleft()
        if not isinstance(inner, dict | list):
            continue
        keys: Sequence[str | int] = list(inner) if isinstance(inner, dict) else range(len(inner))
        for key in keys:
            yield (*path, key)
            waiting.append(((*path, key), inner[key]))  # type: ignore[index]


def _without(value: Any, gone: list[_Path]) -> Any:
    """The value, its own to change, without these members; what was inside of one that is gone is gone too."""
    # Longest paths first, and later items before earlier ones, so that positions in lists stay what they were.
    for path in sorted(gone, key=_inner_and_later_first, reverse=True):
        holder = value
        for key in path[:-1]:
            holder = holder[key]
        del holder[path[-1]]
    return value


def _inner_and_later_first(path: _Path) -> tuple[int, int]:
    return len(path), path[-1] if isinstance(path[-1], int) else 0


def _between(segments: Sequence[Segment], start: int, stop: int) -> Iterator[_Part]:
    """The bytes from ``start`` to ``stop`` of the body, with their arrival."""
    at = 0
    for segment in segments:
        begin, end = max(start - at, 0), min(stop - at, len(segment.data))
        if begin < end:
            yield _Part(segment.offset_us, segment.data[begin:end])
        at += len(segment.data)


def _with_body(exchange: Exchange, parts: Sequence[_Part]) -> Exchange:
    """The exchange with another body; neighbours that arrived together become one segment."""
    segments: list[Segment] = []
    for offset_us, data in parts:
        if segments and segments[-1].offset_us == offset_us:
            segments[-1] = Segment(offset_us, segments[-1].data + data)
        elif data:
            segments.append(Segment(offset_us, data))
    changed = replace(exchange, segments=tuple(segments), http_chunks=None)
    head = exchange.head
    length = head.header("content-length") if head is not None else None
    if head is None or length is None or not length.isdigit() or exchange.ending is not Ending.COMPLETE:
        return changed
    # Whatever it was off by, it still is.
    shown = str(max(0, int(length) + _size(changed) - _size(exchange)))
    headers: Headers = tuple((name, shown if name.lower() == "content-length" else text) for name, text in head.headers)
    return replace(changed, head=replace(head, headers=headers))


def _size(exchange: Exchange) -> int:
    return sum(len(segment.data) for segment in exchange.segments)
