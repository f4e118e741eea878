"""What `check` said of exchanges, kept in their capture per version of the rules, so that asking again is a query.

A connection is open only while it is asked: processes that are forked meanwhile inherit none. A capture of somebody
else may say of its exchanges what it likes: what this user's own streamlab did not seal is judged anew.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import zstandard

from streamlab.errors import StreamlabError
from streamlab.storage.capture_db import CaptureDB
from streamlab.storage.rows import DamagedRowError, blob, natural, notes, text
from streamlab.storage.seal import Seal

#: A report that unpacks to more was not written by us.
_LARGEST = 256 * 1024 * 1024


class KeptReport(NamedTuple):
    """A packed report, and what else is told of the exchange."""

    report: bytes
    status: int | None
    ending: str | None
    notes: dict[str, Any]


class KeptReports:
    """The reports of one capture by one version of the rules. Never raises: what cannot be read or kept is not."""

    def __init__(self, path: str | Path, version: str) -> None:
        self.path, self._version = Path(path), version
        self._kept = _is_ours(self.path)
        self._seal = Seal()

    def of(self, ids: Sequence[int]) -> dict[int, KeptReport]:
        """What is kept of these exchanges."""
        sql = f"{_KEPT} ({','.join('?' * len(ids))})"
        unpack = zstandard.ZstdDecompressor().decompress
        found: dict[int, KeptReport] = {}
        try:
            with CaptureDB(self.path) as database:
                for row in database.query(sql, (self._version, *ids)):
                    packed = self._seal.opened(blob(row, "report") or b"", self._version, row["id"], *_measures(row))
                    if packed is None or not 0 <= zstandard.frame_content_size(packed) <= _LARGEST:
                        continue
                    report = unpack(packed)
                    told = natural(row, "status"), text(row, "ending"), notes(row)
                    found[row["id"]] = KeptReport(report, *told)
        except (StreamlabError, DamagedRowError, zstandard.ZstdError):
            return {}
        return found

    def keep(self, reports: Iterable[tuple[int, bytes]]) -> None:
        """Keep packed reports of exchanges that are still there."""
        if not self._kept:
            return
        pack = zstandard.ZstdCompressor().compress
        try:
            with CaptureDB(self.path, write=True) as database, database.writing():
                for number, report in reports:
                    for row in database.query(_MEASURES, (number,)):
                        kept = pack(report)
                        seal = self._seal.of(kept, self._version, number, *_measures(row))
                        if seal is not None:
                            database.connection.execute(_KEEP, (number, self._version, seal + kept))
        except StreamlabError:
            self._kept = False  # a disk that is full, somebody who writes for long: it is but a convenience


_MEASURED = ("started_at", "url", "status", "ending", "body_bytes", "segment_count", "end_us")
_MEASURES = f"SELECT {', '.join(_MEASURED)} FROM exchanges WHERE id = ?"
_KEPT = f"""SELECT e.id, e.notes, r.report, {", ".join(f"e.{name}" for name in _MEASURED)}
    FROM reports r JOIN exchanges e ON e.id = r.exchange_id
    WHERE r.version = ? AND e.ending IS NOT NULL AND e.id IN"""
_KEEP = "INSERT OR REPLACE INTO reports (exchange_id, version, report) VALUES (?, ?, ?)"


def _measures(row: sqlite3.Row) -> tuple[Any, ...]:
    """What an exchange is known by, so that a report does not pass from one to another."""
    return tuple(row[name] for name in _MEASURED)


def _is_ours(path: Path) -> bool:
    """Whether it is our own file, and may be written."""
    try:
        owner = path.stat().st_uid
    except OSError:
        return False
    return os.access(path, os.W_OK) and (not hasattr(os, "geteuid") or owner == os.geteuid())
