"""When a process that serves streams looks for garbage."""

from __future__ import annotations

import gc

#: Allocations between two looks at the young, and how many of those between looks at the older.
_THRESHOLDS = (50_000, 20, 50)


def collect_rarely() -> None:
    """Nearly everything is freed by its reference count; a full collection would stop all streams for milliseconds."""
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
