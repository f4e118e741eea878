"""What `check` said of exchanges, kept in their capture per version of the rules, so that asking again is a query.

A connection is open only while it is asked: processes that are forked meanwhile inherit none.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import zstandard

from streamlab.errors import StreamlabError
from streamlab.exchange import Exchange
from streamlab.storage.capture_db import CaptureDB
from streamlab.storage.rows import DamagedRowError, blob, natural, notes, text

#: A report that unpacks to more was not written by us.
_LARGEST = 256 * 1024 * 1024


def may_be_kept(exchange: Exchange) -> bool:
    """Whether what is said of it now holds for good: it has ended, and nobody can go on with it."""
    return not exchange.notes.get("in_progress") and exchange.notes.get("ending_reason") != "recorder-gone"


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

    def of(self, ids: Sequence[int]) -> dict[int, KeptReport]:
        """What is kept of these exchanges."""
        sql = f"{_KEPT} ({','.join('?' * len(ids))})"
        unpack = zstandard.ZstdDecompressor().decompress
        found: dict[int, KeptReport] = {}
        try:
            with CaptureDB(self.path) as database:
                for row in database.query(sql, (self._version, *ids)):
                    packed = blob(row, "report") or b""
                    if not 0 <= zstandard.frame_content_size(packed) <= _LARGEST:
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
        rows = [(number, self._version, pack(report), number) for number, report in reports]
        try:
            with CaptureDB(self.path, write=True) as database, database.writing():
                database.connection.executemany(_KEEP, rows)
        except StreamlabError:
            self._kept = False  # a disk that is full, somebody who writes for long: it is but a convenience


_KEPT = """SELECT e.id, e.status, e.ending, e.notes, r.report FROM reports r JOIN exchanges e ON e.id = r.exchange_id
    WHERE r.version = ? AND e.ending IS NOT NULL AND e.id IN"""
_KEEP = """INSERT OR REPLACE INTO reports (exchange_id, version, report)
    SELECT ?, ?, ? WHERE EXISTS (SELECT 1 FROM exchanges WHERE id = ?)"""


def _is_ours(path: Path) -> bool:
    """Whether it is our own file, and may be written."""
    try:
        owner = path.stat().st_uid
    except OSError:
        return False
    return os.access(path, os.W_OK) and (not hasattr(os, "geteuid") or owner == os.geteuid())
