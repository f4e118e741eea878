"""Every law of repairs over recorded streams, and byte for byte the same out of the normalizer where OpenAI sent it.

    python benchmarks/recorded_laws.py FOLDER [--only VENDOR] [--part 1/2]
    python benchmarks/recorded_laws.py FOLDER --table

FOLDER holds API/VENDOR/EXCHANGE directories. Each break of a law is a line, so is each stream of OpenAI's or Azure's
that repair changes, with what changes it. Ends with 1 where a law is broken. ``--table`` asks no law and writes of each
such stream what is changed into what, as docs/false-positives.md has it; what came of it the last time stands there.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any

from benchmarks.recorded_findings import is_openai_vendor
from streamlab.exchange import Exchange
from streamlab.repairing.account import Normalized
from streamlab.repairing.normalizer import normalize
from streamlab.rules.repair import ABSENT, Change
from streamlab.storage.exchange_dir import read_exchange_dir
from tests.harm_laws import broken_laws


def table_row(vendor: str, name: str, exchange: Exchange, repaired: Normalized) -> str:
    """One changed stream: its model, and of each rule how often it changes something and the first change, as bytes."""
    first: dict[str, Change] = {}
    for event in repaired.events:
        for change in event.changes:
            if change.was is not ABSENT or change.now is not ABSENT:
                first.setdefault(change.rule, change)
    told = [f"{rule} ×{count}{_told(first.get(rule))}" for rule, count in sorted(repaired.changes.items())]
    model = re.search(rb'"model": ?"([^"]+)"', exchange.body)
    named = model[1].decode() if model is not None else ""
    return f"| {vendor} {name.rpartition('__')[2]} | {named} | {'; '.join(told)} |"


def _told(change: Change | None) -> str:
    if change is None:
        return ""
    where = f"`{change.path}` " if change.path else ""
    return f" ({where}{_shown(change.was)} → {_shown(change.now)})"


def _shown(value: Any) -> str:
    if value is ABSENT:
        return "absent"
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return f"`{text if len(text) <= 40 else text[:39] + '…'}`"


def main() -> int:
    """Print what is broken, then how many were tried."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", help="one vendor")
    parser.add_argument("--part", default="1/1", help="of how many, for several processes")
    parser.add_argument("--table", action="store_true", help="what is changed in streams of OpenAI and Azure, in rows")
    asked = parser.parse_args()
    part, parts = map(int, asked.part.split("/"))
    homes = sorted(found.parent for found in asked.folder.rglob("exchange.json"))
    tried = broken = changed = own = 0
    for home in homes[part - 1 :: parts]:
        vendor = home.relative_to(asked.folder).parts[1]
        if asked.only not in (None, vendor) or (asked.table and not is_openai_vendor(vendor)):
            continue
        exchange = read_exchange_dir(home)
        if asked.table:
            repaired = normalize(exchange)
            if repaired.exchange.body != exchange.body:
                print(table_row(vendor, home.name, exchange, repaired))
            continue
        laws = broken_laws(exchange)
        tried += 1
        if laws:
            broken += 1
            print(f"{home.relative_to(asked.folder)}: {laws}", flush=True)
        if is_openai_vendor(vendor):
            own += 1
            repaired = normalize(exchange)
            if repaired.exchange.body != exchange.body:
                changed += 1
                print(f"{home.relative_to(asked.folder)}: changed by {dict(repaired.changes)}", flush=True)
    if not asked.table:
        print(f"{tried} streams, {broken} break a law; {changed} of {own} by OpenAI or Azure are changed")
    return int(broken > 0)


if __name__ == "__main__":
    sys.exit(main())
