"""When a process that serves streams looks for garbage."""

from __future__ import annotations

import gc

#: By how many objects there are to be more between two looks at the young, which take less than a millisecond
#: each, and how many of those come between looks at the older.
_THRESHOLDS = (2_000, 500, 50)


def collect_rarely() -> None:
    """Nearly everything is freed by its reference count; a full collection would stop all streams for milliseconds."""
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
