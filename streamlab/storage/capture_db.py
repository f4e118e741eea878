"""A capture: exchanges in one SQLite file.

Readers open it read-only and may do so while recorders write. A file that is not a capture is refused before SQLite
touches it, so that nothing in it changes.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from streamlab.errors import NotFoundError, UnreadableInputError
from streamlab.storage import rows as rows_of
from streamlab.storage.migrations import OVERVIEW
from streamlab.storage.opening import OPEN, clear_errors, identity, open_reading, open_writing
from streamlab.storage.packing import pack_all
from streamlab.storage.rows import ExchangeOverview
from streamlab.storage.segment_rows import (
    COLUMNS,
    INSERT_ROW,
    MOST_SEGMENTS,
    StoredSegment,
    WaitingRows,
    chunk_lengths,
    lengths,
    unpacked,
)

if TYPE_CHECKING:  # a list needs no exchange
    from streamlab.exchange import Exchange, Request, Segment

SQLITE_VERSION = sqlite3.sqlite_version
#: Bytes unpacked at once, of some rows.
_PAGE_BYTES = 1024 * 1024
#: Request bodies up to this many bytes lie in their exchange's row, larger ones in request_parts.
INLINE_REQUEST = 1024 * 1024

INSERT_REQUEST_PART = "INSERT OR REPLACE INTO request_parts (exchange_id, seq, data) VALUES (?, ?, ?)"


class CaptureDB:
    """An open capture. Use as a context manager, or `close()` it.

    ``CaptureDB(path)`` reads; ``CaptureDB(path, write=True)`` creates it where it is missing (mode 0600), migrates it
    and may `add()` and `prune()`. Raises NotFoundError, UnreadableInputError, or CouldNotRunError (no permission,
    disk full, locked for long).
    """

    def __init__(self, path: str | os.PathLike[str], *, write: bool = False, busy_seconds: float = 5.0) -> None:
        self.path = Path(path)
        self.connection = open_writing(self.path, busy_seconds) if write else open_reading(self.path, busy_seconds)
        self._file = identity(self.path)
        OPEN.update((self._file,))

    def __enter__(self) -> CaptureDB:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self.connection.close()
        if self._file is not None:
            OPEN.subtract((self._file,))
            self._file = None

    # --- reading

    def ids(self, after: int = -1) -> Iterator[int]:
        """Ids above ``after``, oldest first."""
        last = after
        while True:
            rows = self.query("SELECT id FROM exchanges WHERE id > ? ORDER BY id LIMIT 1000", (last,))
            for (last,) in rows:
                yield last
            if not rows:
                return

    def count(self) -> int:
        """How many exchanges there are."""
        return int(self.query("SELECT count(*) FROM exchanges")[0][0])

    def last(self) -> int:
        """The id of the exchange that began last; NotFoundError when there is none."""
        ((found,),) = self.query("SELECT max(id) FROM exchanges")
        if found is None:
            raise NotFoundError(f"{self.path}: nothing was recorded yet")
        return int(found)

    def overview(self, *, after: int = 0, limit: int = -1) -> list[ExchangeOverview]:
        """One line an exchange, oldest first, of ids above ``after``; ``limit`` -1 means all."""
        rows = self.query(f"SELECT * FROM ({OVERVIEW}) WHERE id > ? ORDER BY id LIMIT ?", (after, limit))
        return [rows_of.overview(row) for row in rows]

    def overviews(self, ids: Sequence[int]) -> list[ExchangeOverview]:
        """One line each of these exchanges, those that are there, in no order."""
        marks = ",".join("?" * len(ids))
        return [
            rows_of.overview(row) for row in self.query(f"SELECT * FROM ({OVERVIEW}) WHERE id IN ({marks})", tuple(ids))
        ]

    def get(self, exchange_id: int) -> Exchange:
        """One exchange, its segments read on demand. An unfinished one has ``ending`` interrupted; as long as its
        recorder lives, ``notes["in_progress"]`` is True."""
        rows = self.query(
            "SELECT e.*, r.process FROM exchanges e LEFT JOIN recorders r ON r.id = e.recorder_id WHERE e.id = ?",
            (exchange_id,),
        )
        if not rows:
            raise NotFoundError(f"{self.path}: no exchange {exchange_id}")
        row = rows[0]
        try:
            return self._exchange(row)
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise UnreadableInputError(f"{self.path}: exchange {exchange_id} is damaged: {error}") from None

    def _exchange(self, row: sqlite3.Row) -> Exchange:
        from streamlab.exchange import Exchange
        from streamlab.storage.stored_segments import StoredSegments

        notes = rows_of.notes(row)
        ending = rows_of.ending(rows_of.text(row, "ending"), rows_of.text(row, "process"), notes)
        return Exchange(
            id=row["id"],
            request=self._request(row),
            head=rows_of.head(row),
            segments=StoredSegments(self, row["id"], self._segment_count(row)),
            http_chunks=self._chunks(row["id"]) if row["chunked"] else None,
            ending=ending,
            end_us=rows_of.natural(row, "end_us"),
            label=rows_of.text(row, "label"),
            tap=rows_of.text(row, "tap"),
            started_at=rows_of.text(row, "started_at"),
            notes=notes,
        )

    def _request(self, row: sqlite3.Row) -> Request | None:
        body = rows_of.blob(row, "request_body")
        if body is None:
            parts = self.query("SELECT data FROM request_parts WHERE exchange_id = ? ORDER BY seq", (row["id"],))
            body = b"".join(rows_of.blob(part, "data") or b"" for part in parts) if parts else None
        return rows_of.request(row, body)

    def _segment_count(self, row: sqlite3.Row) -> int:
        last = self.query(_LAST_ROW, (row["id"], row["id"]))
        if not last:
            return 0
        # What is counted is not believed beyond what can be there: the file may come from elsewhere.
        most = int(last[0]["rows"]) * MOST_SEGMENTS
        return min((rows_of.natural(last[0], "seq") or 0) + len(lengths(last[0])), most)

    def _chunks(self, exchange_id: int) -> tuple[int, ...]:
        sql = "SELECT chunk, offset_us, length, packed FROM segments WHERE exchange_id = ? ORDER BY seq"
        return chunk_lengths(self.query(sql, (exchange_id,)))

    def query(self, sql: str, parameters: Sequence[object] = ()) -> list[sqlite3.Row]:
        """What a question comes to. Raises UnreadableInputError or CouldNotRunError."""
        with clear_errors(self.path):
            return self.connection.execute(sql, parameters).fetchall()

    def segments_between(self, exchange_id: int, start: int, stop: int) -> list[Segment]:
        """Segments ``start`` to ``stop`` (exclusive) of an exchange."""
        from streamlab.exchange import Segment

        return [Segment(one.offset_us, one.data) for one in self.stored_between(exchange_id, start, stop)]

    def stored_between(self, exchange_id: int, start: int, stop: int, *, rows: int = -1) -> list[StoredSegment]:
        """The same with their numbers and those of their HTTP chunks; no more than lie in some ``rows``, if any."""
        found = self.query(_ROWS_BETWEEN, (exchange_id, stop, exchange_id, start, rows))
        try:
            return [one for row in _as_many(found, rows) for one in unpacked(row) if start <= one.seq < stop]
        except rows_of.DamagedRowError as error:
            raise UnreadableInputError(f"{self.path}: exchange {exchange_id} is damaged: {error}") from None

    # --- writing

    def add(self, exchange: Exchange, number: int | None = None) -> int:
        """Store an exchange from elsewhere, redacted as one that is recorded; ``number`` or the next is its id."""
        request, head = exchange.request, exchange.head
        from streamlab.redaction import redact_headers, redact_line  # who only reads needs none of it
        from streamlab.sharing.masking import mask_text

        body = _masked_body(request)
        inline = body if body is not None and len(body) <= INLINE_REQUEST else None
        row = {
            "id": number,
            "started_at": exchange.started_at,
            "label": mask_text(exchange.label) if exchange.label else exchange.label,
            "tap": exchange.tap,
            **_address(request),
            "request_body": inline,
            "status": head.status if head else None,
            "reason": redact_line(head.reason) if head else None,
            "http_version": head.http_version if head else None,
            "response_headers": json.dumps(redact_headers(head.headers)) if head else None,
            "head_us": head.offset_us if head else None,
            "chunked": exchange.http_chunks is not None,
            "ending": exchange.ending.value,
            "end_us": exchange.end_us,
            "notes": json.dumps(_clean_notes(exchange)),
        }
        with self.writing():
            columns = ", ".join(row)
            marks = ", ".join(f":{name}" for name in row)
            cursor = self.connection.execute(f"INSERT INTO exchanges ({columns}) VALUES ({marks})", row)
            added = int(cursor.lastrowid or 0)
            if body is not None and inline is None:
                parts = range(0, len(body), INLINE_REQUEST)
                self.connection.executemany(
                    INSERT_REQUEST_PART,
                    ((added, seq, body[at : at + INLINE_REQUEST]) for seq, at in enumerate(parts)),
                )
            segments = _write_segments(self.connection, added, exchange)
            self.connection.execute(_FILL_TOTALS, {"id": added, "segments": segments})
        return added

    def prune(
        self, *, older_than: timedelta | None = None, keep: int | None = None, ids: Iterable[int] | None = None
    ) -> int:
        """Delete exchanges, those of `prunable`; returns how many went."""
        doomed = self.prunable(older_than=older_than, keep=keep, ids=ids)
        with self.writing():
            deleted = sum(self.delete(exchange_id) for exchange_id in doomed)
        # The log still has what was packed, in which nobody finds a secret; who reads just now keeps it for a while.
        with contextlib.suppress(sqlite3.OperationalError):
            self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return deleted

    def prunable(
        self, *, older_than: timedelta | None = None, keep: int | None = None, ids: Iterable[int] | None = None
    ) -> list[int]:
        """The exchanges older than an age, all but the newest ``keep``, or these ids, as far as they are there."""
        doomed: set[int] = set(ids or ())
        if older_than is not None:
            limit = (datetime.now(UTC) - older_than).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            doomed.update(row[0] for row in self.query("SELECT id FROM exchanges WHERE started_at < ?", (limit,)))
        if keep is not None:
            sql = "SELECT id FROM exchanges ORDER BY id DESC LIMIT -1 OFFSET ?"
            doomed.update(row[0] for row in self.query(sql, (keep,)))
        return [number for number in sorted(doomed) if self.query("SELECT 1 FROM exchanges WHERE id = ?", (number,))]

    def delete(self, exchange_id: int) -> int:
        """Delete an exchange, inside of `writing`; returns whether it was there (0 or 1)."""
        for table in ("segments", "request_parts", "laid_out"):
            self.connection.execute(f"DELETE FROM {table} WHERE exchange_id = ?", (exchange_id,))
        return self.connection.execute("DELETE FROM exchanges WHERE id = ?", (exchange_id,)).rowcount

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """One transaction; trouble becomes CouldNotRunError."""
        with clear_errors(self.path):
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self.connection.execute("COMMIT")
            except BaseException:
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")
                raise


_FILL_TOTALS = """UPDATE exchanges SET
    body_bytes = (SELECT coalesce(sum(length), 0) FROM segments WHERE exchange_id = :id),
    segment_count = :segments,
    first_us = (SELECT min(offset_us) FROM segments WHERE exchange_id = :id)
WHERE id = :id"""

_LAST_ROW = """SELECT seq, offset_us, length, packed, (SELECT count(*) FROM segments WHERE exchange_id = ?) AS rows
    FROM segments WHERE exchange_id = ? ORDER BY seq DESC LIMIT 1"""
_ROWS_BETWEEN = f"""SELECT {COLUMNS} FROM segments WHERE exchange_id = ? AND seq < ?
    AND seq >= coalesce((SELECT max(seq) FROM segments WHERE exchange_id = ? AND seq <= ?), 0)
    ORDER BY seq LIMIT ?"""


def _as_many(found: list[sqlite3.Row], rows: int) -> Iterator[sqlite3.Row]:
    """All of them; if only some rows are wanted, no more than unpack to a page's worth."""
    size = 0
    for row in found:
        if rows >= 0 and size > _PAGE_BYTES:
            return
        yield row
        size += rows_of.natural(row, "length") or 0


def _write_segments(connection: sqlite3.Connection, exchange_id: int, exchange: Exchange) -> int:
    """Write the segments, cut further at HTTP chunk boundaries where those are known; how many there are then."""
    waiting = WaitingRows()
    chunks = iter(exchange.http_chunks or ())
    chunk = left = 0 if exchange.http_chunks is None else -1
    for segment in exchange.segments:
        data = segment.data
        while data:
            if exchange.http_chunks is None:
                piece, data = data, b""
            else:
                while left <= 0:
                    left = next(chunks, len(data))
                    chunk += 1
                piece, data = data[:left], data[left:]
                left -= len(piece)
            waiting.add((segment.offset_us,), (piece,), None if exchange.http_chunks is None else chunk)
    connection.executemany(INSERT_ROW, waiting.rows(exchange_id))
    pack_all(connection, exchange_id)
    return waiting.segments


def _address(request: Request | None) -> dict[str, str | None]:
    from streamlab.redaction import redact_headers, redact_line, redact_url

    if request is None:
        return {"method": None, "url": None, "request_headers": None}
    headers = json.dumps(redact_headers(request.headers))
    return {"method": redact_line(request.method), "url": redact_url(request.url), "request_headers": headers}


def _clean_notes(exchange: Exchange) -> dict[str, object]:
    """Notes without secrets; what no framing covers of a body is evidence as the body is."""
    from streamlab.sharing.shared import clean_notes
    from streamlab.sharing.wanted import ALL_KNOWN

    evidence = ("unframed",) if exchange.head is not None else ()
    return {key: one if key in evidence else clean_notes(one, ALL_KNOWN) for key, one in exchange.notes.items()}


def _masked_body(request: Request | None) -> bytes | None:
    from streamlab.sharing.codings import through_coding
    from streamlab.sharing.requests import mask_request

    if request is None or not request.body:
        return request.body if request else None
    return through_coding(request.body, request.headers, mask_request).data
