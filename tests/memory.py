"""Memory as it is needed, whatever ran before in the same process."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager

#: As Python 3.11 to 3.13 start. Commands of ours look for garbage more seldom, and leave it so in the process.
_AS_PYTHON_STARTS = (700, 10, 10)


@contextmanager
def traced() -> Iterator[None]:
    """What is allocated within counts for `tracemalloc.get_traced_memory`, and garbage is
    looked for from the first object on."""
    before = gc.get_threshold()
    gc.collect()
    gc.set_threshold(*_AS_PYTHON_STARTS)
    tracemalloc.start()
    try:
        yield
    finally:
        tracemalloc.stop()
        gc.set_threshold(*before)
