"""How drafts are written to a capture."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from functools import partial

from streamlab.sharing.codings import through_coding
from streamlab.sharing.requests import mask_request
from streamlab.sharing.shared import clean_notes
from streamlab.sharing.wanted import Masking
from streamlab.storage.capture_db import INSERT_REQUEST_PART
from streamlab.storage.draft import Draft
from streamlab.storage.segment_rows import INSERT_ROW


def write_drafts(
    connection: sqlite3.Connection,
    drafts: Sequence[Draft],
    recorder_id: int,
    also: Callable[[], None],
    masking: Masking | None = None,
) -> list[Draft]:
    """Write what is new in the drafts, and ``also`` something else, in one transaction; returns those that are new.

    The drafts go on holding what was written until `Draft.written`. After an error none of it is. With ``masking`` a
    body is written when it is over, masked.
    """
    fresh: list[Draft] = []
    rows: list[tuple[object, ...]] = []
    connection.execute("BEGIN IMMEDIATE")
    try:
        for draft in drafts:
            if draft.id is None:
                fresh.append(draft)
                draft.id = _insert(connection, draft, recorder_id)
            rows += draft.body_rows(masking)  # before what is said of it: a body that cannot be masked leaves a note
            if draft.request.changed:
                _write_request(connection, draft)
            if draft.response.changed:
                _write_head(connection, draft)
            if draft.changed:
                _write_changes(connection, draft, masking)
        # One statement for the segments of all streams: a call a stream costs more than the rows.
        connection.executemany(INSERT_ROW, rows)
        also()
        connection.execute("COMMIT")
    except BaseException:
        for draft in fresh:
            draft.id = None
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return fresh


def _insert(connection: sqlite3.Connection, draft: Draft, recorder_id: int) -> int:
    cursor = connection.execute(
        "INSERT INTO exchanges (recorder_id, started_at, label, tap, method, url, request_headers)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            recorder_id,
            draft.started_at,
            draft.label,
            draft.tap,
            draft.request.method,
            draft.request.url,
            json.dumps(draft.request.headers),
        ),
    )
    return int(cursor.lastrowid or 0)


def _write_head(connection: sqlite3.Connection, draft: Draft) -> None:
    head = draft.response.head
    if head is not None:
        connection.execute(
            "UPDATE exchanges SET status = ?, reason = ?, http_version = ?, response_headers = ?, head_us = ?,"
            " chunked = ? WHERE id = ?",
            (
                head.status,
                head.reason,
                head.http_version,
                json.dumps(draft.response.headers),
                draft.response.head_us,
                draft.body.chunked,
                draft.id,
            ),
        )


def _write_changes(connection: sqlite3.Connection, draft: Draft, masking: Masking | None) -> None:
    ended = draft.ending is not None
    connection.execute(
        "UPDATE exchanges SET chunked = ?, ending = ?, end_us = ?, notes = ?, body_bytes = ?, segment_count = ?,"
        " first_us = ? WHERE id = ?",
        (
            draft.body.chunked,
            draft.ending.value if draft.ending else None,
            draft.end_us,
            json.dumps(draft.notes if masking is None else clean_notes(draft.notes, masking)),
            draft.body.bytes if ended else None,
            draft.body.segments if ended else None,
            draft.body.first_us if ended else None,
            draft.id,
        ),
    )


def _write_request(connection: sqlite3.Connection, draft: Draft) -> None:
    """Small bodies into the row; of large ones the row holds none and the parts hold all. Secrets stay out."""
    request = draft.request
    last = request.parts_written + len(request.parts)

    def masked(data: bytes, *, complete: bool, begins: bool) -> bytes:
        mask = partial(mask_request, complete=complete, begins=begins)
        return through_coding(data, request.headers, mask, whole=request.over and not last).data

    body = masked(bytes(request.body), complete=request.over, begins=not last)
    if not request.parts_written and not request.parts:
        connection.execute("UPDATE exchanges SET request_body = ? WHERE id = ?", (body, draft.id))
        return
    if not request.parts_written:
        connection.execute("UPDATE exchanges SET request_body = NULL WHERE id = ?", (draft.id,))
    parts = [(draft.id, seq, masked(data, complete=True, begins=not seq)) for seq, data in request.parts]
    connection.executemany(INSERT_REQUEST_PART, parts)
    connection.execute(INSERT_REQUEST_PART, (draft.id, last, body))  # replaced as it grows
