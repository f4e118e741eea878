"""Which exchanges of a capture are the same but for when they were recorded, by whom and under which label.

Told by their rows as they lie there: what would be read of the same rows is the same, and reading takes ten times as
long. Where the same bytes were packed in other ways the rows differ, and nobody learns that the exchanges are alike.
"""

from __future__ import annotations

import marshal
from hashlib import blake2b
from typing import TYPE_CHECKING

from streamlab.storage.migrations import COLUMNS
from streamlab.storage.opening import clear_errors

if TYPE_CHECKING:
    from streamlab.storage.capture_db import CaptureDB

#: Bytes of rows that are looked at, of one exchange: a larger one is not told from others.
_MOST = 1 << 20
_RECORDED = frozenset({"id", "recorder_id", "started_at", "label", "tap"})
_KEPT = ", ".join(one for one in COLUMNS["exchanges"].split() if one not in _RECORDED)
#: What goes on has no key: whether its recorder lives is no matter of rows.
_EXCHANGE = f"SELECT request_body IS NULL, {_KEPT} FROM exchanges WHERE id = ? AND ending IS NOT NULL"
_SEGMENTS = (
    "SELECT length(data), seq, offset_us, length, chunk, packed, data FROM segments WHERE exchange_id = ? ORDER BY seq"
)
_PARTS = "SELECT length(data), seq, data FROM request_parts WHERE exchange_id = ? ORDER BY seq"


def key_of(db: CaptureDB, exchange_id: int) -> bytes | None:
    """A hash of all that is read of an exchange that has ended but those columns; None where it is large, or not there.
    Raises UnreadableInputError, CouldNotRunError."""
    with clear_errors(db.path):
        cursor = db.connection.cursor()
        cursor.row_factory = None
        row = cursor.execute(_EXCHANGE, (exchange_id,)).fetchone()
        if row is None:
            return None
        rows, size = [row], 0
        for question in (_SEGMENTS, _PARTS) if row[0] else (_SEGMENTS,):
            for one in cursor.execute(question, (exchange_id,)):
                size += one[0]
                if size > _MOST:
                    return None
                rows.append(one)
    return blake2b(marshal.dumps(rows, 0), digest_size=20).digest()
