"""Streams that are just being recorded, as the recorder's writer leaves them in the database."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

from streamlab.storage.capture_db import CaptureDB
from streamlab.storage.process_identity import this_process
from streamlab.storage.segment_rows import INSERT_SEGMENT
from tests import streams


class Recording:
    """Exchanges that go on; ``write`` adds an event to each, ``end`` completes them."""

    def __init__(self, path: Path, count: int) -> None:
        self._db = CaptureDB(path, write=True)
        self.written = 0
        with self._db.writing():
            run = self._db.connection.execute
            recorder = run("INSERT INTO recorders (process, started_at) VALUES (?, '')", (this_process(),)).lastrowid
            sql = (
                "INSERT INTO exchanges (recorder_id, started_at, label, method, url, request_headers, request_body, "
                "status, response_headers, head_us) VALUES (?, '2026-01-01T00:00:00Z', ?, 'POST', "
                "'/v1/chat/completions', '[]', ?, 200, '[[\"content-type\", \"text/event-stream\"]]', 1000)"
            )
            body = streams.request_for().body
            self.ids = [run(sql, (recorder, f"stream {number}", body)).lastrowid for number in range(count)]

    def __enter__(self) -> Recording:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()

    def write(self, raw: bytes) -> None:
        """One more read of every stream."""
        offset = 20_000 * (self.written + 1)
        with self._db.writing():
            self._db.connection.executemany(
                INSERT_SEGMENT, [(number, self.written, offset, len(raw), None, raw) for number in self.ids]
            )
        self.written += 1

    def end(self) -> None:
        """All of them are complete."""
        with self._db.writing():
            self._db.connection.executemany(
                "UPDATE exchanges SET ending = 'complete', end_us = ? WHERE id = ?",
                [(20_000 * (self.written + 1), number) for number in self.ids],
            )
