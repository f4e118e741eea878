"""Keeps of `streamlab clients run … --format json` what docs/clients.md shows, in captures.json.

    streamlab clients run captures/NAME… --client all --format json | python tools/clients/captures.py

Says what changed since the last time, and keeps that too. With --environments FOLDER (that of the run) it counts how
much room they take.
"""

from __future__ import annotations

import argparse
import datetime
import json
import sys
from pathlib import Path
from typing import Any

from streamlab.clients.setups import setups
from streamlab.workflows.clients.environments import Environments, default_folder

TARGET = Path(__file__).with_name("captures.json")
_MB = 1_000_000


def kept(told: dict[str, Any], before: dict[str, Any], environments: Environments) -> dict[str, Any]:
    """Without what each client held: what became of each exchange, as it came and repaired, and how often it asked."""
    exchanges = [
        {
            "name": Path(one["name"]).name,
            "api": one["api"],
            "errors_left": one["errors_left"],
            "clients": {row["client"]: _row(row) for row in one["clients"]},
        }
        for one in told["exchanges"]
    ]
    return {
        "measured": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "since": before["measured"],
        "changed": _changed(before["exchanges"], exchanges),
        "megabytes": _sizes(environments, exchanges),
        "exchanges": exchanges,
    }


def _changed(before: list[dict[str, Any]], now: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every client that did something else of an exchange the last time; who was not asked then is no change."""
    known = {one["name"]: one["clients"] for one in before}
    return [
        {"name": one["name"], "client": client, "before": known[one["name"]][client], "now": row}
        for one in now
        for client, row in one["clients"].items()
        if client in known.get(one["name"], {}) and _did(row) != _did(known[one["name"]][client])
    ]


def _did(row: dict[str, Any]) -> dict[str, Any]:
    """Less what is no change of its behaviour: the version, and how often who hangs asks until it is given up on."""
    left_out = {"version", "asked"} if "hang" in row.values() else {"version"}
    return {name: value for name, value in row.items() if name not in left_out}


def _sizes(environments: Environments, exchanges: list[dict[str, Any]]) -> dict[str, int]:
    """Of each environment, by the first client that uses it: MB on disk; and of all that lies there ("")."""
    asked = dict.fromkeys(client for one in exchanges for client in one["clients"])
    homes = {environments.home(setups()[client]): client for client in reversed(asked)}
    sizes = {client: _megabytes(home) for home, client in homes.items() if home.exists()}
    return {"": _megabytes(environments.folder)} | dict(sorted(sizes.items()))


def _megabytes(folder: Path) -> int:
    files = (path.lstat() for path in folder.rglob("*"))
    return round(sum(one.st_blocks * 512 for one in files) / _MB)


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


def main() -> None:
    """From standard input to captures.json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--environments", type=Path, default=default_folder())
    told = parser.parse_args()
    before = json.loads(TARGET.read_text(encoding="utf-8"))
    now = kept(json.load(sys.stdin), before, Environments(told.environments))
    TARGET.write_text(json.dumps(now, indent=1) + "\n", encoding="utf-8")
    for one in now["changed"]:
        print(f"{one['client']} on {one['name']}: {_did(one['before'])} before, {_did(one['now'])} now")


if __name__ == "__main__":
    main()
