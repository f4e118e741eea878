"""What was measured before and after repair: nobody is worse off."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

_TOOLS = Path(__file__).parents[2] / "tools" / "clients"
_TOLD = json.loads((_TOOLS / "repaired.json").read_text(encoding="utf-8"))


def test_nobody_is_worse_off_after_repair():
    assert [one["case"] for one in _TOLD["streams"] if one.get("worse")] == []
    counts = [count for client in _TOLD["clients"].values() for count in client.values() if isinstance(count, dict)]
    assert sum(count.get("worse", 0) for count in counts) == 0
    for count in counts:
        assert count["cells"] == count.get("better", 0) + count.get("same", 0)
        assert count["right after"] >= count["right before"]


@pytest.mark.parametrize("client", ["claude", "codex"])
def test_a_program_holds_through_the_recorder_what_it_holds_of_the_lawful_stream(client):
    cases = json.loads((_TOOLS / "live_cases.json").read_text(encoding="utf-8"))[client]["cases"]
    assert sum("came" in one for one in cases.values()) >= 6
    assert [name for name, one in cases.items() if one.keys() - {"lawful", "came"}] == []
