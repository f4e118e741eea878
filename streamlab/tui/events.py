"""The events of one stored exchange by number, decoded from their bytes when somebody looks at them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple, Protocol

from streamlab.exchange import Exchange
from streamlab.judging.event_index import STEP, Checkpoint, EventIndex
from streamlab.storage.browsing import BodyPiece, Browser
from streamlab.storage.segment_rows import StoredSegment
from streamlab.wire.binary_frames import CODING, TOLD_BY, is_framed
from streamlab.wire.content_coding import BodyDecoder
from streamlab.wire.events import StreamEvent
from streamlab.wire.sse import ServerSentEvent, SSEDecoder
from streamlab.wire.stream import read_event

#: Segments read from the database at once.
PAGE = 64
#: Fewer segments are too few to be read at once, and more too many.
_FEW, _MANY = 128, 1024
_BLOCKS = 6
_SLICE = 32 * 1024


class BodyPieces(Protocol):
    """The pieces of a body, content coding undone, by number."""

    def pieces(self, start: int, count: int) -> list[BodyPiece]:
        """Pieces ``start`` to ``start + count``; fewer at the end."""


class StoredBody:
    """A body as it was sent, without content coding: read from the database where it is needed."""

    def __init__(self, browser: Browser, exchange_id: int) -> None:
        self._browser, self._id = browser, exchange_id
        self._page: tuple[int, list[BodyPiece]] = (0, [])
        self._rows = 1

    def pieces(self, start: int, count: int) -> list[BodyPiece]:
        """See `Body`."""
        first, held = self._page
        if not (first <= start and start + count <= first + len(held)):
            first, held = self._page = start, self._browser.pieces(self._id, start, count)
        return held[start - first : start - first + count]

    def more(self, start: int, stop: int) -> list[StoredSegment]:
        """Some pieces from ``start`` on: whole rows of the database, since part of one takes as long."""
        found = self._browser.db.stored_between(self._id, start, stop, rows=self._rows)
        if len(found) < _FEW:
            self._rows = min(2 * self._rows, PAGE)
        elif len(found) > _MANY:
            self._rows = max(self._rows // 2, 1)
        return found


class DecodedBody:
    """A compressed or framed body, decoded as far as somebody has looked; a bomb is stopped by `BodyDecoder`."""

    def __init__(self, browser: Browser, exchange_id: int, coding: str) -> None:
        self._stored = StoredBody(browser, exchange_id)
        self._decoder = BodyDecoder(coding)
        self._held: list[BodyPiece] = []

    def pieces(self, start: int, count: int) -> list[BodyPiece]:
        """See `Body`."""
        while len(self._held) < start + count:
            more = self._stored.pieces(len(self._held), PAGE)
            self._held += [piece._replace(data=self._decoder.feed(piece.data)) for piece in more]
            if not more:
                break
        return self._held[start : start + count]


def body_of(browser: Browser, exchange: Exchange) -> BodyPieces:
    """The body of an exchange of this capture."""
    coding = exchange.head.header("content-encoding") if exchange.head is not None else None
    number = exchange.id or 0
    if coding is None or BodyDecoder(coding).identity:
        stored = StoredBody(browser, number)
        start = b"".join(piece.data for piece in stored.pieces(0, TOLD_BY))
        return DecodedBody(browser, number, CODING) if is_framed(start) else stored
    return DecodedBody(browser, number, coding)


class EventPlace(NamedTuple):
    """One event and how it arrived.

    ``offset_us`` is when its last byte came, ``gap_us`` the time since the event before; None where unknown.
    ``cuts`` are the offsets in it at which another read begins, ``opens_read`` whether it begins one itself;
    ``chunk_cuts`` and ``opens_chunk`` say the same of HTTP chunks, ``chunked`` whether there are any.
    """

    event: int
    offset_us: int | None
    gap_us: int | None
    sse: ServerSentEvent
    cuts: tuple[int, ...]
    opens_read: bool
    chunk_cuts: tuple[int, ...]
    opens_chunk: bool
    chunked: bool

    @property
    def meaning(self) -> StreamEvent:
        """What the event says."""
        return read_event(self.sse)


class Events:
    """The events of one body. ``index`` may grow; ``whole`` is set when no more will come."""

    def __init__(self, body: BodyPieces, end_us: int | None = None) -> None:
        self.body = body
        self.index = EventIndex()
        self.end_us = end_us
        self.whole = False
        self._blocks: OrderedDict[int, list[EventPlace]] = OrderedDict()

    def __len__(self) -> int:
        return self.index.events

    def start(self, segments: int) -> None:
        """Index the first segments here and now, so that there is something to see at once."""
        for piece in self.body.pieces(0, segments):
            self.index.feed(piece.offset_us, piece.data)

    def place(self, event: int) -> EventPlace | None:
        """One event; None when it is not indexed."""
        if not 0 <= event < len(self):
            return None
        block = self._block(event // STEP)
        return block[event % STEP] if event % STEP < len(block) else None

    def places(self, start: int, stop: int) -> Iterator[EventPlace]:
        """Events ``start`` to ``stop``."""
        for event in range(start, min(stop, len(self))):
            place = self.place(event)
            if place is not None:
                yield place

    def find(self, offset: int) -> int:
        """The event that holds a byte of the body."""
        first = self.index.event_at(offset)
        found = first
        for place in self.places(first, first + STEP):
            if place.sse.start > offset:
                break
            found = place.event
        return found

    def _block(self, number: int) -> list[EventPlace]:
        block = self._blocks.get(number)
        full = min(STEP, len(self) - number * STEP)
        if block is None or len(block) < full:
            checkpoint = self.index.checkpoint(number * STEP)
            block = list(self._decode(checkpoint, full)) if checkpoint is not None else []
            self._blocks[number] = block
            while len(self._blocks) > _BLOCKS:
                self._blocks.popitem(last=False)
        self._blocks.move_to_end(number)
        return block

    def _decode(self, at: Checkpoint, count: int) -> Iterator[EventPlace]:
        decoder = SSEDecoder(at.start)
        arrivals = _Arrivals(at.base)
        number, before = at.event, at.before_us
        skip, seq = at.start - at.base, at.seq
        while number < at.event + count:
            pieces = self.body.pieces(seq, PAGE)
            last = len(pieces) < PAGE
            for piece in pieces:
                arrivals.add(piece)
                for sse in _fed(decoder, piece.data, skip):
                    yield arrivals.place(number, sse, piece.offset_us, before)
                    number, before = number + 1, piece.offset_us
                    if number >= at.event + count:
                        return
                skip = 0
            seq += len(pieces)
            if last:
                for sse in decoder.finish():
                    yield arrivals.place(number, sse, self.end_us, before)
                return


def _fed(decoder: SSEDecoder, data: bytes, skip: int) -> Iterator[ServerSentEvent]:
    """By slices, because of a segment of megabytes only a few events may be wanted."""
    for at in range(skip, len(data), _SLICE):
        yield from decoder.feed(data[at : at + _SLICE])


class _Arrivals:
    """The segments around the events being decoded, to tell where reads and chunks begin."""

    def __init__(self, base: int) -> None:
        self._next = base
        self._before_us: int | None = None
        self._starts: list[tuple[int, int | None, int | None]] = []  # offset in the body, arrival, chunk

    def add(self, piece: BodyPiece) -> None:
        self._starts.append((self._next, piece.offset_us, piece.chunk))
        self._next += len(piece.data)

    def place(self, number: int, sse: ServerSentEvent, offset_us: int | None, before: int | None) -> EventPlace:
        start, stop = sse.span
        starts = self._starts
        while len(starts) > 1 and starts[1][0] <= start:
            self._before_us = starts[0][1]
            del starts[0]
        inside = [one for one in starts if one[0] < stop]
        pairs = list(pairwise(inside))
        # HTTP chunks that came in one read have equal arrivals.
        cuts = tuple(one[0] - start for other, one in pairs if one[1] is None or one[1] != other[1])
        chunk_cuts = tuple(one[0] - start for other, one in pairs if one[2] != other[2])
        opens = bool(inside) and inside[0][0] == start
        opens_read = opens and (inside[0][1] is None or inside[0][1] != self._before_us)
        chunked = bool(inside) and inside[0][2] is not None
        gap = None if offset_us is None or before is None else max(0, offset_us - before)
        return EventPlace(number, offset_us, gap, sse, cuts, opens_read, chunk_cuts, opens and chunked, chunked)
