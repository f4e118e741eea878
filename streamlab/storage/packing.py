"""Packs the rows of exchanges that have ended, in small steps, each in a transaction of its own.

Whoever is killed between two steps leaves rows of both kinds, which read as before; the next goes on there. Bytes,
times and numbers of chunks stay what they are.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator

from streamlab.storage.packed_rows import LARGE, described, is_packed, pack
from streamlab.storage.rows import natural
from streamlab.storage.segment_rows import (
    COLUMNS,
    INSERT_ROW,
    MOST_BYTES,
    MOST_SEGMENTS,
    RowContent,
    WaitingRows,
    content,
    unpacked,
)

#: Bytes of a body that one step takes.
_STEP = 1024 * 1024
#: The size from which on a body is packed; and what is left of one behind a full row.
LEAST, _LEAST_REST = 4096, 256
#: From how many segments on a packed row is not joined with its neighbours, however small.
_MANY = MOST_SEGMENTS // 4

_ROWS = f"SELECT {COLUMNS} FROM segments WHERE exchange_id = ? AND seq >= ? ORDER BY seq"
_DELETE = "DELETE FROM segments WHERE exchange_id = ? AND seq BETWEEN ? AND ?"
_SIZE = "SELECT sum(length) AS size FROM segments WHERE exchange_id = ?"


def pack_rows(connection: sqlite3.Connection, exchange_id: int, start: int = 0) -> int | None:
    """Pack an exchange's rows from segment ``start`` on, some of them; where to go on, None at the end. To be called in
    a transaction. Raises sqlite3.Error, or DamagedRowError where rows are not ours."""
    if not start and (natural(connection.execute(_SIZE, (exchange_id,)).fetchone(), "size") or 0) < LEAST:
        return None
    rows, go_on = _step(connection.execute(_ROWS, (exchange_id, start)))
    for group in _groups(rows):
        packed = group.packed(exchange_id)
        if packed is not None:
            connection.execute(_DELETE, (exchange_id, group.first, group.next_seq - 1))
            connection.execute(INSERT_ROW, packed)
    return go_on


def pack_all(connection: sqlite3.Connection, exchange_id: int) -> None:
    """Pack all of an exchange's rows. As `pack_rows`."""
    start: int | None = 0
    while start is not None:
        start = pack_rows(connection, exchange_id, start)


def lay_out_rows(connection: sqlite3.Connection, exchange_id: int) -> bool:
    """Unpack some of an exchange's rows, so that who knows SQL alone can read them; whether there are more. As
    `pack_rows`."""
    rows, more = _step(connection.execute(_PACKED, (exchange_id,)))
    for row in rows:
        plain = WaitingRows(row["seq"], packs=False)
        for one in unpacked(row):
            plain.add((one.offset_us,), (one.data,), one.chunk)
        connection.execute(_DELETE, (exchange_id, row["seq"], row["seq"]))
        connection.executemany(INSERT_ROW, plain.rows(exchange_id))
    return more is not None


_PACKED = f"SELECT {COLUMNS} FROM segments WHERE exchange_id = ? AND packed LIKE '{{%' ORDER BY seq"


def _step(cursor: sqlite3.Cursor) -> tuple[list[sqlite3.Row], int | None]:
    """Rows for one step, and where the next begins."""
    rows: list[sqlite3.Row] = []
    size = 0
    for row in cursor:
        if rows and size > _STEP:
            cursor.close()
            return rows, natural(row, "seq")
        rows.append(row)
        size += natural(row, "length") or 0
    return rows, None


class _Group:
    """Rows that are to be one."""

    def __init__(self, row: sqlite3.Row, found: RowContent) -> None:
        self.rows = 1
        self._packed = is_packed(row["packed"])
        self.first, self.next_seq = found.seq, found.seq + len(found.sizes)
        self._offsets, self._sizes = list(found.offsets), list(found.sizes)
        self._chunks = None if found.chunks is None else list(found.chunks)
        self._data = [found.data]
        self._size = len(found.data)

    @property
    def complete(self) -> bool:
        """Whether it is a row that may stay what it is."""
        return self._packed and (self._size >= LARGE or len(self._sizes) >= _MANY)

    def takes(self, other: _Group) -> bool:
        """Whether the rows may be one."""
        if self._size + other._size > MOST_BYTES or len(self._sizes) + len(other._sizes) > MOST_SEGMENTS:
            return False
        if self.complete or other.complete or self.next_seq != other.first:
            return False
        timed = (self._offsets[-1] is None) == (other._offsets[0] is None)
        return timed and (self._chunks is None) == (other._chunks is None)

    def add(self, other: _Group) -> None:
        """Rows more."""
        self.rows += other.rows
        self._packed = False
        self.next_seq = other.next_seq
        self._offsets += other._offsets
        self._sizes += other._sizes
        if self._chunks is not None:
            self._chunks += other._chunks or ()
        self._data += other._data
        self._size += other._size

    def packed(self, exchange_id: int) -> tuple[object, ...] | None:
        """What `INSERT_ROW` takes; None where the rows are to stay what they are."""
        if self._packed or self._offsets.count(None) not in (0, len(self._offsets)):
            return None
        first, numbers = None, None
        if self._chunks is not None:
            first = self._chunks[0]
            numbers = [chunk - first for chunk in self._chunks]
            if min(numbers) < 0:
                return None
        frame = pack(b"".join(self._data), _LEAST_REST)
        if frame is None:
            return None
        told = described(self._offsets, self._sizes, numbers)
        return exchange_id, self.first, self._offsets[0], self._size, first, told, frame


def _groups(rows: Iterable[sqlite3.Row]) -> Iterator[_Group]:
    group: _Group | None = None
    for row in rows:
        one = _Group(row, content(row))
        if group is not None and group.takes(one):
            group.add(one)
            continue
        if group is not None:
            yield group
        group = one
    if group is not None:
        yield group
