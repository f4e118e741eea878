"""How many examples a law is tried on: a third in `make test`, which takes always the same ones, all in `make fuzz`."""

from __future__ import annotations

import os

#: `make fuzz` takes random examples, and all of them.
RANDOM = os.environ.get("STREAMLAB_EXAMPLES") == "random"


def examples(many: int) -> int:
    """Of ``many`` examples those that are worth their time in every run."""
    return many if RANDOM else max(20, many // 3)
