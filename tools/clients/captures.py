"""Keeps of `streamlab clients run … --format json` what docs/clients.md shows, in captures.json.

streamlab clients run captures/NAME… --client all --format json | python tools/clients/captures.py
"""

from __future__ import annotations

import datetime
import json
import sys
from pathlib import Path
from typing import Any

from streamlab.clients.setups import setups

TARGET = Path(__file__).with_name("captures.json")


def kept(told: dict[str, Any]) -> dict[str, Any]:
    """Without what each client held: what became of each exchange, as it came and repaired, and how often it asked."""
    return {
        "measured": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "exchanges": [
            {
                "name": Path(one["name"]).name,
                "errors_left": one["errors_left"],
                "clients": {row["client"]: _row(row) for row in one["clients"]},
            }
            for one in told["exchanges"]
        ],
    }


def _row(row: dict[str, Any]) -> dict[str, Any]:
    reactions = {when: row[when] for when in ("came", "repaired") if row[when] is not None}
    asked = max(one["requests"] for one in reactions.values())
    outcomes = {when: _short(one["outcome"]) for when, one in reactions.items()}
    package = setups()[row["client"]].package
    version = next(one for one in row["version"].split(", ") if one.startswith(f"{package} "))
    return {"version": version, **outcomes, **({"asked": asked} if asked > 1 else {})}


def _short(outcome: str | None) -> str | None:
    """Without the words of a message."""
    return ":".join(outcome.split(":")[:2]) if outcome else outcome


if __name__ == "__main__":
    TARGET.write_text(json.dumps(kept(json.load(sys.stdin)), indent=1) + "\n", encoding="utf-8")
