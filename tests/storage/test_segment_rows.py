"""Segments packed into rows: what goes in comes out, by our reader and by the view, however it was packed."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamlab.errors import UnreadableInputError
from streamlab.exchange import Exchange, Segment
from streamlab.storage.capture_db import CaptureDB
from streamlab.storage.segment_rows import INSERT_ROW, MOST_BYTES, MOST_SEGMENTS, WaitingRows

_Run = tuple[int, list[bytes]]  # how the chunk of the first follows on the one before, and the segments


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CaptureDB]:
    with CaptureDB(tmp_path_factory.mktemp("rows") / "capture.db", write=True) as db:
        yield db


def _store(
    db: CaptureDB, runs: list[_Run], *, chunked: bool, writes: int
) -> tuple[int, list[tuple[int, int | None, bytes]]]:
    """Written as the recorder does, in some transactions; the exchange, and what it was made of."""
    number = db.add(Exchange())
    waiting, expected, chunk = WaitingRows(), [], -1
    for at, (step, data) in enumerate(runs):
        first = chunk + step
        offsets = [1000 * at + one for one in range(len(data))]
        assert waiting.add(offsets, data, first if chunked else None) == b"".join(data)
        chunk = first + len(data) - 1
        expected += [
            (offset, first + one if chunked else None, part)
            for one, (offset, part) in enumerate(zip(offsets, data, strict=True))
        ]
        if at % writes == 0:
            db.connection.executemany(INSERT_ROW, waiting.rows(number))
            waiting.written()
    db.connection.executemany(INSERT_ROW, waiting.rows(number))
    db.connection.execute(
        "UPDATE exchanges SET chunked = ?, segment_count = NULL, body_bytes = NULL WHERE id = ?", (chunked, number)
    )
    assert waiting.segments == len(expected)
    return number, expected


_DATA = st.lists(st.binary(min_size=1, max_size=8), min_size=1, max_size=9)


@given(st.lists(st.tuples(st.integers(0, 1), _DATA), max_size=7), st.booleans(), st.integers(1, 4), st.data())
def test_what_goes_in_comes_out(
    capture: CaptureDB, runs: list[_Run], chunked: bool, writes: int, data: st.DataObject
) -> None:
    if runs:
        runs[0] = (1, runs[0][1])
    number, expected = _store(capture, runs, chunked=chunked, writes=writes)
    exchange = capture.get(number)
    segments = [Segment(offset, part) for offset, _, part in expected]
    assert (len(exchange.segments), list(exchange.segments)) == (len(segments), segments)
    if segments:
        start = data.draw(st.integers(0, len(segments)))
        stop = data.draw(st.integers(0, len(segments)))
        assert list(exchange.segments[start:stop]) == segments[start:stop]
        assert exchange.segments[len(segments) - 1] == exchange.segments[-1] == segments[-1]
    lengths: dict[int, int] = {}
    for _, chunk, part in expected:
        lengths[chunk or 0] = lengths.get(chunk or 0, 0) + len(part)
    assert exchange.http_chunks == (tuple(lengths.values()) if chunked else None)
    (row,) = capture.overviews([number])
    assert (row.segments, row.bytes) == (len(expected), sum(len(part) for *_, part in expected))
    # What a stranger sees who only knows SQL.
    seen = capture.connection.execute(
        "SELECT seq, offset_us, chunk, length, text FROM timeline WHERE exchange_id = ? ORDER BY seq", (number,)
    ).fetchall()
    raw = [(seq, offset, chunk, len(part)) for seq, (offset, chunk, part) in enumerate(expected)]
    assert [tuple(row)[:4] for row in seen] == raw
    assert [row["text"] for row in seen] == [part.decode("utf-8", "replace") for *_, part in expected]


def test_a_row_has_its_limits(capture: CaptureDB) -> None:
    """No row takes more than it should, unless one segment alone is larger; a full one is followed by another."""
    tokens = [b"t%d" % number for number in range(3 * MOST_SEGMENTS)]
    large = [os.urandom(MOST_BYTES + 1), b"y", os.urandom(MOST_BYTES), b"w"]
    number, expected = _store(capture, [(1, tokens), (1, large)], chunked=True, writes=9)
    sql = "SELECT length, json_array_length(packed) FROM segments WHERE exchange_id = ? ORDER BY seq"
    rows = capture.connection.execute(sql, (number,)).fetchall()
    assert [row[1] for row in rows] == [MOST_SEGMENTS] * 3 + [None] * 4
    assert [row[0] for row in rows[3:]] == [len(part) for part in large]
    assert [one.data for one in capture.get(number).segments] == [part for *_, part in expected]


_BAD = ["", "x", "{}", "[]", "[1]", "[[0,0,1]]", "[[0,0,2],[0,3,1]]", "[[0,0,-1],[0,-1,4]]", "[[-1,0,3]]"]
_BAD += ["[[0,0,3.5]]", "[[9007199254740993,0,3]]", "[[0,0,3,4]]", f"[{'[0,0,1],' * 600}[0,0,1]]", "[" * 9000]


@pytest.mark.parametrize("packed", [*_BAD, b"[[0,0,3]]"], ids=range(len(_BAD) + 1))
def test_a_row_that_somebody_changed_is_one_line(tmp_path: Path, packed: object) -> None:
    path = tmp_path / "capture.db"
    with CaptureDB(path, write=True) as db:
        db.add(Exchange(segments=(Segment(0, b"a"), Segment(0, b"bc")), http_chunks=(1, 2)))
        db.add(Exchange(segments=(Segment(0, b"a"), Segment(0, b"bc"))))
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE segments SET packed = ?", (packed,))
    with CaptureDB(path) as db:
        assert len(db.overview()) == 2
        for number in (1, 2):
            with pytest.raises(UnreadableInputError, match=f"exchange {number} is damaged"):
                _ = db.get(number).body


def test_a_number_of_segments_that_cannot_be_is_not_believed(tmp_path: Path) -> None:
    """A row far behind the others makes nobody look at all the numbers in between."""
    path = tmp_path / "capture.db"
    with CaptureDB(path, write=True) as db:
        db.add(Exchange(segments=(Segment(0, b"a"), Segment(0, b"bc"))))
        db.connection.execute("INSERT INTO segments VALUES (1, 4503599627370496, 0, 1, NULL, NULL, x'61')")
        exchange = db.get(1)
        assert len(exchange.segments) <= 2 * MOST_SEGMENTS
        assert exchange.body == b"abc"
