"""How segments lie in rows of a capture: many small ones share a row, so that a token costs little to record.

A row has the bytes of its segments, joined, and in ``packed`` a JSON list of ``[offset_us, start, length]``, one each;
their numbers, and those of their HTTP chunks, count up from the row's. A row without it is one segment. Captures come
from elsewhere: every value is checked.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, repeat
from typing import NamedTuple

from streamlab.storage import rows as rows_of
from streamlab.storage.packed_rows import PackedSegments, described, described_by, is_packed, pack, unpack
from streamlab.storage.rows import DamagedRowError

#: How much one row takes: one is read and unpacked for any of its segments.
MOST_SEGMENTS, MOST_BYTES = 512, 64 * 1024

INSERT_SEGMENT = "INSERT INTO segments (exchange_id, seq, offset_us, length, chunk, data) VALUES (?, ?, ?, ?, ?, ?)"
INSERT_ROW = (
    "INSERT INTO segments (exchange_id, seq, offset_us, length, chunk, packed, data) VALUES (?, ?, ?, ?, ?, ?, ?)"
)
#: What `unpacked` needs of a row.
COLUMNS = "seq, offset_us, length, chunk, packed, data"


class StoredSegment(NamedTuple):
    """One segment as the database has it."""

    seq: int
    offset_us: int | None
    chunk: int | None
    data: bytes


class _Row:
    """A row in the making."""

    __slots__ = ("chunk", "data", "offsets", "seq", "size", "sizes")

    def __init__(self, seq: int, chunk: int | None) -> None:
        self.seq, self.chunk = seq, chunk
        self.offsets: list[int | None] = []
        self.sizes: list[int] = []
        self.data: list[bytes] = []
        self.size = 0

    def values(self, exchange_id: int | None, *, packs: bool) -> tuple[object, ...]:
        """What `INSERT_ROW` takes; ``packs`` whether its bytes may be packed."""
        import msgspec  # deferred: who only lists exchanges does without

        packed, data = None, b"".join(self.data)
        timed = self.offsets.count(None) in (0, len(self.offsets))
        frame = pack(data) if packs and timed else None
        if frame is not None:
            packed, data = described(self.offsets, self.sizes), frame
        elif len(self.sizes) > 1:
            segments = zip(self.offsets, accumulate(self.sizes, initial=0), self.sizes, strict=False)
            packed = msgspec.json.encode(list(segments)).decode()
        return exchange_id, self.seq, self.offsets[0], self.size, self.chunk, packed, data


class WaitingRows:
    """Segments of one body that wait to be written, joined into rows as they come; ``packs`` whether the bytes of large
    rows are packed."""

    __slots__ = ("_packs", "_rows", "bytes", "segments")

    def __init__(self, written: int = 0, *, packs: bool = True) -> None:
        self._packs = packs
        self._rows: list[_Row] = []
        self.segments = written  # of the body so far, written ones too
        self.bytes = 0  # that wait

    def __iter__(self) -> Iterator[StoredSegment]:
        for row in self._rows:
            data, start = b"".join(row.data), 0
            for at, (offset, size) in enumerate(zip(row.offsets, row.sizes, strict=True)):
                chunk = None if row.chunk is None else row.chunk + at
                yield StoredSegment(row.seq + at, offset, chunk, data[start : start + size])
                start += size

    def add(self, offsets: Sequence[int | None], data: Sequence[bytes], chunk: int | None) -> bytes:
        """Segments, each in an HTTP chunk of its own, the first of which is ``chunk``; None: there are no chunks.
        Returns them joined."""
        row = self._rows[-1] if self._rows else None
        if row is None or (chunk is not None and chunk != (row.chunk or 0) + len(row.sizes)):
            row = self._next(chunk)
        joined = data[0] if len(data) == 1 else b"".join(data)
        size, count = len(joined), len(data)
        if (row.size + size > MOST_BYTES and (row.size or count > 1)) or len(row.sizes) + count > MOST_SEGMENTS:
            self._add_one_by_one(row, offsets, data)
        else:
            row.offsets += offsets
            row.sizes += map(len, data)
            row.data.append(joined)
            row.size += size
            self.segments += count
        self.bytes += size
        return joined

    def _add_one_by_one(self, row: _Row, offsets: Sequence[int | None], data: Sequence[bytes]) -> None:
        for offset, one in zip(offsets, data, strict=True):
            size = len(one)
            if (row.size + size > MOST_BYTES and row.size) or len(row.sizes) >= MOST_SEGMENTS:
                row = self._next(None if row.chunk is None else row.chunk + len(row.sizes))
            row.offsets.append(offset)
            row.sizes.append(size)
            row.data.append(one)
            row.size += size
            self.segments += 1

    def _next(self, chunk: int | None) -> _Row:
        row = _Row(self.segments, chunk)
        self._rows.append(row)
        return row

    def rows(self, exchange_id: int | None) -> list[tuple[object, ...]]:
        """What `INSERT_ROW` takes."""
        return [row.values(exchange_id, packs=self._packs) for row in self._rows]

    def written(self) -> None:
        """They are in the database."""
        self._rows.clear()
        self.bytes = 0


class RowContent(NamedTuple):
    """A row unpacked: its segments' times and lengths, the numbers of their HTTP chunks, and all of their bytes."""

    seq: int
    offsets: list[int | None]
    sizes: list[int]
    chunks: Sequence[int] | None
    data: bytes


def content(row: sqlite3.Row) -> RowContent:
    """What is in a row that has `COLUMNS`. Raises DamagedRowError."""
    seq, chunk = rows_of.natural(row, "seq") or 0, rows_of.natural(row, "chunk")
    data = rows_of.blob(row, "data") or b""
    found = _found(row)
    if found is None:
        one = None if chunk is None else (chunk,)
        return RowContent(seq, [rows_of.natural(row, "offset_us")], [len(data)], one, data)
    offsets, sizes, numbers = found
    if is_packed(row["packed"]):
        data = unpack(data, rows_of.natural(row, "length") or 0, len(sizes), MOST_BYTES)
    elif sum(sizes) != len(data):
        raise DamagedRowError("packed has another length than data")
    chunks: Sequence[int] | None = None
    if chunk is not None:
        chunks = range(chunk, chunk + len(sizes)) if numbers is None else [chunk + one for one in numbers]
    return RowContent(seq, offsets, sizes, chunks, data)


def unpacked(row: sqlite3.Row) -> list[StoredSegment]:
    """The segments of a row that has `COLUMNS`. Raises DamagedRowError."""
    seq, offsets, sizes, chunks, data = content(row)
    numbers: Iterable[int | None] = repeat(None, len(sizes)) if chunks is None else chunks
    parts = zip(offsets, numbers, sizes, accumulate(sizes), strict=True)
    return [
        StoredSegment(seq + at, offset, number, data[end - size : end])
        for at, (offset, number, size, end) in enumerate(parts)
    ]


def lengths(row: sqlite3.Row) -> list[int]:
    """The lengths of a row's segments, by its ``offset_us``, ``length`` and ``packed``. Raises DamagedRowError."""
    found = _found(row)
    return [rows_of.natural(row, "length") or 0] if found is None else found.sizes


def _found(row: sqlite3.Row) -> PackedSegments | None:
    """What a row says of its segments; None when it is one."""
    packed = rows_of.text(row, "packed")
    if packed is None:
        return None
    if is_packed(packed):
        size = rows_of.natural(row, "length") or 0
        return described_by(packed, rows_of.natural(row, "offset_us"), size, MOST_SEGMENTS)
    import msgspec  # deferred as above

    try:
        entries = msgspec.json.decode(packed, type=list[tuple[int | None, int, int]])
    except (msgspec.MsgspecError, RecursionError, ValueError):
        raise DamagedRowError("packed is no list of segments") from None
    at = 0
    for offset, start, size in entries:
        if start != at or size < 0 or (offset is not None and not 0 <= offset < rows_of.MOST):
            raise DamagedRowError("packed holds what is no segment")
        at += size
    if not 0 < len(entries) <= MOST_SEGMENTS or at >= rows_of.MOST:
        raise DamagedRowError("packed holds no segments, or too many")
    return PackedSegments([entry[0] for entry in entries], [entry[2] for entry in entries], None)


def chunk_lengths(rows: Iterable[sqlite3.Row]) -> tuple[int, ...]:
    """The lengths of a body's HTTP chunks, of rows in order that have ``chunk``, ``offset_us``, ``length`` and
    ``packed``. Raises DamagedRowError."""
    found: list[int] = []
    last: int | None = None
    for row in rows:
        chunk, told = rows_of.natural(row, "chunk"), _found(row)
        sizes = [rows_of.natural(row, "length") or 0] if told is None else told.sizes
        numbers = range(len(sizes)) if told is None or told.chunks is None else told.chunks
        before = None if chunk is None or last is None else last - chunk
        for number, size in zip(numbers, sizes, strict=True):
            if chunk is not None and number == before:  # one chunk that came in several reads
                found[-1] += size
            else:
                found.append(size)
            before = number
        last = None if chunk is None or before is None else chunk + before
    return tuple(found)
