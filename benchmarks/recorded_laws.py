"""Every law of repairs over recorded streams, and byte for byte the same out of the normalizer where OpenAI sent it.

    python benchmarks/recorded_laws.py FOLDER [--only VENDOR] [--part 1/2]

FOLDER holds API/VENDOR/EXCHANGE directories. Each break of a law is a line, so is each stream of OpenAI's or Azure's
that repair changes, with what changes it. Ends with 1 where a law is broken. What came of it the last time stands in
docs/false-positives.md.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.recorded_findings import is_openai_vendor
from streamlab.repairing.normalizer import normalize
from streamlab.storage.exchange_dir import read_exchange_dir
from tests.harm_laws import broken_laws


def main() -> int:
    """Print what is broken, then how many were tried."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", help="one vendor")
    parser.add_argument("--part", default="1/1", help="of how many, for several processes")
    asked = parser.parse_args()
    part, parts = map(int, asked.part.split("/"))
    homes = sorted(found.parent for found in asked.folder.rglob("exchange.json"))
    tried = broken = changed = own = 0
    for home in homes[part - 1 :: parts]:
        vendor = home.relative_to(asked.folder).parts[1]
        if asked.only not in (None, vendor):
            continue
        exchange = read_exchange_dir(home)
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
    print(f"{tried} streams, {broken} break a law; {changed} of {own} by OpenAI or Azure are changed")
    return int(broken > 0)


if __name__ == "__main__":
    sys.exit(main())
