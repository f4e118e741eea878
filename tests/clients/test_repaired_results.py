"""What was measured before and after repair: nobody is worse off."""

from __future__ import annotations

import json
from pathlib import Path

_TOLD = json.loads((Path(__file__).parents[2] / "tools" / "clients" / "repaired.json").read_text(encoding="utf-8"))


def test_nobody_is_worse_off_after_repair():
    assert [one["case"] for one in _TOLD["streams"] if one.get("worse")] == []
    counts = [count for client in _TOLD["clients"].values() for count in client.values() if isinstance(count, dict)]
    assert sum(count.get("worse", 0) for count in counts) == 0
    for count in counts:
        assert count["cells"] == count.get("better", 0) + count.get("same", 0)
        assert count["right after"] >= count["right before"]
